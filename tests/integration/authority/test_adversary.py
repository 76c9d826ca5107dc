"""Statements and signatures that are not quite the ones that were asked for: none of them opens the gate.

In each, five of the six have signed; what somebody hands in for the sixth is refused with its reason; and the
right one opens the gate, so that nothing else kept it closed.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from console.core import events as ev
from console.core import requests as rq
from console.core.plan import DataChange
from console.core.statement import MAX_BYTES, Statement, signed_text, split
from tests.integration.authority.gatehouse import SIX, Gatehouse, without
from tests.unit.core.kit import NOON_US

FIVE = without(SIX, "sec-1")
DATA = DataChange("point in time", NOON_US - 60_000_000, NOON_US, 200)


@asynccontextmanager
async def one_short(house: Gatehouse) -> AsyncIterator[Gatehouse]:
    """A gate to which only the security lead's yes is missing; at the end that opens it."""
    async with house.at_gate():
        await house.sign(*FIVE)
        yield house
        await house.sign("sec-1")
        await house.opens()


def _edit(**changes: object) -> Callable[[Statement], Statement]:
    return lambda statement: replace(statement, **changes)


def _first_line(statement: Statement) -> Statement:
    return replace(statement, does=("v1.5.3 back to v1.4.9, good", *statement.does[1:]))


def _no_last_line(statement: Statement) -> Statement:
    return replace(statement, does=statement.does[:-1])


def _one_more_line(statement: Statement) -> Statement:
    return replace(statement, does=(*statement.does, "also nothing of any importance"))


def _earlier(statement: Statement) -> Statement:
    return replace(statement, issued=statement.issued - 60_000_000)


def _later(statement: Statement) -> Statement:
    return replace(statement, issued=statement.issued + 60_000_000)


def _longer(statement: Statement) -> Statement:
    return replace(statement, expires=statement.expires + 1_000_000)


def _for_years(statement: Statement) -> Statement:
    return replace(statement, expires=statement.expires + 10**14)


def _over(statement: Statement) -> Statement:
    return replace(statement, issued=statement.issued - 3_600_000_000, expires=statement.issued)


def _other_head(statement: Statement) -> Statement:
    return replace(statement, journal=f"{statement.journal.split()[0]} {'ab' * 32}")


def _head_to_come(statement: Statement) -> Statement:
    return replace(statement, journal=f"10000 {statement.journal.split()[1]}")


EDITS = {
    "environment": (_edit(environment="testnet"), "it is about another environment"),
    "incident": (_edit(incident="INC-0000"), "it is about another incident"),
    "decision": (_edit(decision="no"), "a no says why"),
    "because": (_edit(because="it is fine"), "a no says why"),
    "person": (_edit(person="pm-1"), "which the roster does not have for pm-1"),
    "nobody's handle": (_edit(person="sec-9"), "sec-9 is not in the roster"),
    "wildcard": (_edit(person="*"), "* is not in the roster"),
    "pattern": (_edit(person="sec-?"), "sec-? is not in the roster"),
    "list of people": (_edit(person="sec-1,ops-1"), "sec-1,ops-1 is not in the roster"),
    "roles": (_edit(roles="security-lead, engineer"), "the roles are not those of the roster"),
    "no roles": (_edit(roles=""), "the roles are not those of the roster"),
    "plan": (_edit(plan="ab" * 32), "the plan has changed since it was signed"),
    "no plan": (_edit(plan=""), "the plan has changed since it was signed"),
    "what it does": (_first_line, "its words are not those of the plan"),
    "less than it does": (_no_last_line, "its words are not those of the plan"),
    "more than it does": (_one_more_line, "its words are not those of the plan"),
    "head of another journal": (_other_head, "it was made in another journal"),
    "head to come": (_head_to_come, "it was made in another journal"),
    "head without a number": (_edit(journal="ab" * 32), "names no event"),
    "head of no number": (_edit(journal=f"0 {'ab' * 32}"), "names no event"),
    "head beyond all numbers": (_edit(journal=f"{10**30} {'ab' * 32}"), "names no event"),
    "no head": (_edit(journal=""), "names no event"),
    "roster": (_edit(roster="ef" * 32), "it was signed under another roster"),
    "issued before": (_earlier, "longer than this environment allows"),
    "issued in the future": (_later, "a time that has not come yet"),
    "expires later": (_longer, "longer than this environment allows"),
    "expires in years": (_for_years, "longer than this environment allows"),
    "expired": (_over, "longer than this environment allows"),
}
TEXTS: dict[str, tuple[str, str]] = {
    "environment: production": ("environment: testnet", "does not hold"),
    "decision: yes": ("decision: no\nbecause: wait", "does not hold"),
    "person: sec-1": ("person: pm-1", "which the roster does not have for pm-1"),
    "does: data kept": ("does: data gone", "does not hold"),
    "signed before: eng-1": ("signed before: ceo-1, eng-1", "does not hold"),
    "warroom approval 1": ("warroom approval 2", "begins with `warroom approval 1`"),
    "issued: ": ("issued:  ", "times cannot be read"),
    "\nroles: ": ("\nnote: harmless\nroles: ", "not as Warroom writes it"),
    "security-lead\n": ("security-lead \n", "does not hold"),
}


@pytest.mark.parametrize("edit", EDITS)
async def test_an_edited_statement_that_the_right_key_signs(house: Gatehouse, edit: str) -> None:
    """Every line of it, signed by the very person who may say yes."""
    change, why = EDITS[edit]
    async with one_short(house):
        text = change(house.statement("sec-1")).text
        await house.foils(signed_text(text, house.signature(text, "sec-1")), why)


async def test_who_signed_before_is_a_courtesy_and_no_proof(house: Gatehouse) -> None:
    """The one line whose words are compared with nothing: it neither opens the gate nor closes it."""
    async with house.at_gate():
        await house.hand_in(house.signed("sec-1", before="eng-1, eng-2, ops-1, exec-1, pm-1"))
        await house.quiet()
        assert not house.opened
        await house.sign(*FIVE)
        await house.opens()


@pytest.mark.parametrize("words", TEXTS)
async def test_a_text_that_is_edited_after_it_was_signed(house: Gatehouse, words: str) -> None:
    other, why = TEXTS[words]
    async with one_short(house):
        document = house.signed("sec-1")
        assert words in document
        await house.foils(document.replace(words, other, 1), why)


async def test_a_yes_to_one_plan_is_none_to_the_next(house: Gatehouse) -> None:
    """Replayed into a plan that was frozen afterwards."""
    async with house.at_gate():
        old = house.signed("sec-1")
        await house.freeze(recover_within_s=600.0)
        await house.sign(*FIVE)
        await house.foils(old, "the plan has changed since it was signed")
        await house.sign("sec-1")
        await house.opens()


async def test_every_yes_is_gone_with_the_plan_that_it_was_said_to(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.sign(*FIVE)
        await house.freeze(recover_within_s=600.0)
        await house.sign("sec-1")
        await house.quiet()
        assert not house.opened
        assert [yes.person for yes in house.incident.approvals] == ["sec-1"]


async def test_the_same_plan_frozen_again_is_asked_about_again(house: Gatehouse) -> None:
    """Its hash is the same; but what was signed was read before it."""
    async with house.at_gate():
        old = house.signed("sec-1")
        before = house.incident.plan_hash
        house.incident.evidence.clear()
        assert await house.freeze() == before
        await house.sign(*FIVE)
        await house.foils(old, "it was made before the plan was frozen")
        await house.sign("sec-1")
        await house.opens()


async def test_a_statement_from_before_the_freeze(house: Gatehouse) -> None:
    """It names the plan, but an event at which there was none yet."""
    async with one_short(house):
        first = house.events()[0]
        head = house.said.hash_at(first.seq)
        assert head is not None
        await house.foils(
            house.signed("sec-1", journal=f"{first.seq} {head.hex()}"),
            "it was made before the plan was frozen",
        )


async def test_a_yes_from_before_a_demand_was_waived(house: Gatehouse) -> None:
    """It was said to a gate that demanded more: all are asked again, also who has not handed it in."""
    async with house.at_gate():
        await house.sign("eng-2")
        asked, old = house.statement("sec-1"), house.signed("sec-1")
        house.say(ev.ItemWaived("ticket", house.incident.plan_hash or "", "the tracker is down"))
        await house.sign(*FIVE)
        await house.foils(old, "its words are not those of the plan")
        at_that_event = house.signed("sec-1", journal=asked.journal)
        await house.foils(at_that_event, "it was made before the plan was frozen, or a demand waived")
        await house.sign("sec-1")
        await house.opens()


async def test_a_yes_to_one_incident_is_none_to_the_next(house: Gatehouse) -> None:
    async with house.at_gate():
        old = house.signed("sec-1")
        house.say(ev.IncidentResolved("false alarm", "", house.said.head))
        house.declare("INC-NEXT")
        await house.freeze()
        await house.sign(*FIVE)
        await house.foils(old, "it is about another incident")
        await house.sign("sec-1")
        await house.opens()


async def test_a_yes_that_was_taken_back_does_not_come_back(house: Gatehouse) -> None:
    """Whoever kept a copy of it hands it in again; it has not even expired."""
    async with house.at_gate():
        kept = house.signed("sec-1")
        await house.hand_in(kept)
        await house.ask(rq.Withdraw("I misread it"), "sec-1")
        await house.sign(*FIVE)
        await house.foils(kept, "sec-1 has said something else since it was made")
        await house.sign("sec-1")
        await house.opens()


async def test_a_yes_does_not_come_back_over_a_no(house: Gatehouse) -> None:
    async with house.at_gate():
        kept = house.signed("sec-1")
        await house.hand_in(kept)
        await house.hand_in(house.signed("sec-1", decision="no", because="the audit has not passed"))
        await house.sign(*FIVE)
        await house.foils(kept, "sec-1 has said something else since it was made")
        assert [no.person for no in house.incident.refusals] == ["sec-1"]
        await house.sign("sec-1")
        await house.opens()


async def test_a_no_of_one_stops_the_six(house: Gatehouse) -> None:
    """The team lead is asked as an engineer; it takes them to take it back, with a yes."""
    async with house.at_gate():
        answer = await house.hand_in(house.signed("lead-1", decision="no", because="users are asleep"))
        assert isinstance(answer, ev.GateSigned)
        await house.sign(*SIX)
        await house.quiet()
        assert not house.opened
        await house.sign("lead-1")
        await house.opens()


async def test_the_same_document_twice_counts_once(house: Gatehouse) -> None:
    async with house.at_gate():
        document = house.signed("eng-2")
        await house.hand_in(document)
        await house.sign(*without(SIX, "eng-1", "eng-2"))
        await house.foils(document, "eng-2 has said yes to this plan already")
        await house.sign("eng-1")
        await house.opens()


@pytest.mark.parametrize("namespace", ["git", "file", "warroom", "warroom-approval "])
async def test_a_signature_that_was_made_for_something_else(house: Gatehouse, namespace: str) -> None:
    async with one_short(house):
        text = house.statement("sec-1").text
        document = signed_text(text, house.signature(text, "sec-1", namespace))
        await house.foils(document, "the signature of sec-1 does not hold")


async def test_another_persons_signature_under_the_right_text(house: Gatehouse) -> None:
    async with one_short(house):
        await house.foils(house.signed("sec-1", key="eng-2"), "which the roster does not have for sec-1")


async def test_a_strangers_key(house: Gatehouse) -> None:
    async with one_short(house):
        await house.foils(house.signed("sec-1", key="stranger"), "which the roster does not have for sec-1")


async def test_a_signature_from_under_another_text(house: Gatehouse) -> None:
    """Both are hers, but not of each other."""
    async with one_short(house):
        _, signature = split(house.signed("sec-1", decision="no", because="wait"))
        document = signed_text(house.statement("sec-1").text, signature)
        await house.foils(document, "the signature of sec-1 does not hold")


SPOILED: dict[str, tuple[Callable[[str, str], tuple[str, str]], str]] = {
    "no signature": (lambda text, _: (text, ""), "marks of an SSH SIGNATURE"),
    "its end gone": (lambda text, signed: (text, signed[:-40]), "marks of an SSH SIGNATURE"),
    "a line gone": (
        lambda text, signed: (text, "".join((*signed.splitlines(keepends=True)[:2], signed[-30:]))),
        "signature",
    ),
    "a bit turned": (lambda text, signed: (text, _turned(signed)), "does not hold"),
    "oversized signature": (lambda text, signed: (text, signed + " " * 9000), "at most 8192 characters"),
    "oversized statement": (lambda text, signed: (text + "x" * MAX_BYTES, signed), "at most 8192 bytes"),
    "half a statement": (lambda text, signed: (text[:200], signed), "statement"),
    "no statement": (lambda _, signed: ("", signed), "begins with `warroom approval 1`"),
    "no text but its signature": (lambda _, signed: (signed, signed), "begins with `warroom approval 1`"),
    "beyond ASCII": (lambda text, signed: (text, signed.replace("U1NI", "Ü1NI")), "cannot be read"),
}


def _turned(signature: str) -> str:
    lines = signature.splitlines()
    at = len(lines) - 3
    lines[at] = lines[at][:10] + ("A" if lines[at][10] != "A" else "B") + lines[at][11:]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("how", SPOILED)
async def test_what_came_broken_or_too_large(house: Gatehouse, how: str) -> None:
    spoil, why = SPOILED[how]
    async with one_short(house):
        answer = await house.ask(rq.Approve(*spoil(*split(house.signed("sec-1")))))
        assert isinstance(answer, ev.RequestRefused)
        assert why in answer.reason
        assert "\n" not in answer.reason
        await house.stays_closed(why)


async def test_the_initiator_says_yes_where_the_code_alone_goes_back(house: Gatehouse) -> None:
    """As one of the two engineers, and no more."""
    async with house.at_gate():
        await house.sign(*without(SIX, "eng-2"))
        await house.quiet()
        assert not house.opened
        await house.sign("eng-2")
        await house.opens()


async def test_the_initiator_never_says_yes_to_data_that_goes_back(house: Gatehouse) -> None:
    async with house.at_gate(data=DATA):
        await house.sign(*without(SIX, "eng-1"))
        await house.foils(house.signed("eng-1"), "eng-1 asked for the rollback: here somebody else")
        await house.sign("lead-1")
        await house.opens()
