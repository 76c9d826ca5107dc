"""What changed, as an engine shows it: at once, without the remote, and again when anything has happened."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from console.core import events as ev
from console.core.changes import Changes
from console.core.clock import Stamp
from console.core.live import Live
from console.core.plan import CodeChange
from console.engine.board import Board
from console.engine.changes import ChangesKeeper
from console.store.clock import SystemClock
from console.targets.git import Clone, GitError
from tests.integration.actions.comparing import Desk
from tests.integration.actions.kit import Operator, Recorded
from tests.unit.engine.kit import Desktop

LIMIT_S = 20.0


class Quick(SystemClock):
    """A clock on which a second of waiting is over in a hundredth."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


class Stubborn(Clone):
    """A clone whose remote answers when it is let, or never."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        super().__init__(desk.clone.folder, desk.clone.remote, Recorded(folder))
        self.may = asyncio.Event()
        self.fails = ""

    async def look(self, limit_s: float) -> None:
        await self.may.wait()
        if self.fails:
            raise GitError(self.fails)
        await super().look(limit_s)


class Kept:
    """A keeper at work, and what it has shown."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk, self.desktop = desk, Desktop()
        self.clone = Stubborn(desk, folder)
        self.shown: list[Changes] = []
        self._more = asyncio.Event()
        board = Board(Live(1, 1, Stamp(0, "", 0)), Quick(), self._take)
        self.keeper = ChangesKeeper(self.desktop.book, self.clone, desk.comparison, board, Quick())

    def _take(self, live: Live) -> None:
        assert live.changes is not None
        self.shown.append(live.changes)
        self._more.set()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["Kept"]:
        task = asyncio.create_task(self.keeper.keep())
        try:
            yield self
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, condition: Callable[[Changes], object]) -> Changes:
        """The first that is shown, from now on or last, for which it holds."""
        async with asyncio.timeout(LIMIT_S):
            while not (self.shown and condition(self.shown[-1])):
                self._more.clear()
                await self._more.wait()
        return self.shown[-1]


@pytest.fixture
def kept(tmp_path: Path, operator: Operator) -> Kept:
    """The service runs v1.5.3; its remote says nothing yet."""
    kept = Kept(Desk(tmp_path, operator, config=["gas.toml"]), tmp_path)
    kept.desktop.say(ev.EngineStarted(1, 1, "0", "", "", "cooperative"), ev.ReleaseSeen("v1.5.3", None))
    return kept


def newer(changes: Changes) -> str:
    return changes.between.newer.tag if changes.between else ""


def older(changes: Changes) -> str:
    return changes.between.older.tag if changes.between else ""


async def test_it_is_there_without_the_remote(kept: Kept) -> None:
    """What is known locally is shown before anybody has answered."""
    kept.desktop.suspect()
    async with kept.at_work():
        made = await kept.until(older)
        assert (newer(made), older(made), made.remote) == ("v1.5.3", "v1.5.0", None)
        kept.clone.may.set()
        assert (await kept.until(lambda changes: changes.remote)).trouble == ()


async def test_again_when_the_service_answers_another_release(kept: Kept) -> None:
    kept.clone.may.set()
    async with kept.at_work():
        await kept.until(lambda changes: changes.remote)
        commit = kept.desk.release("v1.6.0", {"gas.toml": "cap = 5\n"})
        kept.desktop.say(ev.ReleaseSeen("v1.6.0", commit[:12]))
        made = await kept.until(lambda changes: newer(changes) == "v1.6.0")
    assert made.between is not None
    assert made.between.newer.commit == commit
    assert [key.key for key in made.between.keys or ()] == ["cap"]


async def test_again_when_the_plan_goes_somewhere_else(kept: Kept) -> None:
    kept.clone.may.set()
    async with kept.at_work():
        await kept.until(lambda changes: older(changes) == "v1.5.0")
        running, goal = kept.clone.release("v1.5.3"), kept.clone.release("v1.5.1")
        code = CodeChange(running, goal, "unproven", 2, "restore tree", "rollback/x", "e" * 40)
        kept.desktop.declare(code=code)
        made = await kept.until(lambda changes: older(changes) == "v1.5.1")
    assert made.between is not None
    assert made.between.why == "what the plan goes back to"


async def test_again_when_the_remote_has_moved_while_an_incident_is_open(kept: Kept) -> None:
    kept.clone.may.set()
    kept.desktop.suspect()
    async with kept.at_work():
        await kept.until(lambda changes: changes.between and changes.between.branch)
        head = kept.desk.operator.push("Race it")
        made = await kept.until(
            lambda changes: changes.between and changes.between.branch and changes.between.branch.ahead
        )
    assert made.between is not None
    assert made.between.branch is not None
    assert made.between.branch.commit == head


async def test_a_remote_that_does_not_answer_is_one_line_beside_what_is_known(kept: Kept) -> None:
    """And it is forgotten when it answers again."""
    kept.clone.fails = "git fetch: fatal: unable to access: timed out"
    kept.clone.may.set()
    kept.desktop.suspect()
    async with kept.at_work():
        made = await kept.until(lambda changes: changes.trouble)
        assert made.trouble == (f"the remote gave no answer: {kept.clone.fails}",)
        assert older(made) == "v1.5.0"
        kept.clone.fails = ""
        assert older(await kept.until(lambda changes: not changes.trouble)) == "v1.5.0"


async def test_a_fault_of_the_remote_ends_no_engine(kept: Kept) -> None:
    """Nor does a clone that cannot be made: the keeper goes on."""
    kept.clone.folder = kept.desk.clone.folder = Path("/dev/null/clone")
    kept.clone.may.set()
    kept.desktop.suspect()
    async with kept.at_work():
        made = await kept.until(
            lambda changes: any("no clone can be made" in words for words in changes.trouble)
        )
        assert made.between is None
        assert [entry.tag for entry in made.releases] == ["v1.5.0", "v1.5.1", "v1.5.2", "v1.5.3"]
