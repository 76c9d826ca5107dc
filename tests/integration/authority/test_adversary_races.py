"""Two things at once: while a signature is verified, or is about to open the gate, something changes."""

from msgspec.structs import replace

from console.authority.office import AT_ONCE
from console.core import events as ev
from console.core import requests as rq
from console.core.requests import AnyAsk, Request
from console.core.statement import split
from console.store.inbox import FolderInbox
from tests.integration.authority.gatehouse import NAME, SIX, Gatehouse, without

FIVE = without(SIX, "sec-1")


def leave(house: Gatehouse, ask: AnyAsk, actor: str) -> str:
    """A request of which the engine is not told: it is there when the inbox is emptied next."""
    request = Request("unheard", NAME, actor, house.clock.now(), ask)
    FolderInbox(house.layout.inbox).put(request)
    return request.id


async def test_an_approval_races_a_new_plan(house: Gatehouse) -> None:
    """It was right when it was handed in; when it has been verified, there is another plan."""
    async with house.at_gate():
        house.programs.go_on.clear()
        request = house.put_signed("sec-1")
        await house.programs.under_way(1)
        await house.freeze(recover_within_s=600.0)
        house.programs.go_on.set()
        answer = await house.answer(request)
        assert isinstance(answer, ev.RequestRefused)
        await house.sign(*FIVE)
        await house.stays_closed("the plan has changed since it was signed")
        await house.sign("sec-1")
        await house.opens()


async def test_an_approval_races_the_same_plan_frozen_again(house: Gatehouse) -> None:
    async with house.at_gate():
        house.programs.go_on.clear()
        request = house.put_signed("sec-1")
        await house.programs.under_way(1)
        house.incident.evidence.clear()
        await house.freeze()
        house.programs.go_on.set()
        answer = await house.answer(request)
        assert isinstance(answer, ev.RequestRefused)
        await house.sign(*FIVE)
        await house.stays_closed("it was made before the plan was frozen")
        await house.sign("sec-1")
        await house.opens()


async def test_an_approval_races_the_end_of_its_incident(house: Gatehouse) -> None:
    async with house.at_gate():
        house.programs.go_on.clear()
        request = house.put_signed("sec-1")
        await house.programs.under_way(1)
        house.say(ev.IncidentResolved("false alarm", "", house.said.head))
        house.programs.go_on.set()
        answer = await house.answer(request)
        assert isinstance(answer, ev.RequestRefused)
        assert "no incident is open" in answer.reason


async def test_an_approval_races_its_own_expiry(house: Gatehouse) -> None:
    async with house.at_gate():
        house.programs.go_on.clear()
        request = house.put_signed("sec-1")
        await house.programs.under_way(1)
        house.clock.pass_by(1800)
        house.programs.go_on.set()
        answer = await house.answer(request)
        assert isinstance(answer, ev.RequestRefused)
        await house.stays_closed("it has expired: ask again")


async def test_an_approval_races_its_own_copy(house: Gatehouse) -> None:
    """Both are verified at the same time; one counts."""
    async with house.at_gate():
        document = house.signed("sec-1")
        house.programs.go_on.clear()
        first, second = (house.put(rq.Approve(*split(document))) for _ in range(2))
        await house.programs.under_way(2)
        house.programs.go_on.set()
        answers = {type(await house.answer(request)) for request in (first, second)}
        assert answers == {ev.GateSigned, ev.RequestRefused}
        assert house.reasons() == ["sec-1 has said yes to this plan already"]


async def test_a_revocation_races_the_switch(house: Gatehouse) -> None:
    """The sixth is verified, and at that moment another one's key is revoked."""
    async with house.at_gate():
        await house.sign(*FIVE)
        house.programs.go_on.clear()
        request = house.put_signed("sec-1")
        await house.programs.under_way(1)
        house.revoke("pm-1")
        house.programs.go_on.set()
        assert isinstance(await house.answer(request), ev.GateSigned)
        await house.stays_closed("the signature of pm-1 does not hold")
        house.revoke()
        await house.sign("pm-1")
        await house.opens()


async def test_a_revocation_races_the_very_signature(house: Gatehouse) -> None:
    """It was verified against the keys of before."""
    async with house.at_gate():
        await house.sign(*FIVE)
        house.programs.go_on.clear()
        request = house.put_signed("sec-1")
        await house.programs.under_way(1)
        house.revoke("sec-1")
        house.programs.go_on.set()
        assert isinstance(await house.answer(request), ev.GateSigned)
        await house.stays_closed("the signature of sec-1 does not hold")


async def test_a_revocation_that_comes_and_goes_while_it_is_verified(house: Gatehouse) -> None:
    """ssh-keygen reads what the engine has read, not what lies there a moment later."""
    async with house.at_gate():
        await house.sign(*FIVE)
        house.revoke("sec-1")
        house.programs.before = house.revoke
        request = house.put_signed("sec-1")
        answer = await house.answer(request)
        house.programs.before = lambda: None
        assert isinstance(answer, ev.RequestRefused)
        house.revoke("sec-1")
        await house.stays_closed("the signature of sec-1 does not hold")


async def test_a_yes_taken_back_in_the_moment_of_the_switch(house: Gatehouse) -> None:
    """It lies in the inbox when the sixth has been verified: the inbox is emptied first."""
    async with house.at_gate():
        await house.sign(*FIVE)
        house.programs.go_on.clear()
        request = house.put_signed("sec-1")
        await house.programs.under_way(1)
        leave(house, rq.Withdraw("wait"), "pm-1")
        house.programs.go_on.set()
        assert isinstance(await house.answer(request), ev.GateSigned)
        await house.stays_closed("wait")
        await house.sign("pm-1")
        await house.opens()


async def test_a_signed_no_in_the_moment_of_the_switch(house: Gatehouse) -> None:
    """It has to be verified before anybody knows that it is one: the gate waits for that."""
    async with house.at_gate():
        await house.sign(*FIVE)
        house.programs.go_on.clear()
        request = house.put_signed("sec-1")
        await house.programs.under_way(1)
        no = house.signed("pm-1", decision="no", because="users are asleep")
        unheard = leave(house, rq.Approve(*split(no)), "pm-1")
        house.programs.go_on.set()
        assert isinstance(await house.answer(request), ev.GateSigned)
        assert isinstance(await house.answer(unheard), ev.GateSigned)
        await house.quiet()
        assert not house.opened
        assert [said.because for said in house.incident.refusals] == ["users are asleep"]
        await house.sign("pm-1")
        await house.opens()


async def test_garbage_does_not_hold_the_gate_closed(house: Gatehouse) -> None:
    """What is handed in beside the sixth is refused, and then it opens."""
    async with house.at_gate():
        await house.sign(*FIVE)
        house.programs.go_on.clear()
        request = house.put_signed("sec-1")
        await house.programs.under_way(1)
        unheard = leave(house, rq.Approve(*split(house.signed("pm-1", key="stranger"))), "pm-1")
        house.programs.go_on.set()
        await house.answer(request)
        assert isinstance(await house.answer(unheard), ev.RequestRefused)
        await house.opens()


async def test_a_signer_who_signs_again_while_the_first_is_looked_at_again(house: Gatehouse) -> None:
    """What is found of the one says nothing of the other."""
    async with house.at_gate():
        await house.sign(*FIVE)
        _, no = split(house.signed("sec-1", decision="no", because="wait"))
        forged = replace(house.made("sec-1"), signature=no)
    house.forge(forged)
    house.programs.go_on.clear()
    async with house.engine():
        await house.programs.under_way(len(SIX))
        await house.ask(rq.Withdraw("that was not me"), "sec-1")
        request = house.put_signed("sec-1")
        await house.programs.under_way(len(SIX) + 1)
        house.programs.go_on.set()
        assert isinstance(await house.answer(request), ev.GateSigned)
        await house.opens()
        assert house.reasons() == ["that was not me"]


async def test_a_flood_of_signatures_is_looked_at_a_few_at_a_time(house: Gatehouse) -> None:
    """Whoever hands in dozens does not fill the machine with programs, and each is answered."""
    async with house.at_gate():
        house.programs.go_on.clear()
        requests = [house.put_signed("sec-1") for _ in range(3 * AT_ONCE)]
        await house.programs.under_way(AT_ONCE)
        await house.ask(rq.Note("is anybody else let in?"))
        assert house.programs.ran == AT_ONCE
        house.programs.go_on.set()
        answers = [await house.answer(request) for request in requests]
        kinds = [type(answer) for answer in answers]
        assert kinds.count(ev.GateSigned) == 1
        assert kinds.count(ev.RequestRefused) == len(requests) - 1
