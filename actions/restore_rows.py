"""Rows: single ones, by key, out of a candidate; shown as they are and as they were, then put back."""

import hashlib
from pathlib import Path
from typing import ClassVar

import msgspec
from msgspec import Struct

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Slot, World
from actions.build_candidate import proven_mark, source_of
from actions.evidence import keep, path_of, read
from actions.trial import stores_of
from console.core import single_rows
from console.core.beside import beside
from console.core.format import count
from console.core.single_rows import SLOT_SHOWN, Versions, unseen
from console.targets.postgres import own
from console.targets.postgres.server import Server
from console.targets.postgres.single_rows import LOCKED_S, Wanted, outcome, put_back, versions


class _OfRows(Action):
    """What reads or writes rows of the live database, and of the candidate that was proven."""

    repeatable = True
    serves = "asked"

    @property
    def _server(self) -> Server:
        return stores_of(self.world).server.named(self.token)

    @property
    def _wanted(self) -> Wanted:
        keys = msgspec.json.decode(self.params["keys"], type=tuple[str, ...])
        return Wanted(self.params["copy"], self.params["table"], keys)

    @property
    def _file(self) -> Path:
        """Both versions, as they were shown."""
        return Path(self.params["shown"])

    async def _insist(self) -> None:
        """Rows are taken out of nothing but the candidate that was built and proven for this plan."""
        copy, found = self.params["copy"], await own.standing(self._server, self.params["copy"])
        if found is None:
            raise ActionError(f"there is no database {copy} to take rows from: plan again")
        if not found.is_ours:
            raise ActionError(f"{copy} is not marked as Warroom's: no row is taken from it")
        if found.words != self.params["mark"]:
            raise ActionError(f"{copy} is not proven to be {self.params['candidate']}: plan again")


class ShowRows(_OfRows):
    """Read both versions of each row into a file of evidence."""

    fills: ClassVar = {SLOT_SHOWN: "what becomes of each row is there to be read"}

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Reads the live database and the candidate; changes nothing in them."""
        params, keys, live = _params(inputs, world), _keys(inputs), stores_of(world).server.database
        table, copy = params["table"], params["copy"]
        return Preview(
            f"show {count(len(keys), 'row')} of {table} as they are and as they were",
            (
                f"SELECT of {table} by key {', '.join(keys)} in {live} and in {copy}, read only",
                f"both versions of each to {params['shown']}",
            ),
            params,
        )

    async def probe(self) -> Finding:
        """Done when the file is there: it appears whole or not at all."""
        await self._server.end_ours()
        done = self._file.exists()
        return Finding("done" if done else "not done", f"{self._file.name} is {'' if done else 'not '}there")

    async def perform(self, report: Report) -> None:
        """Put them side by side; rows that are all what they were need no plan."""
        await self._server.end_ours()
        report(f"reading rows of {self.params['table']}")
        await self._insist()
        found = await versions(self._server, self._wanted)
        for key, words in found.lines():
            report.line(f"{found.table} {key} {words}")
        if not found.changing:
            raise ActionError(f"{found.words} in {self.params['candidate']}: there is nothing to put back")
        keep(self._file, single_rows.encode(found))

    async def verify(self) -> Proof:
        """From the file itself."""
        found, digest = _shown_at(self._file)
        fires = f"; {', '.join(found.triggers)} will fire" if found.triggers else ""
        words = f"{found.words}{fires}"
        facts = {**found.facts, "path": str(self._file), "sha256": digest}
        return Proof(words, facts, (Slot(SLOT_SHOWN, words, digest),))


class _Committed(Struct, frozen=True):
    """What an attempt leaves just before it commits."""

    xid: str
    kept: str
    """File of what the rows were until then."""


class RestoreRows(_OfRows):
    """Write the rows as they were over the present ones, if nothing else of them goes than was shown."""

    by_hand = (
        "what the rows were until then stands in the file that the proof names: write back what is right"
    )

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """All of them or none; every other row stays as it is, and users go on."""
        params, keys = _params(inputs, world), _keys(inputs)
        kept = path_of(inputs, world, "rows-as-they-were")
        table, copy = params["table"], params["copy"]
        return Preview(
            f"put {count(len(keys), 'row')} of {table} back to what {params['candidate']} has",
            (
                f"SELECT of {table} by key {', '.join(keys)} FOR UPDATE, waiting at most {LOCKED_S} s",
                f"refused where it would change what is not in {params['shown']}",
                f"COPY of what they are then to {kept}, as CSV",
                f"UPDATE, or INSERT where one is gone, of what {copy} has; one transaction",
            ),
            {**params, "kept": str(kept)},
        )

    async def probe(self) -> Finding:
        """By what the server says of the transaction: users may have written to the rows since."""
        await self._server.end_ours()
        if await self._committed():
            return Finding("done", f"the rows of {self.params['table']} were put back")
        return Finding("not done", f"no row of {self.params['table']} was put back")

    async def perform(self, report: Report) -> None:
        """Keep what they are now, and write what they were; once, however often it is tried."""
        await self._server.end_ours()
        if await self._committed():
            report.line("an earlier attempt has put them back: what users wrote since is not touched")
            return
        report(f"putting rows of {self.params['table']} back")
        await self._insist()
        kept = self._folder / f"{self.token}.csv"

        def on_commit(xid: str) -> None:
            keep(kept.with_suffix(".json"), msgspec.json.encode(_Committed(xid, str(kept))))

        told = await put_back(self._server, self._wanted, kept, self._judge, on_commit)
        for key, words in told.lines():
            report.line(f"{told.table} {key} {words}")

    def _judge(self, now: Versions) -> None:
        shown, _ = _shown_at(self._file)
        if why := unseen(shown, now):
            raise ActionError(f"{why}: nothing was changed; plan again to see it")

    async def verify(self) -> Proof:
        """The transaction is committed; both sides are read once more."""
        done = await self._committed()
        if done is None:
            raise ActionError(f"no row of {self.params['table']} was put back: retry")
        found = await versions(self._server, self._wanted)
        rows = count(len(found.old), "row")
        words = f"{rows} of {found.table} put back to what {self.params['candidate']} has"
        since = len(found.changing)
        if since:
            words += f"; {since} of them written to since"
        return Proof(words, {"rows": str(len(found.old)), "written_since": str(since), "kept": done.kept})

    @property
    def _folder(self) -> Path:
        return Path(self.params["kept"])

    async def _committed(self) -> _Committed | None:
        """The attempt that has gone through; ActionError when nobody can tell of one."""
        for path in sorted(self._folder.glob("*.json")):
            left = msgspec.json.decode(read(path, "record of the attempt"), type=_Committed)
            became = await outcome(self._server, self._wanted, left.xid)
            if became == "committed":
                return left
            if became != "aborted":
                raise ActionError(f"the server does not know what became of transaction {left.xid}")
        return None


def _keys(inputs: Inputs) -> tuple[str, ...]:
    return inputs.single_rows.keys


def _params(inputs: Inputs, world: World) -> dict[str, str]:
    rows, live = inputs.single_rows, stores_of(world).server.database
    return {
        "table": rows.table,
        "keys": msgspec.json.encode(rows.keys).decode(),
        "candidate": rows.candidate,
        "copy": beside(live, inputs.incident),
        "mark": f"{proven_mark(world)}{source_of(inputs, world)}",
        "shown": str(path_of(inputs, world, "rows-shown.json")),
    }


def _shown_at(path: Path) -> tuple[Versions, str]:
    """Both versions in that file, and its SHA-256; ActionError when there are none to read."""
    raw = read(path, "file of the rows that were shown")
    try:
        return single_rows.decode(raw), hashlib.sha256(raw).hexdigest()
    except msgspec.DecodeError as error:
        raise ActionError(f"{path} is not as it was written: {error}") from error
