"""The environment's data: its servers, and where their backups are."""

from contextlib import suppress
from dataclasses import dataclass, field

from console.core.data import Backups, Cache, Data
from console.targets.docker.engine import Docker, GoneError
from console.targets.postgres.archive import Archive
from console.targets.postgres.server import Server
from console.targets.redis.server import CacheServer
from console.targets.sealing import Sealing, Unsealed
from console.targets.vault import Vault


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything of an environment that holds data, as far as the strategy names it."""

    data: Data
    """What the strategy says of the database."""
    server: Server
    """The database's server, as its administrator sees it."""
    backups: Backups
    """What the strategy says of backups."""
    vault: Vault
    """Where they are."""
    sealing: Sealing = field(default_factory=Unsealed)
    """How their files are written and read."""
    archive: Archive | None = None
    """Base backups and WAL; None where the strategy names no `archive`."""
    cache: CacheServer | None = None
    """The cache; None where the strategy names none."""
    cache_rules: Cache | None = None
    """What the strategy says of the cache."""
    docker: Docker | None = None
    """The Docker engine, where a container is named."""

    async def end_orphans(self) -> int:
        """End what an engine before this one left running beside the servers; how many programs.

        A StatedError says that it could not be looked for.
        """
        ended = 0
        for shell in [self.server.shell, *([self.cache.shell] if self.cache else [])]:
            with suppress(GoneError):
                ended += len(await shell.end_orphans())
        return ended
