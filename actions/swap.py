"""Swap: the candidate takes the live database's place; if that was wrong, the old one takes it back."""

import glob
from pathlib import Path

import msgspec
from msgspec.structs import replace

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Undo, World
from actions.build_candidate import proven_mark
from actions.evidence import keep, path_of, read
from actions.loss import ceiling_of, ceiling_params, hold_to, judged_at, judged_path
from actions.trial import stores_of
from actions.writers import start_again
from console.core import loss
from console.core.beside import before, beside, undone
from console.core.errors import StatedError
from console.core.format import count
from console.core.loss import Baseline, Ceiling, Counters
from console.core.plan import WayBack
from console.targets.postgres.server import Server
from console.targets.postgres.swap import Places, Standing, Swapped, look, swap

_SWAP, _SWAP_BACK = "swap.json", "swap-back.json"
MAINTENANCE = "postgres"
"""The database that is asked while the live one may refuse connections."""
_STATEMENTS = (
    "ALTER DATABASE {live} ALLOW_CONNECTIONS false, and {heir}; every session of both ended",
    "one transaction: RENAME {live} TO {former}; RENAME {heir} TO {live}; ALLOW_CONNECTIONS true",
)


class _Swap(Action):
    """One database takes another's place; frozen in the params who is who."""

    repeatable = True

    @property
    def _places(self) -> Places:
        return Places(self.params["live"], self.params["heir"], self.params["former"], self._mark)

    @property
    def _mark(self) -> str:
        """How the one is marked that may take the live one's place; empty where it needs no mark."""
        return ""

    @property
    def _file(self) -> Path:
        """Where it is written down how it went."""
        return Path(self.params["file"])

    @property
    def _server(self) -> Server:
        return stores_of(self.world).server.named(self.token)

    async def probe(self) -> Finding:
        """How the three stand tells it: the renames are one transaction."""
        await self._server.end_ours(MAINTENANCE)
        standing = await look(self._server, self._places)
        if standing.is_swapped:
            return Finding("done", self._stands)
        if standing.is_open:
            return Finding("not done", f"{self._places.live} is as it was, {self._places.heir} beside it")
        return _unclear(self._places, standing)

    @property
    def _stands(self) -> str:
        return f"{self._places.live} is what was {self._places.heir}; the old one is {self._places.former}"

    def judge(self, now: Counters) -> None:
        """Raises where what was written meanwhile forbids it."""

    async def perform(self, report: Report) -> None:
        """Refuse, end, judge, rename, accept; nobody is left without the service when that fails."""
        try:
            await self._perform(report)
        except StatedError as error:
            raise ActionError(f"{error}; {await start_again(self.world, report)}") from error

    async def _perform(self, report: Report) -> None:
        await self._server.end_ours(MAINTENANCE)
        if (await look(self._server, self._places)).is_swapped:
            report.line("they have changed places already")
            return
        report(f"{self._places.heir} takes the place of {self._places.live}")
        swapped = await swap(self._server, self._places, self.judge, report.line)
        keep(self._file, msgspec.json.encode(swapped))

    async def verify(self) -> Proof:
        """By the names that the server knows, and whether it lets users in."""
        finding = await self.probe()
        if finding.found != "done":
            raise ActionError(finding.words)
        facts = {"live": self._places.live, "former": self._places.former}
        if not self._file.exists():
            words = f"{finding.words}; for how long connections were refused was lost with the engine"
            return Proof(words, facts)
        swapped = swapped_at(self._file)
        refused = f"{swapped.refused_s:.3f}"
        words = (
            f"{finding.words}; connections refused for {refused} s, {count(swapped.ended, 'session')} ended"
        )
        return Proof(words, {**facts, "refused_s": refused, "ended": str(swapped.ended)})


class SwapBack(_Swap):
    """The database from before the swap becomes the live one again; the restored one stays beside it."""

    serves = "asked"
    _since = "rows written since the swap are in"

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """What was written since the swap stays in the restored one. Option: `incident`, if not this one."""
        live, incident = stores_of(world).server.database, inputs.options.get("incident", inputs.incident)
        places = Places(live, before(live, incident), undone(live, incident))
        file = str(path_of(inputs, world, _SWAP_BACK))
        return _preview(places, {"incident": incident, "file": file})

    def judge(self, now: Counters) -> None:
        """Nothing forbids the way back; what has been written since the swap is told."""
        self._since = _written(self._swap(), now)

    def _swap(self) -> Swapped | None:
        """The swap that is taken back, as the newest plan of its incident wrote it down."""
        files = self.world.evidence.glob(f"{glob.escape(self.params['incident'])}-*-{_SWAP}")
        newest = max(files, key=lambda path: path.stat().st_mtime_ns, default=None)
        return swapped_at(newest) if newest else None

    async def verify(self) -> Proof:
        """By the names; and where the rows are that users have written since the swap."""
        proof = await super().verify()
        return replace(proof, words=f"{proof.words}; {self._since} {self._places.former}")


class UndoSwap(Undo):
    """Swap back; the service is stopped for that moment, so that nobody writes into either."""

    @staticmethod
    def preview(params: dict[str, str], world: World) -> WayBack:
        """Nothing is lost by it: what was written since the swap stays in the restored one."""
        known = _backwards(params)
        shown = _preview(Places(known["live"], known["heir"], known["former"]), {})
        stop, start = (world.deployer.writers_effect(stop=stop) for stop in (True, False))
        return WayBack(f"swap back: {shown.words}", (stop, *shown.effects, start))

    @property
    def _back(self) -> SwapBack:
        return SwapBack(_backwards(self.params), self.world, self.token)

    async def probe(self) -> Finding:
        """How the three stand tells it; where the swap has not happened, there is nothing to take back."""
        return await self._untouched() or await self._back.probe()

    async def _untouched(self) -> Finding | None:
        """That it has not been swapped at all; None when it has, or has been swapped back."""
        found = await SwapDatabase(self.params, self.world, self.token).probe()
        return Finding("done", f"not swapped: {found.words}") if found.found == "not done" else None

    async def perform(self, report: Report) -> None:
        """Stop, swap, start: nobody is left without the service when the swap fails."""
        await self.world.deployer.stop_writers(report, report.left_s)
        try:
            await self._back.perform(report)
        finally:
            await self.world.deployer.start_writers(report, report.left_s)

    async def verify(self) -> Proof:
        """By the names; and where the rows are that users have written since the swap."""
        untouched = await self._untouched()
        return Proof(untouched.words) if untouched else await self._back.verify()


class SwapDatabase(_Swap):
    """The candidate becomes the live database, if no more than was signed goes with the old one."""

    serves = "restore"
    undo = UndoSwap

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Nothing is lost by it: the old database stays, under another name."""
        live = stores_of(world).server.database
        places = Places(live, beside(live, inputs.incident), before(live, inputs.incident))
        files = {"judged": judged_path(inputs, world), "file": path_of(inputs, world, _SWAP)}
        files["undo"] = path_of(inputs, world, _SWAP_BACK)
        ceiling = ceiling_params(Ceiling.of(inputs.data))
        paths = {name: str(path) for name, path in files.items()}
        return _preview(places, {**paths, "incident": inputs.incident, **ceiling})

    @property
    def _mark(self) -> str:
        return proven_mark(self.world)

    def judge(self, now: Counters) -> None:
        """Within what was signed, counted from what was judged last: also when a writer was overlooked."""
        told = loss.bound(judged_at(Path(self.params["judged"])).baseline, now)
        hold_to(loss.beyond(told, ceiling_of(self.params)), f"{self._places.live} is as it was")


def _backwards(params: dict[str, str]) -> dict[str, str]:
    """The params of the swap that takes this one back."""
    live, incident = params["live"], params["incident"]
    names = {"live": live, "heir": params["former"], "former": undone(live, incident)}
    return {**names, "incident": incident, "file": params["undo"]}


def swapped_at(path: Path) -> Swapped:
    """How a swap went, from the file that it left."""
    return msgspec.json.decode(read(path, "record of the swap"), type=Swapped)


def _written(swapped: Swapped | None, now: Counters) -> str:
    """How many rows users have written to the restored database, as far as its counters tell."""
    if swapped is not None:
        told = loss.bound(Baseline(dict.fromkeys(swapped.counters.tables, 0), swapped.counters), now)
        if not told.unsure:
            return f"at most {count(sum(told.gone.values()), 'row')} written since the swap are in"
    return "rows written since the swap, nobody counted how many, are in"


def _preview(places: Places, params: dict[str, str]) -> Preview:
    names = {"live": places.live, "heir": places.heir, "former": places.former}
    words = f"{places.heir} becomes {places.live}; the one that is live now stays as {places.former}"
    return Preview(words, tuple(line.format(**names) for line in _STATEMENTS), {**names, **params})


def _unclear(places: Places, standing: Standing) -> Finding:
    if standing.live is None:
        return Finding("cannot tell", f"there is no database {places.live}")
    if standing.live is False:
        return Finding(
            "not done", f"{places.live} refuses connections: it was cut off; a repeat lets users in first"
        )
    if standing.heir is None:
        return Finding("cannot tell", f"there is no database {places.heir} to take its place")
    return Finding("cannot tell", f"there is a database {places.former} already")
