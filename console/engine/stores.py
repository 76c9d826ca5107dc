"""How the data's targets are made from the strategy."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from console.config.secrets import Secrets
from console.core.data import AnyArchive, Cache, Data, FilesArchive, PgBackRest, Recipient
from console.core.deploying import ComposeDeploy
from console.core.strategy import Environment
from console.core.swarm_deploy import SwarmDeploy
from console.targets.docker.engine import Docker
from console.targets.docker.reach import reach
from console.targets.docker.shell import ContainerShell
from console.targets.postgres.archive import Archive
from console.targets.postgres.files_of_wal import FilesOfWal
from console.targets.postgres.pgbackrest import PgBackRestArchive
from console.targets.postgres.server import Server
from console.targets.process import Programs
from console.targets.redis.server import CacheServer
from console.targets.scratch_release import ScratchReleases
from console.targets.sealing import Seal, Sealing, Unsealed
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
        docker = _engine_of(environment)
        server = self.server(data, data.admin or data.dsn, docker)
        return Stores(
            data=data,
            server=server,
            backups=backups,
            vault=Vault(self.base / backups.folder),
            sealing=self._sealing(backups.recipient),
            archive=self._archive(environment.archive, server, data.programs),
            cache=self.cache(cache, docker) if cache else None,
            cache_rules=cache,
            docker=docker,
        )

    def trial(self, environment: Environment) -> ScratchReleases | None:
        """How releases are tried on a schema; None where the strategy does not say."""
        rules, data = environment.schema_, environment.data
        if rules is None:
            return None
        docker = Docker() if data.container else None
        return ScratchReleases(
            rules=rules,
            server=self.server(data, data.admin or data.dsn, docker),
            service=self.server(data, data.dsn, docker),
            programs=self.programs,
            redact=self.secrets.redact,
        )

    def server(self, data: Data, dsn: str, docker: Docker | None) -> Server:
        """The database's server as whoever that DSN names sees it; `docker` is needed for a container."""
        return Server(
            lambda: self.secrets.resolve(dsn),
            self._shell(docker, data.container),
            data.programs,
            locate=partial(reach, docker, data.container) if docker and data.container else None,
        )

    def cache(self, cache: Cache, docker: Docker | None) -> CacheServer:
        """The cache's server."""
        return CacheServer(lambda: self.secrets.resolve(cache.url), self._shell(docker, cache.container))

    def _sealing(self, recipient: Recipient | None) -> Sealing:
        if recipient is None:
            return Unsealed()
        identity = recipient.identity
        return Seal(self.programs, recipient, (lambda: self.secrets.resolve(identity)) if identity else None)

    def _shell(self, docker: Docker | None, container: str | None) -> Shell:
        if docker is None or container is None:
            return HostShell(self.programs)
        return ContainerShell(docker, container, self.state)

    def _archive(self, archive: AnyArchive | None, server: Server, folder: str | None) -> Archive | None:
        if isinstance(archive, FilesArchive):
            wal, bases = self.base / archive.wal, self.base / archive.bases
            return FilesOfWal(server, self.programs, folder, wal=wal, bases=bases)
        if isinstance(archive, PgBackRest):
            config = self.base / archive.config
            return PgBackRestArchive(
                server, self.programs, folder, stanza=archive.stanza, config=config, program=archive.program
            )
        return None


def _engine_of(environment: Environment) -> Docker | None:
    """The Docker engine that something of the environment runs in; None where nothing does."""
    deploy, cache = environment.deploy, environment.cache
    if isinstance(deploy, ComposeDeploy | SwarmDeploy):
        return Docker(deploy.docker)
    return Docker() if environment.data.container or (cache and cache.container) else None
