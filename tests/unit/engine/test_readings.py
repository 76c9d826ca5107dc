"""A source that tells numbers by name: what each measure makes of a look, and of none."""

import asyncio
from collections.abc import Mapping

import pytest

from console.core.measures import NOTHING, Measured, UnwatchableError
from console.core.watched import (
    Alert,
    AnySource,
    Cached,
    FailuresInARow,
    Gauge,
    Host,
    Query,
    Stat,
    Unavailable,
)
from console.engine.watchers.readings import ReadingsWatcher, key, keys
from console.targets.source import Answered, CannotAskError, SourceError
from tests.unit.engine.kit import HandClock

HOST = Host(kind="host", every="1s", limit="1s")  # type: ignore[arg-type]
CPU = Stat(kind="stat", source="host", stat="cpu")
SHARE = Query(kind="query", source="host", query="a / b", count="b")
FIRING = Alert(kind="alert", source="host", alert="Down")
DOWN = Unavailable(kind="unavailable", source="host")
IN_A_ROW = FailuresInARow(kind="failures in a row", source="host")


class Target:
    """Answers what it is told to, once it is let."""

    def __init__(self) -> None:
        self.answer: Answered | Exception = Answered()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def look(self) -> Answered:
        await self.go_on.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Stage:
    def __init__(self, source: AnySource = HOST) -> None:
        self.target, self.clock = Target(), HandClock()
        self.watcher = ReadingsWatcher(source, self.target, self.clock)

    async def ask(self, answer: Mapping[str, float] | Answered | Exception) -> None:
        self.clock.seconds += 1
        self.target.answer = answer if isinstance(answer, Answered | Exception) else Answered(answer)
        await self.watcher.ask()

    def __getitem__(self, measure: Stat | Query | Alert | Unavailable | FailuresInARow) -> Measured:
        return self.watcher.reader(measure)()


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_names_are_what_is_asked() -> None:
    assert [key(each) for each in (CPU, SHARE, FIRING)] == ["cpu", "a / b", "alert Down"]
    assert keys([CPU, SHARE, FIRING, DOWN], "host") == {"cpu", "a / b", "b", "alert Down"}


async def test_numbers_have_the_moment_of_their_answer(stage: Stage) -> None:
    await stage.ask({"cpu": 12.5, "a / b": 0.25, "b": 40.0, "alert Down": 1.0})
    now = stage.clock.now()
    assert stage[CPU] == Measured(12.5, None, now)
    assert stage[SHARE] == Measured(0.25, 40, now)
    assert stage[FIRING] == Measured(1.0, None, now)
    assert (stage[DOWN].value, stage[IN_A_ROW].value) == (0.0, 0.0)


async def test_what_is_not_there_is_unknown_and_never_nothing(stage: Stage) -> None:
    """A share whose whole is unknown is unknown itself."""
    await stage.ask({"a / b": 0.25})
    assert (stage[CPU], stage[SHARE], stage[FIRING]) == (NOTHING, NOTHING, NOTHING)


async def test_a_share_of_nothing_waits_for_somebody_to_come(stage: Stage) -> None:
    """0 / 0 at three in the morning is no silence."""
    await stage.ask({"b": 0.0})
    assert stage[SHARE] == Measured(None, 0, stage.clock.now())
    await stage.ask({"b": 7.0})
    assert stage[SHARE] == NOTHING


async def test_a_stat_that_is_a_share_rests_on_what_its_source_counts() -> None:
    """Three lookups are no trend: the ladder sees how few they are."""
    stage = Stage(Cached(kind="redis", url="env:URL", every="1s", limit="1s"))  # type: ignore[arg-type]
    hits = Stat(kind="stat", source="cache", stat="hit_rate")
    memory = Stat(kind="stat", source="cache", stat="memory")
    await stage.ask({"memory": 10.0, "hit_rate": 50.0, "lookups": 4.0})
    now = stage.clock.now()
    assert (stage[hits], stage[memory]) == (Measured(50.0, 4, now), Measured(10.0, None, now))
    await stage.ask({"memory": 10.0, "lookups": 0.0})
    assert stage[hits] == Measured(None, 0, stage.clock.now())


async def test_a_target_that_does_not_answer_is_unavailable_and_its_numbers_are_gone(stage: Stage) -> None:
    await stage.ask({"cpu": 12.5})
    await stage.ask(SourceError("no answer"))
    await stage.ask(SourceError("no answer"))
    assert (stage[CPU], stage.watcher.trouble) == (NOTHING, "no answer")
    assert (stage[DOWN].value, stage[IN_A_ROW].value) == (1.0, 2.0)
    await stage.ask({"cpu": 13.0})
    assert (stage[DOWN].value, stage[IN_A_ROW].value, stage.watcher.trouble) == (0.0, 0.0, "")


async def test_a_failure_is_told_beside_what_is_known(stage: Stage) -> None:
    """A command that ends with 1 has a code; and that counts as a bad answer."""
    await stage.ask(Answered({"cpu": 12.5}, "it is loading"))
    assert (stage[CPU].value, stage[DOWN].value, stage[IN_A_ROW].value) == (12.5, 1.0, 1.0)
    assert (stage.watcher.trouble, stage.watcher.troubles) == ("it is loading", {})


async def test_trouble_with_a_part_is_told_and_the_target_is_well(stage: Stage) -> None:
    """One question that is refused takes nothing from the others; it is forgotten with the next answer."""
    await stage.ask(Answered({"cpu": 12.5}, troubles={"a / b": "brings nothing"}))
    assert (stage[CPU].value, stage[SHARE], stage[DOWN].value) == (12.5, NOTHING, 0.0)
    assert stage.watcher.trouble == "`a / b`: brings nothing"
    assert stage.watcher.troubles == {"a / b": "brings nothing"}
    for after in (SourceError("no answer"), CannotAskError("no such host")):
        await stage.ask(after)
        assert (stage.watcher.trouble, stage.watcher.troubles) == (str(after), {})


async def test_that_we_cannot_ask_says_nothing_about_the_target(stage: Stage) -> None:
    await stage.ask({"cpu": 12.5})
    await stage.ask(CannotAskError("no such host"))
    assert (stage[CPU], stage[DOWN], stage[IN_A_ROW]) == (NOTHING, NOTHING, NOTHING)
    assert stage.watcher.trouble == "no such host"


async def test_while_it_is_asked_the_last_answer_stands(stage: Stage) -> None:
    """A slow answer is late, and not yet silence."""
    await stage.ask({"cpu": 12.5})
    stage.target.go_on.clear()
    asking = asyncio.create_task(stage.watcher.ask())
    await asyncio.sleep(0)
    assert stage[CPU].value == 12.5
    stage.target.go_on.set()
    await asking


def test_a_measure_of_another_kind_of_source_is_refused(stage: Stage) -> None:
    with pytest.raises(UnwatchableError, match="no measure `gauge`"):
        stage.watcher.reader(Gauge(kind="gauge", source="host", gauge="up"))
