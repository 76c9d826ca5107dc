"""How the data's targets are made from the strategy."""

from dataclasses import dataclass
from pathlib import Path

from console.config.secrets import Secrets
from console.core.strategy import Environment
from console.targets.docker.engine import Docker
from console.targets.docker.shell import ContainerShell
from console.targets.postgres.server import Server
from console.targets.process import Programs
from console.targets.redis.server import CacheServer
from console.targets.shell import HostShell, Shell
from console.targets.stores import Stores
from console.targets.vault import Vault


@dataclass(frozen=True, slots=True)
class StoreMaker:
    """Makes them for one engine; paths are relative to `base`, the strategy's folder."""

    programs: Programs
    secrets: Secrets
    base: Path
    state: Path
    """The state folder, whose name whatever runs in a container carries."""

    def make(self, environment: Environment) -> Stores | None:
        """Everything that holds data; None where the strategy names no place for backups."""
        data, backups, cache = environment.data, environment.backups, environment.cache
        if backups is None:
            return None
        docker = Docker() if data.container or (cache and cache.container) else None
        dsn = data.admin or data.dsn
        server = Server(lambda: self.secrets.resolve(dsn), self._shell(docker, data.container), data.programs)
        return Stores(
            data=data,
            server=server,
            backups=backups,
            vault=Vault(self.base / backups.folder),
            archive=self._archive(environment.archive, server),
            cache=CacheServer(lambda: self.secrets.resolve(cache.url), self._shell(docker, cache.container))
            if cache
            else None,
            cache_rules=cache,
            docker=docker,
        )

    def _shell(self, docker: Docker | None, container: str | None) -> Shell:
        if docker is None or container is None:
            return HostShell(self.programs)
        return ContainerShell(docker, container, self.state)
