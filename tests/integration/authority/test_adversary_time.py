"""Time that goes by, and clocks that are moved: a yes that has run out opens nothing."""

import pytest

from console.core import events as ev
from tests.integration.authority.gatehouse import SIX, Gatehouse, without

FIVE = without(SIX, "sec-1")
HALF_AN_HOUR = 1800.0
GONE = "it has expired: sign again"


async def withdrawn(house: Gatehouse) -> list[str]:
    """Whose yes the journal says has run out; the gate is closed."""
    await house.quiet()
    assert not house.opened
    bodies = (event.body for event in house.events())
    return [body.person for body in bodies if isinstance(body, ev.GateWithdrawn) and body.reason == GONE]


async def test_what_has_expired_is_refused(house: Gatehouse) -> None:
    async with house.at_gate():
        old = house.signed("sec-1")
        house.clock.pass_by(HALF_AN_HOUR)
        await house.sign(*FIVE)
        await house.foils(old, "it has expired: ask again")
        await house.sign("sec-1")
        await house.opens()


async def test_what_was_taken_runs_out_at_the_gate(house: Gatehouse) -> None:
    """The five have waited too long for the sixth."""
    async with house.at_gate():
        await house.sign(*FIVE)
        house.clock.pass_by(HALF_AN_HOUR)
        await house.sign("sec-1")
        assert await withdrawn(house) == list(FIVE)
        await house.sign(*FIVE)
        await house.opens()


async def test_a_second_before_its_end_it_counts(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.sign(*FIVE)
        house.clock.pass_by(HALF_AN_HOUR - 1)
        await house.sign("sec-1")
        await house.opens()


async def test_time_counts_from_when_it_was_asked_for_not_from_when_it_was_handed_in(
    house: Gatehouse,
) -> None:
    async with house.at_gate():
        document = house.signed("ops-1")
        house.clock.pass_by(HALF_AN_HOUR - 60)
        assert isinstance(await house.hand_in(document), ev.GateSigned)
        house.clock.pass_by(61)
        await house.sign(*without(SIX, "ops-1"))
        assert await withdrawn(house) == ["ops-1"]
        await house.sign("ops-1")
        await house.opens()


async def test_a_wall_clock_that_stands_still_buys_no_time(house: Gatehouse) -> None:
    """The boot clock goes on."""
    async with house.at_gate():
        await house.sign(*FIVE)
        house.clock.boot_s += HALF_AN_HOUR
        await house.sign("sec-1")
        assert await withdrawn(house) == list(FIVE)
        await house.sign(*FIVE)
        await house.opens()


async def test_a_wall_clock_moved_forward_ends_what_was_signed(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.sign(*FIVE)
        house.clock.wall_s += HALF_AN_HOUR
        await house.sign("sec-1")
        assert await withdrawn(house) == list(FIVE)
        await house.sign(*FIVE)
        await house.opens()


async def test_a_wall_clock_moved_back_buys_no_time(house: Gatehouse) -> None:
    """Neither for what was taken, nor for what is handed in."""
    async with house.at_gate():
        await house.sign(*FIVE)
        late = house.signed("sec-1")
        house.clock.pass_by(HALF_AN_HOUR)
        house.clock.wall_s -= HALF_AN_HOUR + 10
        await house.foils(late, "it was issued at a time that has not come yet")
        assert await withdrawn(house) == list(FIVE)
        await house.sign("sec-1", *FIVE)
        await house.opens()


async def test_after_a_reboot_with_the_clock_moved_back_nothing_counts(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.sign(*FIVE)
    house.clock.boot, house.clock.boot_s = "the next", 0.0
    house.clock.wall_s -= 60
    async with house.engine():
        await house.sign("sec-1")
        assert await withdrawn(house) == list(FIVE)
        await house.sign(*FIVE)
        await house.opens()


async def test_a_reboot_alone_takes_no_yes_away(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.sign(*FIVE)
    house.clock.boot, house.clock.boot_s = "the next", 0.0
    house.clock.wall_s += 60
    async with house.engine():
        await house.sign("sec-1")
        await house.opens()


@pytest.mark.parametrize("within_s", [900.0, 7200.0])
async def test_the_environments_own_limit_holds_and_never_more_than_half_an_hour(
    house: Gatehouse, within_s: float
) -> None:
    rule = house.environment.authorisation.model_copy(update={"within": within_s})
    house.environment = house.environment.model_copy(update={"authorisation": rule})
    async with house.at_gate():
        await house.sign(*FIVE)
        asked = house.statement("sec-1")
        assert asked.expires - asked.issued == min(within_s, HALF_AN_HOUR) * 1e6
        longer = house.signed("sec-1", expires=asked.expires + 1_000_000)
        await house.foils(longer, "longer than this environment allows")
        await house.sign("sec-1")
        await house.opens()
