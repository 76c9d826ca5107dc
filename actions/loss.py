"""Loss: what a restore takes, counted before the gate, judged when the writers stopped, proven at the end."""

import asyncio
import hashlib
from pathlib import Path
from typing import ClassVar

import msgspec
from msgspec import Struct

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Slot, World
from actions.build_candidate import rows_of
from actions.evidence import folder, keep, path_of, read
from actions.trial import giving_way, stores_of
from actions.writers import start_again
from console.core import loss
from console.core.beside import before, beside
from console.core.errors import StatedError
from console.core.format import count
from console.core.loss import Baseline, Ceiling, Counters, Receipt
from console.core.plan_words import moment
from console.targets.postgres import receipt
from console.targets.postgres.counters import counters
from console.targets.postgres.rowfile import OnRows
from console.targets.postgres.server import Server
from console.targets.vault import facts_of

SLOT_RECEIPT = "loss-receipt"
SLOT_JUDGED = "loss-judged"
SLOT_FINAL = "loss-final"
RECEIPT = "receipt.json"
_TOLD = 40
"""Tables whose numbers are among the facts; the receipt has all of them."""


class _Compare(Action):
    """Compare a database with the candidate's rows by key, and export what goes."""

    repeatable = True
    serves = "restore"
    slot: ClassVar[str]

    @property
    def _folder(self) -> Path:
        return Path(self.params["folder"])

    @property
    def _server(self) -> Server:
        return stores_of(self.world).server.named(self.token)

    async def probe(self) -> Finding:
        """Done when the receipt is there: its folder gets its name when everything in it is written."""
        await self._server.end_ours()
        done = (self._folder / RECEIPT).exists()
        return Finding(
            "done" if done else "not done", f"{self._folder.name} is {'' if done else 'not '}there"
        )

    async def perform(self, report: Report) -> None:
        """Read both sides in order, write the rows that differ, and then what was found."""
        await self._server.end_ours()
        with folder(self._folder) as partial:
            made = await giving_way(self._made(partial, report), report, to_load=False)
            keep(partial / RECEIPT, loss.encode(made))
        for table in made.touched:
            report.line(table.words)

    async def _made(self, partial: Path, report: Report) -> Receipt:
        rows, compared = Path(self.params["rows"]), self.params["compared"]
        found = await receipt.export(
            self._server,
            rows,
            partial,
            stores_of(self.world).data.chain,
            compared,
            _counting(report, f"comparing {compared} with the candidate"),
        )
        return Receipt(
            incident=self.params["incident"],
            database=compared,
            candidate=self.params["candidate"],
            recovery_point=int(self.params["recovery_point"]),
            at=found.at,
            tables=found.tables,
            chain_ids=found.chain_ids,
            rows_sha256=await asyncio.to_thread(_sha256, rows),
            folder=str(self._folder),
            files=await asyncio.to_thread(facts_of, partial),
            counters=found.counters,
            after=await self._after(report),
        )

    async def _after(self, _report: Report) -> int | None:
        """Rows of the database that has taken the place of the compared one, if one has."""
        return None

    def _proof(self, words: str, facts: dict[str, str]) -> Proof:
        """What the receipt says, held against the ceiling."""
        made, digest = receipt_at(self._folder)
        ceiling = ceiling_of(self.params)
        beyond = ceiling.beyond(made.baseline.gone)
        told = f"{beyond}; {made.words}" if beyond else f"{words}{made.words}; {ceiling.words} signed"
        slot = Slot(self.slot, told, digest, holds=not beyond)
        return Proof(told, {**facts_about(made), "sha256": digest, **facts}, (slot,))


class LossReceipt(_Compare):
    """Before the gate: what would go, while users go on."""

    fills: ClassVar = {SLOT_RECEIPT: "the rows that would go are counted, and within the ceiling"}
    slot = SLOT_RECEIPT

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Reads the live database in one snapshot."""
        stores, data = stores_of(world), inputs.data
        live = stores.server.database
        return _preview(
            inputs, world, live, "loss", f"what a return to {moment(data.recovery_point)} would take"
        )

    async def verify(self) -> Proof:
        """From the receipt itself."""
        return self._proof("", {})


class FinalReceipt(_Compare):
    """After the swap: what has gone, from the old database, which nobody writes to any more."""

    fills: ClassVar = {SLOT_FINAL: "the rows that went are counted, and within the ceiling"}
    slot = SLOT_FINAL

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Reads the old database and counts the new one."""
        old = before(stores_of(world).server.database, inputs.incident)
        return _preview(inputs, world, old, "loss-final", "what the swap took")

    async def _after(self, _report: Report) -> int | None:
        _report("counting the rows that are there now")
        return await receipt.total(self._server)

    async def verify(self) -> Proof:
        """From the receipt itself."""
        made, _ = receipt_at(self._folder)
        facts = {
            "rows_discarded": str(made.gone),
            "rows_before": str(made.live),
            "rows_after": str(made.after),
        }
        return self._proof(f"{count(made.live, 'row')} at the swap, {made.after} afterwards; ", facts)


class Judged(Struct, frozen=True):
    """What the loss was judged to be when the writers had stopped: what the swap is held to."""

    baseline: Baseline
    words: str
    exact: bool
    """Whether rows were compared for it; otherwise it is a bound."""


class JudgeLoss(Action):
    """When the writers have stopped: is it still within what was signed? From counters, if they do."""

    repeatable = True
    serves = "restore"
    fills: ClassVar = {SLOT_JUDGED: "the rows that go are within the ceiling, once nobody writes"}

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Reads counters; rows only where those do not suffice."""
        live, ceiling = stores_of(world).server.database, Ceiling.of(inputs.data)
        return Preview(
            f"see that what has been written since the receipt is within what was signed: {ceiling.words}",
            (
                f"pg_stat_get_tuples_inserted, _updated and _hot_updated of each table of {live}, read only",
                "if they go beyond: COPY of the keys of every table that was written to, read only",
            ),
            {
                "receipt": str(path_of(inputs, world, "loss")),
                "rows": str(rows_of(inputs, world)),
                "judged": str(judged_path(inputs, world)),
                **ceiling_params(ceiling),
            },
        )

    @property
    def _server(self) -> Server:
        return stores_of(self.world).server.named(self.token)

    async def probe(self) -> Finding:
        """What is written while one looks away is not judged: it is always done anew."""
        await self._server.end_ours()
        return Finding("not done", "what was judged before may have changed since")

    async def perform(self, report: Report) -> None:
        """Judge by counters, and by rows where those do not suffice; beyond it, the writers start again."""
        try:
            await self._judge(report)
        except StatedError as error:
            raise ActionError(f"{error}; {await start_again(self.world, report)}") from error

    async def _judge(self, report: Report) -> None:
        made, _ = receipt_at(Path(self.params["receipt"]))
        ceiling, live = ceiling_of(self.params), stores_of(self.world).server.database
        report(f"reading what {live} has counted since the receipt")
        async with self._server.connect(autocommit=True) as connection:
            now = await counters(connection)
        told = loss.bound(made.baseline, now)
        why = loss.beyond(told, ceiling)
        if why:
            report.line(f"{why}: comparing {', '.join(told.touched)} by key")
            judged = await giving_way(self._compared(told, now, report), report, to_load=False)
        else:
            at_most = sum(told.gone.values())
            words = f"at most {count(at_most, 'row')} would go: {made.gone} at the receipt, the rest since"
            judged = Judged(made.baseline, words, exact=False)
        keep(Path(self.params["judged"]), msgspec.json.encode(judged))

    async def _compared(self, told: loss.Bound, now: Counters, report: Report) -> Judged:
        live = stores_of(self.world).server.database
        on_rows = _counting(report, f"comparing {live} with the candidate")
        found = await receipt.count(self._server, Path(self.params["rows"]), told.touched, on_rows)
        baseline = loss.recounted(told, now, found.baseline)
        hold_to(ceiling_of(self.params).beyond(baseline.gone), "nothing was changed")
        return Judged(
            baseline, f"{count(sum(baseline.gone.values()), 'row')} would go, compared by key", exact=True
        )

    async def verify(self) -> Proof:
        """From what was judged last."""
        judged = judged_at(Path(self.params["judged"]))
        _, digest = receipt_at(Path(self.params["receipt"]))
        return Proof(judged.words, {}, (Slot(SLOT_JUDGED, judged.words, digest),))


def hold_to(beyond: str, stands: str) -> None:
    """Raise what a step says that finds more to lose than was signed; `stands` says how things are left."""
    if beyond:
        raise ActionError(f"{beyond}: {stands}; plan again with a ceiling that allows it")


def judged_path(inputs: Inputs, world: World) -> Path:
    """Where it is written down what the loss was judged to be."""
    return path_of(inputs, world, "loss-judged.json")


def judged_at(path: Path) -> Judged:
    """What was judged; ActionError when nothing was."""
    return msgspec.json.decode(read(path, "judgement of the loss, which comes first,"), type=Judged)


def receipt_at(path: Path) -> tuple[Receipt, str]:
    """The receipt in that folder, and the SHA-256 of its bytes; ActionError when there is none to read."""
    raw = read(path / RECEIPT, "loss receipt")
    try:
        return loss.decode(raw), hashlib.sha256(raw).hexdigest()
    except msgspec.DecodeError as error:
        raise ActionError(f"{path / RECEIPT} is not as it was written: {error}") from error


def facts_about(made: Receipt) -> dict[str, str]:
    """The receipt's numbers by their names (see core.receipt), and a line for each table that it touches."""
    facts = {
        "rows_gone": str(made.gone),
        "rows_back": str(made.come_back),
        "go_back": str(made.go_back),
        "chain_ids": str(made.chain_ids),
        "path": made.folder,
    }
    for table in made.touched[:_TOLD]:
        facts[f"table:{table.table}"] = table.words.removeprefix(f"{table.table}: ")
    return facts


def ceiling_params(ceiling: Ceiling) -> dict[str, str]:
    """What was signed, as a step's params hold it."""
    return {"ceiling": str(ceiling.rows), "ceiling_tables": ",".join(ceiling.tables)}


def ceiling_of(params: dict[str, str]) -> Ceiling:
    """What was signed, from a step's params."""
    return Ceiling(int(params["ceiling"]), tuple(filter(None, params["ceiling_tables"].split(","))))


def _preview(inputs: Inputs, world: World, compared: str, name: str, what: str) -> Preview:
    stores, data, rows = stores_of(world), inputs.data, rows_of(inputs, world)
    ceiling, target = Ceiling.of(data), path_of(inputs, world, name)
    live = stores.server.database
    return Preview(
        f"count {what}, row by row; {ceiling.words} signed",
        (f"COPY of every key of {compared}, read only, against {rows}", f"rows that go, to {target}"),
        {
            "folder": str(target),
            "rows": str(rows),
            "compared": compared,
            "incident": inputs.incident,
            "candidate": beside(live, inputs.incident) if compared == live else live,
            "recovery_point": str(data.recovery_point),
            **ceiling_params(ceiling),
        },
    )


def _counting(report: Report, words: str) -> OnRows:
    """Tells of the rows that have been looked at."""
    seen = 0

    def on_rows(rows: int) -> None:
        nonlocal seen
        seen += rows
        report(words, done=seen, unit="rows")

    return on_rows


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
