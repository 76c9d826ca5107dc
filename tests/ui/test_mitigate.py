"""The dialog of mitigations, the recommendation above NEXT, and what is told where somebody says yes."""

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.image import SVGImageSnapshotExtension

from console.core.metrics import Rung
from console.core.requests import Mitigate, Resolve
from tests.ui.seat import seat
from tests.unit.core.test_recommendation import CAUSE, mitigation, not_ours
from tests.unit.test_next_mitigation import SICK, Sick

SIZES = ((80, 24), (120, 40))


@pytest.fixture
def picture(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Compares SVGs, kept one a file."""
    return snapshot.use_extension(SVGImageSnapshotExtension)


def several() -> Sick:
    """Three, of which one covers what fires, and one is somebody else's to say."""
    return Sick(
        {
            "scale": mitigation("response_time_p99", title="twice the instances", kind="scale"),
            "off": mitigation("error_rate", "transaction_signing_rate", title="flag wc-gas off", cost=2),
            "away": mitigation(
                "error_rate", "response_time_p99", title="traffic away", authority="matrix", cost=9
            ),
        }
    )


def held() -> Sick:
    """A rollback is ready, and will not help."""
    room = Sick({}, metrics=not_ours(["error_rate"]))
    room.sample(5, **SICK, health_check=(9.0, Rung.MANDATORY))
    return room


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_what_can_be_done_and_what_it_covers(size: tuple[int, int], picture: SnapshotAssertion) -> None:
    """The one that covers everything, and is cheapest, stands first and is chosen."""
    async with seat(several(), *size) as here:
        screen = await here.press("n")
        for words in (
            "flag wc-gas off (flag)  not tried",
            "covers all that fires: errors; cost 2; the commander may",
            "covers nothing that fires, only p99",
            "the matrix must say yes",
        ):
            assert words in screen
        assert screen.index("flag wc-gas off") < screen.index("traffic away") < screen.index("twice the")
        assert here.svg() == picture
        await here.press("enter")
        assert here.room.asked == [Mitigate("off")]


async def test_what_is_in_force_is_taken_back_from_there() -> None:
    room = Sick()
    room.mitigate()
    async with seat(room) as here:
        screen = await here.press("f")
        assert "in force since" in screen
        assert "undo flag wc-gas off" in screen
        await here.press("enter")
        assert room.asked == [Mitigate("off", undo=True)]


async def test_whoever_may_not_is_told_so_and_nothing_is_asked() -> None:
    room = Sick()
    room.actor = "eng-2"
    async with seat(room) as here:
        await here.press("f")
        screen = await here.press("enter")
        assert "only eng-1, who commands INC-7QK2, may ask for it" in screen
        assert room.asked == []


async def test_where_the_strategy_names_none_the_key_says_so() -> None:
    async with seat(Sick({})) as here:
        assert "f mitigate: the strategy names no `mitigations`" in await here.press("f")


async def test_the_end_names_what_is_still_in_force() -> None:
    room = Sick()
    room.mitigate()
    room.sample(5)
    async with seat(room) as here:
        screen = await here.press("n")
        assert "still in force: flag wc-gas off: f takes it back" in screen
        await here.press("tab")
        await here.type("flag off")
        assert room.asked == [Resolve("mitigated", "flag off")]


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_rollback_that_will_not_help_is_held_in_sight(
    size: tuple[int, int], picture: SnapshotAssertion
) -> None:
    """Above NEXT, on the metrics that fire, and where somebody would say yes all the same."""
    async with seat(held(), *size) as here:
        screen = await here.look()
        assert f"ROLLBACK HELD: {CAUSE} (health 9)" in screen
        assert "NEXT do not roll back" in screen
        assert "HELD" in next(line for line in screen.splitlines() if "errors" in line and "12.4" in line)
        assert here.svg() == picture
        dialog = await here.press("g")
        assert "Recommended: rollback held" in dialog


async def test_a_notice_does_not_hide_the_recommendation() -> None:
    async with seat(held()) as here:
        screen = await here.press("X")
        assert "ROLLBACK HELD" in screen
        assert "the run is not stopped" in screen


async def test_what_runs_beside_leaves_the_first_words_of_the_recommendation() -> None:
    """Where there is no room for both."""
    room = held()
    room.mitigate()
    async with seat(room) as here:
        assert "ROLLBACK HELD   ✓ RUN-3HXP mitigate off done: says the probe" in await here.look()
