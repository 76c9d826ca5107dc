"""A comparison of what an operator pushes, with the releases recorded."""

from pathlib import Path
from typing import Any

from console.core.changes import Between, Changes
from console.core.state import Incident, RunningRelease, State
from console.engine.comparison import Comparison
from tests.integration.actions.kit import NOW, Operator, Place, listed

VERDICTS = {"v1.5.0": "good", "v1.5.1": "unproven", "v1.5.2": "bad", "v1.5.3": "unproven"}
CANARY = "canary-5ecret"


def runs(release: str, commit: str | None = None) -> RunningRelease:
    return RunningRelease(release, commit, NOW, None)


class Desk:
    """A comparison of what an operator pushes, with the releases recorded."""

    def __init__(self, folder: Path, operator: Operator, **repository: Any) -> None:
        self.operator = operator
        place = Place(folder, operator)
        self.clone, self.releases = place.clone, folder / "releases.yaml"
        told = place.world.environment.repository.model_copy(update=repository)
        self.comparison = Comparison(
            self.clone, told, lambda: listed(self.releases), lambda words: words.replace(CANARY, "***")
        )
        self.record(VERDICTS)

    def record(self, verdicts: dict[str, str]) -> None:
        lines = ["releases:"]
        for tag, verdict in verdicts.items():
            commit = self.operator.git("rev-parse", f"{tag}^{{commit}}")
            lines.append(
                f"  - {{tag: {tag}, commit: {commit}, verdict: {verdict}, said_by: eng-2, "
                'deployed: "2025-10-09T08:00:00Z"}'
            )
        self.releases.write_text("\n".join(lines) + "\n")

    async def changes(self, running: RunningRelease | None = None, **incident: Any) -> Changes:
        """As the engine makes them, when it has looked at the remote."""
        await self.clone.look(30)
        return self.made(running or runs("v1.5.3"), **incident)

    def made(self, running: RunningRelease | None, **incident: Any) -> Changes:
        opened = Incident("INC-7QK2", "declared", NOW, (), **incident) if incident else None
        return self.comparison.made(State("testnet", running=running, incident=opened), NOW)

    async def between(self, running: RunningRelease | None = None, **incident: Any) -> Between:
        made = await self.changes(running, **incident)
        assert made.between is not None, made.trouble
        assert made.trouble == ()
        return made.between

    def release(self, tag: str, files: dict[str, str]) -> str:
        """Commit those files on top, tag that, push both; its id."""
        for name in files:
            (self.operator.work / name).parent.mkdir(parents=True, exist_ok=True)
        commit = self.operator.commit(f"Release {tag}", files)
        self.operator.git("tag", tag)
        self.operator.git("push", "--quiet", "--tags", "origin", "develop")
        return commit
