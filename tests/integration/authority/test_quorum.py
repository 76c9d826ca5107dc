"""The right six open the production gate; no five of them do, nor six of which two are one person's."""

from itertools import combinations

import pytest

from console.core import events as ev
from console.core.policy import missing
from tests.integration.authority.gatehouse import SIX, Gatehouse, without


async def test_the_right_six_open_it(house: Gatehouse) -> None:
    """And the journal names them."""
    async with house.at_gate():
        await house.sign(*SIX)
        await house.opens()
        opened = [event.body for event in house.events() if isinstance(event.body, ev.GateOpened)]
        assert [sorted(body.approvers) for body in opened] == [sorted(SIX)]
        assert house.reasons() == []


async def test_the_order_does_not_matter_nor_who_hands_it_in(house: Gatehouse) -> None:
    async with house.at_gate():
        for person in reversed(SIX):
            await house.hand_in(house.signed(person), actor="pm-1")
        await house.opens()


@pytest.mark.parametrize("five", list(combinations(SIX, 5)), ids="+".join)
async def test_no_five_of_them_do(house: Gatehouse, five: tuple[str, ...]) -> None:
    """Until the sixth has signed too."""
    (sixth,) = without(SIX, *five)
    async with house.at_gate():
        await house.sign(*five)
        await house.quiet()
        assert not house.opened
        assert missing(house.incident, house.clock.now())
        await house.sign(sixth)
        await house.opens()


async def test_six_signatures_of_which_two_are_one_persons_do_not(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.sign(*without(SIX, "eng-2"))
        await house.foils(house.signed("sec-1"), "sec-1 has said yes to this plan already")
        await house.sign("eng-2")
        await house.opens()


async def test_a_person_who_holds_two_roles_counts_for_one(house: Gatehouse) -> None:
    """The team lead is an engineer too: with the lead, eng-2 and eng-1, there are six, and nobody for pm."""
    async with house.at_gate():
        await house.sign(*without(SIX, "pm-1"), "lead-1")
        await house.quiet()
        assert not house.opened
        assert missing(house.incident, house.clock.now()) == ("product-manager",)
