"""Silence is never green: what nobody has looked at lately is not said to be so now."""

from collections.abc import Callable

import pytest

from console.core.events import EngineStopped
from console.core.freshness import gaps, last_look, rungs_now, tick_s, unwatched
from console.core.metrics import Rung
from console.core.strategy import Environment
from tests.ui import place
from tests.ui.fake_room import FakeRoom

ALL_BUT_ONE = {"security_status": Rung.NO_SOURCE}
"""What has no source has none, whoever looks."""


def rungs(room: FakeRoom) -> dict[str, Rung]:
    return rungs_now(room.snapshot(), room.environment)


def watching() -> FakeRoom:
    room = FakeRoom()
    room.sample(5, error_rate=(12.4, Rung.MANDATORY))
    return room


def _stops(room: FakeRoom) -> None:
    room.sampling = False
    room.say(EngineStopped("asked to"))


def _falls_silent(room: FakeRoom) -> None:
    room.lose_engine(gone=False)
    room.wait(3.1)


def _hangs(room: FakeRoom) -> None:
    """Its heart beats, and it takes no sample."""
    room.sampling = False
    room.wait(3.1)


@pytest.mark.parametrize("happens", [FakeRoom.lose_engine, _stops, _falls_silent, _hangs])
def test_whatever_was_measured_is_stale_as_soon_as_nobody_looks(happens: Callable[[FakeRoom], None]) -> None:
    """Good and bad alike."""
    room = watching()
    assert not unwatched(room.snapshot(), room.environment)
    looked = room.rows[-1].at
    happens(room)
    assert unwatched(room.snapshot(), room.environment)
    assert rungs(room) == dict.fromkeys(room.environment.metrics, Rung.STALE) | ALL_BUT_ONE
    assert last_look(room.snapshot(), room.environment) == looked


def test_as_long_as_somebody_looks_the_rungs_are_the_engines() -> None:
    room = watching()
    room.wait(60)
    assert last_look(room.snapshot(), room.environment) is None
    assert rungs(room)["error_rate"] is Rung.MANDATORY
    assert rungs(room)["memory_usage"] is Rung.OK


def test_a_reading_that_is_too_old_is_stale_in_a_row_that_is_new() -> None:
    """An engine that repeats an old value for ever would look healthy for ever."""
    room = watching()
    room.sample(1, database_health=(None, Rung.OK))
    assert rungs(room)["database_health"] is Rung.STALE
    assert rungs(room)["health_check"] is Rung.OK


def test_before_the_first_sample_nothing_is_said_to_be_good_or_old() -> None:
    room = FakeRoom()
    assert rungs(room) == dict.fromkeys(room.environment.metrics, Rung.WAITING) | ALL_BUT_ONE
    assert last_look(FakeRoom(engine=False).snapshot(), room.environment) is None


def test_rows_that_have_been_let_go_of_leave_the_last_heartbeat() -> None:
    """A console keeps a quarter of an hour of them."""
    room = watching()
    assert room.live is not None
    room.lose_engine()
    room.wait(3600)
    room.rows.clear()
    assert last_look(room.snapshot(), room.environment) == room.live.beat


def with_rhythm(every_s: float, drill: str | None) -> Environment:
    """The testnet with sources that are asked so often."""
    environment = place.environment()
    sources = {
        name: source.model_copy(update={"every": every_s}) for name, source in environment.sources.items()
    }
    return environment.model_copy(update={"sources": sources, "drill": drill})


def test_patience_follows_the_rhythm_of_the_sources() -> None:
    """Five seconds between samples are no silence of three."""
    slow = with_rhythm(5.0, None)
    room = FakeRoom(slow)
    room.sample(2)
    room.sampling = False
    room.wait(14)
    assert not unwatched(room.snapshot(), slow)
    room.wait(2)
    assert unwatched(room.snapshot(), slow)


def test_a_rehearsal_ticks_as_fast_as_its_sources_and_the_field_once_a_second() -> None:
    assert tick_s(with_rhythm(0.25, None)) == 1.0
    assert tick_s(with_rhythm(0.25, "windows of seconds")) == 0.25
    field = place.environment()
    assert set(gaps(field)) == set(field.metrics) - {"security_status"}
