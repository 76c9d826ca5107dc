"""Whether a database that was restored is what was saved, and sound."""

from collections.abc import Callable, Mapping

from console.core.backup_checks import different
from console.core.backups import TableFacts
from console.core.data import Invariant
from console.targets.postgres.content import at_moment, content
from console.targets.postgres.integrity import amcheck, violated
from console.targets.postgres.server import Server
from console.targets.progress import Progress
from console.targets.together import together

INVARIANT_S = 60.0
"""How long one invariant may take."""


async def faults(
    server: Server,
    database: str,
    wanted: Mapping[str, TableFacts],
    invariants: Mapping[str, Invariant],
    *,
    jobs: int,
    progress: Progress,
    on_line: Callable[[str], None] | None = None,
) -> str | None:
    """The first fault of the database, in a sentence that goes on from its name; None when it has none.

    Its content must be `wanted`, pg_amcheck must find nothing, and every invariant must hold. Content and
    heaps are read side by side, each with `jobs` connections; nobody may write to the database meanwhile.
    """

    async def comparing() -> str | None:
        return different(wanted, await _content(server, database, wanted, jobs, progress))

    limit_s = progress.left_s
    checking = amcheck(server, database, jobs=jobs, limit_s=limit_s, on_line=on_line)
    for fault in await together(comparing(), checking):
        if fault is not None:
            return fault
    progress("asking the invariants")
    return await violated(server, database, invariants, limit_s=min(INVARIANT_S, progress.left_s))


async def _content(
    server: Server, database: str, wanted: Mapping[str, TableFacts], jobs: int, progress: Progress
) -> dict[str, TableFacts]:
    """What the database holds, read by several connections at once."""
    total = sum(table.rows for table in wanted.values())
    read = 0

    def on_rows(rows: int) -> None:
        nonlocal read
        read += rows
        progress("comparing every row", done=read, total=max(total, read), unit="rows")

    async with server.connect(database) as connection:
        row = await (await connection.execute("SELECT pg_export_snapshot()")).fetchone()
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        async with at_moment(server, row[0], jobs, database) as (first, *beside):
            return await content(first, on_rows, beside=beside)
