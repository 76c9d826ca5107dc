"""A release and a database that only it knows: commands of the strategy, run on a scratch database.

Scratch databases stand beside the live one on its own server, so that version, locale, extensions and roles
are the same; each is marked as ours, and gone when the block ends. Those that a killed engine left are
dropped when the next one makes its own, or looks what became of the step.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from console.core.errors import StatedError
from console.core.schema_rules import SchemaCommand, SchemaRules
from console.core.scratch_variables import DSN, MIGRATIONS
from console.targets.postgres import own
from console.targets.postgres.dsn import url, variables
from console.targets.postgres.server import Server
from console.targets.process import Finished, Programs


class CommandFailedError(StatedError):
    """A command did not do what it is for; one line with the last thing it said."""


@dataclass(frozen=True, slots=True)
class ScratchReleases:
    """Where and how releases are tried on a schema."""

    rules: SchemaRules
    server: Server
    """The database's server, as its administrator sees it."""
    service: Server
    """The same, as the service connects to it."""
    programs: Programs
    redact: Callable[[str], str]
    """What keeps secrets out of whatever a command says."""

    @asynccontextmanager
    async def database(self, name: str, environment: str, token: str) -> AsyncIterator[None]:
        """An empty database for the block, then gone; `token` says for what it is made."""
        await self.sweep(environment)
        async with own.building(self.server, name, f"{_mark(environment)}{token}") as live:
            yield
            await own.drop(live, name)

    async def sweep(self, environment: str) -> list[str]:
        """Drop what an engine that was killed has left of them; their names."""
        return await own.sweep(self.server, _mark(environment))

    async def run(
        self,
        command: SchemaCommand,
        worktree: Path,
        database: str,
        *,
        migrations: Literal["run", "off"],
        on_line: Callable[[str], None],
    ) -> Finished:
        """Run a command in a worktree on that database; CommandFailedError unless it ends with 0."""
        params = {**await self.service.reached(), "dbname": database}
        del params["connect_timeout"], params["application_name"]  # ours alone
        extra = {**variables(params), DSN: url(params), MIGRATIONS: migrations}
        finished = await self.programs.run(
            command.argv,
            cwd=worktree,
            limit_s=command.limit,
            extra=extra,
            on_line=lambda line: on_line(self.redact(line)),
        )
        if finished.code:
            raise CommandFailedError(self.redact(f"`{command.argv[0]}` failed: {finished.reason}"))
        return finished


def _mark(environment: str) -> str:
    """How the marks of all of them begin."""
    return f"scratch release {environment} "
