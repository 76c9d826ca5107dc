"""What a check of an environment has to ask with."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from console.config.references import references
from console.config.secrets import SecretError, Secrets
from console.core.strategy import Environment
from console.engine.ledger import Ledger
from console.engine.stores import StoreMaker
from console.engine.watchers import Means
from console.store.follow import Follower
from console.store.layout import Layout
from console.targets.docker.engine import Docker
from console.targets.git import Clone, remote_at


@dataclass(frozen=True, slots=True)
class Case:
    """One environment, and the means of the machine that asks."""

    name: str
    environment: Environment
    means: Means
    secrets: Secrets
    state: Path
    """The engine's folder; it need not exist, and nothing is written there."""
    docker: Docker = field(default_factory=Docker)

    def lacking(self, *models: BaseModel | None) -> list[str]:
        """The references in these models of which there is no secret here."""
        asked = (reference for model in models if model is not None for reference in references(model))
        return [reference for reference in asked if self._trouble(reference)]

    def secrets_trouble(self) -> Iterator[tuple[str, str]]:
        """Every reference of the environment, and what is wrong with it; nothing where it is there."""
        for reference in references(self.environment):
            yield reference, self._trouble(reference)

    def _trouble(self, reference: str) -> str:
        try:
            self.secrets.resolve(reference)
        except SecretError as error:
            return str(error)
        return ""

    def maker(self) -> StoreMaker:
        """Makes the targets that hold data."""
        return StoreMaker(self.means.programs, self.secrets, self.means.folder, self.state)

    def ledger(self) -> Ledger:
        """The releases on record, with what the journal says of them."""
        journal = Follower(Layout(self.state).journal, self.name)
        try:
            journal.follow()
        finally:
            journal.close()
        return Ledger(self.environment.releases, self.means.folder, self.clone(), lambda: journal.state)

    def clone(self) -> Clone:
        """The engine's clone, which is there once it has fetched."""
        remote = remote_at(self.environment.repository.remote, self.means.folder)
        return Clone(Layout(self.state).clone, remote, self.means.programs)
