"""Capture: what the containers are, and what they have said, before anything of them stops."""

from pathlib import Path
from typing import ClassVar

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Slot, World
from actions.backup_parts import INVENTORY, InventoryPart
from actions.evidence import folder, path_of
from actions.trial import stores_of
from console.core.format import count
from console.core.strategy import Environment

SLOT = "captured"


class Capture(Action):
    """Inventory and logs into the incident's evidence, without secrets or encrypted."""

    repeatable = True
    fills: ClassVar = {SLOT: "containers and logs are captured"}

    @classmethod
    def belongs(cls, environment: Environment) -> bool:
        """Where containers are."""
        cache = environment.cache
        inside = environment.data.container or (cache and cache.container)
        return environment.deploy.kind in ("compose", "swarm") or bool(inside)

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Nothing is changed in any of them."""
        part = _part(world, inputs.onset)
        path = path_of(inputs, world, "capture")
        return Preview(
            "keep what the containers are and have said since before the onset",
            (f"{part.effect}, into {path}",),
            {"path": str(path), "onset": str(inputs.onset)},
        )

    @property
    def _path(self) -> Path:
        return Path(self.params["path"])

    _missing: tuple[str, ...] = ()

    async def probe(self) -> Finding:
        """It gets its name when it is whole."""
        there = self._path.is_dir()
        return Finding("done" if there else "not done", f"{self._path} is {'' if there else 'not '}there")

    async def perform(self, report: Report) -> None:
        """Ask the engine for all of it; what cannot be had is said."""
        with folder(self._path) as into:
            saved = await _part(self.world, int(self.params["onset"])).save(into, report)
        self._missing = saved.notes
        for sentence in saved.notes:
            report.line(sentence)

    async def verify(self) -> Proof:
        """Its files are there."""
        files = [path for path in (self._path / INVENTORY).rglob("*") if path.is_file()]
        if not files:
            raise ActionError(f"nothing is captured at {self._path}: retry")
        lacking = f", without: {'; '.join(self._missing)}" if self._missing else ""
        words = f"{count(len(files), 'file')} at {self._path}{lacking}"
        return Proof(words, {"path": str(self._path)}, (Slot(SLOT, words, str(self._path)),))


def _part(world: World, onset: int) -> InventoryPart:
    stores = stores_of(world)
    if stores.docker is None:
        raise ActionError("nothing of this environment runs in containers: take the step out of the runbook")
    return InventoryPart(stores.docker, stores, onset)
