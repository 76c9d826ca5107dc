"""A database as a source: whether it answers, and with which numbers."""

from collections.abc import Callable, Collection

from console.targets.postgres.answers import answers
from console.targets.source import Answered, resolved

QUESTIONS = {
    "replication_lag": "SELECT coalesce(max(extract(epoch FROM replay_lag)), 0) FROM pg_stat_replication",
    "checksum_failures": "SELECT sum(checksum_failures) FROM pg_stat_database",
    "connections": "SELECT 100.0 * count(*) / current_setting('max_connections')::int FROM pg_stat_activity"
    " WHERE backend_type = 'client backend'",
}
"""What is asked for each number that a database knows of itself (core.stats)."""


class DatabaseStats:
    """One database, asked on a new connection each time."""

    def __init__(self, dsn: Callable[[], str], keys: Collection[str], *, limit_s: float) -> None:
        """`keys` are questions in SQL, and names of numbers that a database knows of itself.

        `dsn` is asked at each look: the password may have been rotated.
        """
        self._dsn = dsn
        self._questions = {key: QUESTIONS.get(key, key) for key in sorted(keys)}
        self._limit_s = limit_s

    async def look(self) -> Answered:
        """The number of each question; one that fails takes nothing from the others.

        SourceError when the database does not answer, CannotAskError when our DSN or credentials are wrong.
        """
        return await answers(resolved(self._dsn), self._limit_s, self._questions)
