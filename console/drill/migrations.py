"""Brings the database to what a release needs: every migration once, never back."""

from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import AsyncConnection

from console.drill.place import DrillError, one_line

_LEDGER = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
        name text PRIMARY KEY,
        commit text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""


async def migrate(
    dsn: str, worktree: Path, commit: str, say: Callable[[str], None], on_change: Callable[[], None]
) -> None:
    """Run those migrations of the release that the database has not seen, in order, each in a transaction.

    `on_change` is called before each of them. A migration that would wait for a lock for more than two
    seconds fails instead of blocking users.
    """
    files = sorted((worktree / "migrations").glob("[0-9][0-9][0-9][0-9]_*.sql"))
    try:
        async with await AsyncConnection.connect(
            dsn, autocommit=True, connect_timeout=5, options="-c lock_timeout=2000"
        ) as connection:
            await connection.execute(_LEDGER)
            cursor = await connection.execute("SELECT name FROM schema_migrations")
            seen = {str(name) for (name,) in await cursor.fetchall()}
            for file in files:
                if file.name not in seen:
                    say(f"migrating the database: {file.name}")
                    on_change()
                    await _apply(connection, file, commit)
    except psycopg.Error as error:
        raise DrillError(f"the database was not migrated: {one_line(error)}") from error


async def _apply(connection: AsyncConnection[tuple[object, ...]], file: Path, commit: str) -> None:
    async with connection.transaction():
        await connection.execute(file.read_bytes())
        await connection.execute(
            "INSERT INTO schema_migrations (name, commit) VALUES (%s, %s)", (file.name, commit)
        )
