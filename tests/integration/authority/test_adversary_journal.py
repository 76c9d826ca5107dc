"""Rows that somebody writes into the journal by hand, hash chain and all; and requests that pretend.

An engine that finds such a row looks at what it claims before it opens the gate, and says what it found.
"""

from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace

from console.core import events as ev
from console.core import requests as rq
from console.core.events import Body, Draft
from console.core.statement import split
from console.store.inbox import TMP
from console.store.verify import verify
from tests.integration.authority.gatehouse import NAME, SIX, Gatehouse, without
from tests.integration.authority.test_adversary import DATA
from tests.unit.core.kit import INCIDENT

FIVE = without(SIX, "sec-1")
NOT_SIGNED = "the journal says that somebody signed what they did not sign"


async def forged(house: Gatehouse, make: Callable[[ev.GateSigned], Body]) -> None:
    """Five have signed; a row for the security lead is made from her own right one, and written by hand."""
    async with house.at_gate():
        await house.sign(*FIVE)
        right = house.made("sec-1")
    house.forge(make(right))
    found = verify(house.layout.journal, NAME)
    assert found.ok, "the forger has kept the chain whole"


async def closed_by(house: Gatehouse, why: str) -> None:
    """A new engine finds the row, says why it does not count, and opens for the right one."""
    async with house.engine():
        await house.stays_closed(why)
        assert any(isinstance(event.body, ev.GateWithdrawn) for event in house.events())
        await house.sign("sec-1")
        await house.opens()


def _signature(text: str) -> Callable[[ev.GateSigned], Body]:
    return lambda row: replace(row, signature=text)


FORGED: dict[str, tuple[Callable[[ev.GateSigned], Body], str]] = {
    "a signature that is none": (_signature("signed, sec-1"), "marks of an SSH SIGNATURE"),
    "an empty signature": (_signature(""), "marks of an SSH SIGNATURE"),
    "no text": (lambda row: replace(row, text="yes"), "begins with `warroom approval 1`"),
    "another plan's text": (
        lambda row: replace(row, text=row.text.replace(row.plan_hash, "ab" * 32)),
        "the plan has changed since it was signed",
    ),
    "a text edited after it was signed": (
        lambda row: replace(row, text=row.text.replace("signed before: ", "signed before: ceo-1, ")),
        "the signature of sec-1 does not hold",
    ),
    "a longer life": (lambda row: replace(row, expires=row.expires + 10**12), NOT_SIGNED),
    "another key": (lambda row: replace(row, key=f"SHA256:{'A' * 43}"), "it was signed with SHA256:"),
    "more roles": (lambda row: replace(row, roles=(*row.roles, "product-manager")), NOT_SIGNED),
    "another person": (lambda row: replace(row, person="pm-2"), NOT_SIGNED),
}


@pytest.mark.parametrize("how", FORGED)
async def test_a_row_that_claims_an_approval(house: Gatehouse, how: str) -> None:
    make, why = FORGED[how]
    await forged(house, make)
    await closed_by(house, why)


async def test_a_row_with_a_signature_over_another_text(house: Gatehouse) -> None:
    """She did sign that, but it said no."""
    async with house.at_gate():
        await house.sign(*FIVE)
        _, no = split(house.signed("sec-1", decision="no", because="wait"))
        right = house.made("sec-1")
    house.forge(replace(right, signature=no))
    await closed_by(house, "the signature of sec-1 does not hold")


async def test_a_no_that_is_written_down_as_a_yes(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.sign(*FIVE)
        text, signature = split(house.signed("sec-1", decision="no", because="wait"))
        right = house.made("sec-1")
    house.forge(replace(right, text=text, signature=signature, because=""))
    await closed_by(house, NOT_SIGNED)


async def test_one_persons_signature_under_anothers_name(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.sign(*FIVE)
        right = house.made("eng-2")
    house.forge(replace(right, person="sec-1", roles=("security-lead",), key=f"SHA256:{'B' * 43}"))
    await closed_by(house, NOT_SIGNED)


async def test_roles_that_a_signer_does_not_hold(house: Gatehouse) -> None:
    """The team lead, by their own right signature, as the security lead."""
    async with house.at_gate():
        await house.sign(*FIVE)
        right = house.made("lead-1")
    house.forge(replace(right, roles=(*right.roles, "security-lead")))
    await closed_by(house, NOT_SIGNED)


async def test_an_initiator_who_writes_down_their_own_yes(house: Gatehouse) -> None:
    """Data goes back: theirs does not count, however well it is signed."""
    async with house.at_gate(data=DATA):
        await house.sign(*without(SIX, "eng-1"))
        own = house.made("eng-1")
    house.forge(own)
    async with house.engine():
        await house.stays_closed("eng-1 asked for the rollback: here somebody else must say yes")
        await house.sign("lead-1")
        await house.opens()


async def test_a_yes_that_was_taken_back_and_is_written_down_again(house: Gatehouse) -> None:
    """She signed it, and took it back before the others had signed."""
    async with house.at_gate():
        row = house.made("sec-1")
        await house.hand_in(f"{row.text}{row.signature}")
        await house.ask(rq.Withdraw("I misread it"), "sec-1")
        await house.sign(*FIVE)
    house.forge(row)
    await closed_by(house, "sec-1 has said something else since it was made")


async def test_a_yes_from_before_the_freeze_that_is_written_down(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.sign(*FIVE)
        first = house.said.hash_at(1)
        assert first is not None
        right = house.made("sec-1", journal=f"1 {first.hex()}")
    house.forge(right)
    await closed_by(house, "it was made before the plan was frozen")


async def test_a_typed_name_that_is_written_down(house: Gatehouse) -> None:
    """A claim is no signature: it is not even looked at."""
    async with house.at_gate():
        await house.sign(*FIVE)
        claim = ev.GateClaimed(house.incident.plan_hash or "", ("security-lead",))
    house.forge(claim, actor="sec-1")
    async with house.engine():
        await house.quiet()
        assert not house.opened
        await house.sign("sec-1")
        await house.opens()


async def test_rows_of_all_six(house: Gatehouse) -> None:
    """Nobody has signed anything; every one of them is withdrawn."""
    async with house.at_gate():
        made = [replace(house.made(who, key="stranger"), key=house.made(who).key) for who in SIX]
    house.forge(*made)
    async with house.engine():
        await house.stays_closed("which the roster does not have for ")
        assert house.incident.approvals == ()
        assert len(house.reasons()) == len(SIX)


# -- requests ------------------------------------------------------------------------------------------


def leave(house: Gatehouse, name: str, raw: bytes) -> None:
    """A file in the inbox, left by hand."""
    path = house.layout.inbox / TMP / "by-hand"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    path.rename(house.layout.inbox / name)
    house.bell.ring()


PRETENDED: dict[str, Callable[[Gatehouse], Body]] = {
    "an approval": lambda house: ev.GateClaimed(house.incident.plan_hash or "", ("security-lead",)),
    "an open gate": lambda house: ev.GateOpened(house.incident.plan_hash or "", SIX, ()),
    "an intent": lambda house: ev.StepIntent("push", 1, 1, house.incident.plan_hash or ""),
    "an outcome": lambda _: ev.StepOutcome("push", 1, "done", "it is done", 0.1),
    "evidence": lambda _: ev.EvidenceRecorded("good-tree", holds=True, words="so it is", inputs="x"),
}


@pytest.mark.parametrize("what", PRETENDED)
async def test_a_request_that_pretends_to_be_an_event(house: Gatehouse, what: str) -> None:
    """A row of the journal as a file in the inbox; and the event as a request's wish."""
    async with house.at_gate():
        await house.sign(*FIVE)
        body = PRETENDED[what](house)
        draft = Draft(body, house.clock.now(), INCIDENT, "engine")
        leave(house, f"{1:020d}-row.json", ev.encode(draft, NAME, 10_000))
        request = msgspec.json.decode(rq.encode(rq.Request("wish", NAME, "eng-1", draft.at, rq.Note("x"))))
        request["ask"] = {"ask": body.kind, **msgspec.to_builtins(body)}
        leave(house, f"{2:020d}-wish.json", msgspec.json.encode(request))
        await house.quiet()
        assert not house.opened
        refused = [event.body for event in house.events() if isinstance(event.body, ev.RequestRefused)]
        assert [body.ask for body in refused] == ["unreadable", "unreadable"]
        await house.sign("sec-1")
        await house.opens()


async def test_an_oversized_request_is_set_aside(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.sign(*FIVE)
        leave(house, f"{1:020d}-large.json", b"[" * 70_000)
        await house.stays_closed("it is larger than 65536 bytes")
        await house.sign("sec-1")
        await house.opens()


async def test_a_truncated_request_is_refused(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.sign(*FIVE)
        ask = rq.Approve(*split(house.signed("sec-1")))
        whole = rq.encode(rq.Request("half", NAME, "sec-1", house.clock.now(), ask))
        leave(house, f"{1:020d}-half.json", whole[: len(whole) // 2])
        await house.stays_closed("truncated")
        await house.sign("sec-1")
        await house.opens()


async def test_a_request_of_somebody_who_is_not_in_the_roster(house: Gatehouse) -> None:
    """What they hand in is not even looked at."""
    async with house.at_gate():
        await house.sign(*FIVE)
        ran = house.programs.ran
        answer = await house.hand_in(house.signed("sec-1"), actor="stranger")
        assert isinstance(answer, ev.RequestRefused)
        assert house.programs.ran == ran
        await house.stays_closed("stranger is not in the roster")
        await house.sign("sec-1")
        await house.opens()


async def test_a_request_to_another_environments_engine(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.sign(*FIVE)
        ask = rq.Approve(*split(house.signed("sec-1")))
        house.inbox.put(rq.Request("elsewhere", "testnet", "sec-1", house.clock.now(), ask))
        answer = await house.answer("elsewhere")
        assert isinstance(answer, ev.RequestRefused)
        await house.stays_closed("this is the engine of production, not of testnet")
        await house.sign("sec-1")
        await house.opens()


async def test_a_typed_name_opens_nothing_here(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.sign(*FIVE)
        await house.ask(rq.Go(house.incident.plan_hash or "", NAME), "sec-1")
        await house.stays_closed("this environment asks for signatures, not for a typed name")
        await house.sign("sec-1")
        await house.opens()


async def test_somebody_whom_nobody_asks(house: Gatehouse) -> None:
    """Their signature is right, and counts for nothing."""
    path = house.roster.path
    path.write_text(path.read_text().replace("roles: [product-manager]", "roles: [onlooker]"))
    house.roster = house.reload()
    async with house.at_gate():
        await house.foils(house.signed("pm-1"), "pm-1 is onlooker; engineer or security-lead or")


# -- a gate that is said to be open ---------------------------------------------------------------------


async def test_a_row_that_says_the_gate_was_opened(house: Gatehouse) -> None:
    """Five have signed, the rest is written by hand: the next engine closes it, and asks the sixth."""
    async with house.at_gate():
        await house.sign(*FIVE)
        hashed = house.incident.plan_hash or ""
    house.forge(ev.GateOpened(hashed, SIX, ()))
    async with house.engine():
        await house.until(
            lambda state: state.open_incident is not None and not state.open_incident.gate_opened
        )
        closed = [event.body.reason for event in house.events() if isinstance(event.body, ev.GateClosed)]
        assert closed == ["the journal says that it was opened, but security-lead did not sign"]
        assert "push" not in house.incident.steps
        await house.sign("sec-1")
        await house.opens()


async def test_a_gate_that_six_have_opened_stays_open_whatever_becomes_of_a_key(house: Gatehouse) -> None:
    """Nobody is left with half of a switch because an engine died and somebody revoked a key."""
    async with house.at_gate():
        await house.sign(*SIX)
        await house.opens()
    house.revoke("sec-1")
    house.clock.pass_by(3600)
    async with house.engine():
        await house.until(lambda state: state.engine is not None and state.engine.epoch == state.epoch)
        await house.quiet()
        assert house.incident.gate_opened is not None
        assert not [event for event in house.events() if isinstance(event.body, ev.GateClosed)]
