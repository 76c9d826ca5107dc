"""The environment's data: its servers, and where their backups are."""

from dataclasses import dataclass

from console.core.data import Backups, Data
from console.targets.postgres.server import Server
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
