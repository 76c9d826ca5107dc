"""How far a database is that is being loaded: its size, and the table at hand."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from console.targets.postgres.server import Server
from console.targets.progress import Progress

_LOOK_S = 0.5
_TABLE = re.compile(r"processing data for table \"(.+)\"")
_MB = 1_000_000


class Growth:
    """Tells a progress how large a database has become; hears the lines of a verbose pg_restore."""

    def __init__(
        self,
        server: Server,
        database: str,
        whole: int,
        progress: Progress,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        """`whole` is how many bytes the original has; `on_line` hears every line too."""
        self._server = server
        self._database = database
        self._whole = whole
        self._progress = progress
        self._on_line = on_line
        self._words = "tables"

    def heard(self, line: str) -> None:
        """A line that pg_restore says."""
        if table := _TABLE.search(line):
            self._words = table[1]
        if self._on_line:
            self._on_line(line)

    @asynccontextmanager
    async def told(self) -> AsyncIterator[None]:
        """Look at the size now and then for as long as the block runs."""
        telling = asyncio.create_task(self._tell())
        try:
            yield
        finally:
            telling.cancel()
            # Without its errors: what is wrong with the server is said by the load itself.
            await asyncio.gather(telling, return_exceptions=True)

    async def _tell(self) -> None:
        async with self._server.connect(autocommit=True) as connection:
            while True:
                size = await connection.execute("SELECT pg_database_size(%s)", (self._database,))
                self._say((await size.fetchone() or (0,))[0])
                await asyncio.sleep(_LOOK_S)

    def _say(self, size: int) -> None:
        # A copy has none of the original's bloat: it is whole before it is as large.
        done, total = round(size / _MB), round(max(size, self._whole) / _MB)
        self._progress(f"loading {self._words}", done=done, total=total, unit="MB")
