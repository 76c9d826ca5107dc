"""How the data's targets are made from the strategy."""

from pathlib import Path

from console.config.secrets import Secrets
from console.core.data import Backups, Data
from console.targets.postgres.server import Server
from console.targets.process import Programs
from console.targets.shell import HostShell
from console.targets.stores import Stores
from console.targets.vault import Vault


def make_stores(data: Data, backups: Backups, programs: Programs, secrets: Secrets, base: Path) -> Stores:
    """Everything that holds data; paths are relative to `base`, the strategy's folder."""
    dsn = data.admin or data.dsn
    server = Server(lambda: secrets.resolve(dsn), HostShell(programs), data.programs)
    return Stores(data=data, server=server, backups=backups, vault=Vault(base / backups.folder))
