"""The CI of an environment as its actions see it: the workflow, and what of it is remembered as frozen."""

from collections.abc import Callable
from dataclasses import dataclass

from console.core.ci import GithubCi
from console.core.state import Freeze
from console.targets.github.workflow import Workflow


@dataclass(frozen=True, slots=True)
class Ci:
    """The workflow that the strategy names."""

    settings: GithubCi
    workflow: Workflow
    frozen: Callable[[], dict[str, Freeze]]
    """What the journal remembers as frozen."""

    @property
    def freeze(self) -> Freeze | None:
        """What this very workflow was before it was frozen; None when it is not."""
        return self.frozen().get(f"{self.settings.repository} {self.settings.workflow}")
