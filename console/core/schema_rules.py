"""What the strategy says of the schema: how a release builds its own, and how it is rehearsed on today's."""

from typing import Literal

from pydantic import Field

from console.core.data import Argv, Invariant
from console.core.fields import Model, Name, Span


class SchemaCommand(Model):
    """A command that is run in a worktree of the target release, on a scratch database of its own.

    It learns the database by environment variables, never by words that others can read: WARROOM_SCRATCH_DSN
    is its address as a URL, PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE are the same in parts. Who it
    connects as is whoever `data.dsn` means. WARROOM_MIGRATIONS is `run` for `build`, and `off` for
    `rehearse`: the release must not touch the schema when it starts.
    """

    argv: Argv
    """Without a shell; it ends, with all that it has started, at its limit."""
    limit: Span


class SchemaRules(Model):
    """How it is told whether a release can work with today's schema."""

    build: SchemaCommand | None = None
    """Brings an empty database to the schema of the release. None: the verdict is *unknown*."""
    rehearse: SchemaCommand | None = None
    """Starts the release against a copy of today's schema with sample rows, where nobody else sees it.

    Ends with 0 only when smoke and a write test have passed. None: an *expanded* schema is not believed.
    """
    new_rows: dict[Name, Invariant] = Field(default_factory=dict)
    """Questions to the live data whose answer is rows that only newer code understands: none is right."""
    unknown: Literal["closes", "allows"] = "closes"
    """Whether people may go on where the verdict is *unknown*; what goes on without them never does."""
