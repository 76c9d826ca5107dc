"""Build candidate: the state to go back to, built beside the live database, and proven there."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import ClassVar

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Slot, World
from actions.trial import creating, giving_way, proven, proving, reading, stores_of
from console.core.backups import TableFacts
from console.core.beside import beside
from console.core.format import count
from console.core.plan import POINT_IN_TIME
from console.core.plan_words import moment
from console.targets.examine import Asked, dump_of, examined, recorded
from console.targets.postgres import own, receipt, rowfile
from console.targets.postgres.load import analyze, copy, load
from console.targets.postgres.proving import faults
from console.targets.postgres.replay import replay
from console.targets.postgres.server import Server
from console.targets.stores import Stores

SLOT_CANDIDATE = "candidate-proven"
Fill = Callable[[], Awaitable[Mapping[str, TableFacts]]]
"""Fills the empty database, and says what it must hold then."""


class BuildCandidate(Action):
    """Restore a backup or a point in time into a database beside the live one, and leave it there, proven."""

    repeatable = True
    serves = "restore"
    fills: ClassVar = {SLOT_CANDIDATE: "the candidate is proven on the restored copy"}

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Touches no live row: what is built stands beside the live database until it is swapped in."""
        stores, data = stores_of(world), inputs.data
        database = beside(stores.server.database, inputs.incident)
        at = moment(data.recovery_point)
        if data.candidate == POINT_IN_TIME:
            what = f"the state at {at}"
            before = [
                f"replay base backup and WAL until {at} in a scratch server",
                creating(stores, database),
            ]
            before.append(f"pg_dump of that | pg_restore into {database}")
        else:
            what = f"backup {data.candidate}"
            before = [reading(stores, recorded(stores, data.candidate)), creating(stores, database)]
            before.append(f"pg_restore --exit-on-error --jobs={stores.backups.jobs} into {database}")
        rows = rows_of(inputs, world)
        return Preview(
            f"build {what} as {database} beside the live database, and prove it there",
            (*before, *proving(stores, database), f"ANALYZE {database}", f"the keys of its rows to {rows}"),
            {
                "candidate": data.candidate,
                "source": source_of(inputs, world),
                "database": database,
                "recovery_point": str(data.recovery_point),
                "onset": str(data.onset),
                "incident": inputs.incident,
                "rows": str(rows),
            },
        )

    @property
    def _stores(self) -> Stores:
        return stores_of(self.world)

    @property
    def _server(self) -> Server:
        return self._stores.server.named(self.token)

    @property
    def _proven_mark(self) -> str:
        """What its mark says when everything has been proven, and of what."""
        return f"{proven_mark(self.world)}{self.params['source']}"

    async def probe(self) -> Finding:
        """Done when it stands there with the mark that is set last, and the file of its rows does too."""
        await self._server.end_ours()
        name, found = self.params["database"], await self._standing()
        if found is None:
            return Finding("not done", f"{name} is not there")
        if not found.is_ours:
            return Finding("cannot tell", f"{name} is there and is not marked as Warroom's")
        if found.words != self._proven_mark or not Path(self.params["rows"]).exists():
            return Finding("not done", f"{name} is there, and not proven to be {self.params['candidate']}")
        return Finding("done", f"{name} is there and proven")

    async def _standing(self) -> own.Standing | None:
        return await own.standing(self._server, self.params["database"])

    async def perform(self, report: Report) -> None:
        """Build, prove, write down its rows, and only then say so in its mark."""
        await giving_way(self._build(report), report, to_load=False)

    async def _build(self, report: Report) -> None:
        server, name = self._server, self.params["database"]
        jobs, invariants = self._stores.backups.jobs, self._stores.data.invariants
        # What it comes from is looked at first: while that is not sure, what stands there is not touched.
        async with AsyncExitStack() as until_filled:
            fill = await until_filled.enter_async_context(self._source(report))
            async with own.building(server, name, f"candidate {self.world.name} building") as live:
                wanted = await fill()
                await until_filled.aclose()
                fault = await faults(
                    server, name, wanted, invariants, jobs=jobs, progress=report, on_line=report.line
                )
                if fault is not None:
                    raise ActionError(f"{self._what} {fault}: {name} was dropped")
                report.line(proven(self._stores, wanted))
                await analyze(server, name, jobs=jobs, progress=report)
                report("writing down its keys")
                await receipt.record(server, Path(self.params["rows"]), name)
                await own.mark(live, name, self._proven_mark)

    @property
    def _what(self) -> str:
        if self.params["candidate"] == POINT_IN_TIME:
            return f"the state at {moment(int(self.params['recovery_point']))}"
        return f"backup {self.params['candidate']}"

    def _source(self, report: Report) -> AbstractAsyncContextManager[Fill]:
        return self._replayed(report) if self.params["candidate"] == POINT_IN_TIME else self._dumped(report)

    @asynccontextmanager
    async def _dumped(self, report: Report) -> AsyncIterator[Fill]:
        """The state of a backup that was examined."""
        asked = Asked(
            backup=self.params["candidate"],
            digest=self.params["source"],
            environment=self.world.name,
            onset=int(self.params["onset"]),
            incident=self.params["incident"],
        )
        dump, tables = dump_of(self._stores, await examined(self._stores, asked, report))
        jobs, name = self._stores.backups.jobs, self.params["database"]

        async def fill() -> Mapping[str, TableFacts]:
            await load(self._server, dump, name, jobs=jobs, progress=report, on_line=report.line)
            return tables

        yield fill

    @asynccontextmanager
    async def _replayed(self, report: Report) -> AsyncIterator[Fill]:
        """The state at one instant, in a scratch server."""
        archive, folder = self._stores.archive, self.world.evidence.parent / "replay"
        if archive is None:
            raise ActionError(f"the strategy names no `archive` of {self.world.name}: choose a backup")
        point, programs = int(self.params["recovery_point"]), self.world.programs
        async with replay(archive, point, folder, programs=programs, progress=report) as scratch:
            jobs, name = self._stores.backups.jobs, self.params["database"]

            async def fill() -> Mapping[str, TableFacts]:
                return await copy(
                    scratch.server, self._server, name, jobs=jobs, progress=report, on_line=report.line
                )

            yield fill

    async def verify(self) -> Proof:
        """Its mark says that it was proven, and nobody but us could have set that under this name."""
        found, path = await self._standing(), Path(self.params["rows"])
        if found is None or found.words != self._proven_mark:
            raise ActionError(f"{self.params['database']} is not there, or not proven: retry")
        rows = await asyncio.to_thread(rowfile.counted, path)
        words = f"{self.params['database']} holds {self.params['candidate']}, {count(rows, 'row')}, proven"
        facts = {"database": self.params["database"], "rows": str(rows), "keys": str(path)}
        return Proof(words, facts, (Slot(SLOT_CANDIDATE, words, self.params["source"]),))


class DropCandidate(Action):
    """Drop the candidate that was not swapped in, and has given what was wanted of it."""

    repeatable = True
    serves = "asked"

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Of the databases beside the live one, the one that was built for this incident, if it is ours."""
        database = beside(stores_of(world).server.database, inputs.incident)
        return Preview(
            f"drop {database}, which takes as much room as the live database",
            (f"DROP DATABASE {database} WITH (FORCE), if it is marked as Warroom's",),
            {"database": database},
        )

    @property
    def _server(self) -> Server:
        return stores_of(self.world).server.named(self.token)

    async def probe(self) -> Finding:
        """Done when there is no such database."""
        await self._server.end_ours()
        name = self.params["database"]
        there = await own.standing(self._server, name) is not None
        return Finding("not done" if there else "done", f"{name} is {'still' if there else 'not'} there")

    async def perform(self, report: Report) -> None:
        """Whoever reads it is disconnected; without our mark it is left alone."""
        report(f"dropping {self.params['database']}")
        async with own.held(self._server, self.params["database"]) as connection:
            await own.drop(connection, self.params["database"])

    async def verify(self) -> Proof:
        """By the names that the server knows."""
        finding = await self.probe()
        if finding.found != "done":
            raise ActionError(finding.words)
        return Proof(f"{self.params['database']} is dropped")


def source_of(inputs: Inputs, world: World) -> str:
    """What the candidate of a plan is made from, as its mark says it when it is proven."""
    data = inputs.data
    if data.candidate == POINT_IN_TIME:
        return f"{POINT_IN_TIME} {data.recovery_point}"
    return stores_of(world).vault.digest(data.candidate)


def proven_mark(world: World) -> str:
    """How the mark of any proven candidate of the environment begins."""
    return f"candidate {world.name} proven "


def rows_of(inputs: Inputs, world: World) -> Path:
    """Where the keys of the candidate's rows are, for the loss receipt of any plan with this candidate."""
    source = hashlib.sha256(source_of(inputs, world).encode()).hexdigest()
    return world.evidence / f"{inputs.incident}-{source[:12]}-candidate.rows"
