"""Rows: write down at the switch which rows there are, and prove when healthy that none of them is gone."""

import asyncio
import hashlib
from pathlib import Path
from typing import ClassVar

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Slot, World
from console.core.format import count
from console.targets.postgres.rowfile import Compared, counted

SLOT_BEFORE = "rows-at-switch"
SLOT_KEPT = "rows-kept"


class CountRows(Action):
    """Write the keys of the strategy's tables into a file of evidence."""

    repeatable = True
    serves = "keep"
    fills: ClassVar = {SLOT_BEFORE: "the rows at the switch are written down"}

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Reads the database in one snapshot; changes nothing in it."""
        return _preview(inputs, world, f"write down the keys of {_tables(world)}")

    @property
    def _path(self) -> Path:
        return Path(self.params["path"])

    async def probe(self) -> Finding:
        """Done when the file is there: it appears whole or not at all."""
        done = self._path.exists()
        return Finding("done" if done else "not done", f"{self._path.name} is {'' if done else 'not '}there")

    async def perform(self, report: Report) -> None:
        """Read every row, in the order of the keys."""
        report(f"reading {_tables(self.world)}")
        counts = await self.world.rows.record(self._path)
        for table, rows in counts.items():
            report.line(f"{table}: {count(rows, 'row')}")

    async def verify(self) -> Proof:
        """Count what the file itself holds."""
        rows, digest = await asyncio.to_thread(_counted, self._path)
        words = f"{count(rows, 'row')} at the switch"
        facts = {"rows": str(rows), "path": str(self._path), "sha256": digest}
        return Proof(words, facts, (Slot(SLOT_BEFORE, words, digest),))


class CompareRows(Action):
    """Look for every row that was there at the switch."""

    repeatable = True
    serves = "keep"
    fills: ClassVar = {SLOT_KEPT: "no row that was there at the switch is gone"}

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Reads the database in one snapshot; changes nothing in it."""
        return _preview(inputs, world, f"see that every row of {_tables(world)} is still there")

    _compared: Compared | None = None

    async def probe(self) -> Finding:
        """A comparison leaves nothing behind."""
        return Finding("not done", "a comparison leaves nothing that could be half done")

    async def perform(self, report: Report) -> None:
        """Compare row by row."""
        report(f"comparing {_tables(self.world)} with the rows at the switch")
        self._compared = await self.world.rows.compare(Path(self.params["path"]))

    async def verify(self) -> Proof:
        """Every key must be there; new rows, and rows with another content, are the users', who go on."""
        compared = self._compared
        if compared is None:
            raise ActionError("the rows were not compared to the end: retry")
        facts = {
            "before": str(compared.before),
            "after": str(compared.after),
            "missing": str(compared.missing),
            "changed": str(compared.changed),
        }
        if compared.missing:
            raise ActionError(
                f"{compared.missing} of {compared.before} rows that were there at the switch are gone: "
                f"{self.params['path']} lists what was there",
                facts,
            )
        words = f"none of {count(compared.before, 'row')} gone, {compared.after} now"
        words += f", {compared.changed} changed meanwhile" * bool(compared.changed)
        return Proof(words, facts, (Slot(SLOT_KEPT, words, self.params["path"]),))


def _preview(inputs: Inputs, world: World, words: str) -> Preview:
    path = world.evidence / f"{inputs.incident}-{inputs.made}-rows.txt"
    reads = tuple(
        f"COPY of column {key} of table {table} with a hash of each row, read only"
        for table, key in world.rows.tables.items()
    )
    return Preview(words, reads, {"path": str(path)})


def _counted(path: Path) -> tuple[int, str]:
    """The rows that the file holds, and its SHA-256."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return counted(path), digest


def _tables(world: World) -> str:
    return " and ".join(world.rows.tables)
