"""The glass is broken by two, one of them security or operations; everybody else is asked afterwards."""

import pytest

from console.authority.ssh import NAMESPACE, REVIEW
from console.core import events as ev
from console.core import glass
from console.core import requests as rq
from console.core.plan import Glass, Need
from console.core.review import ReviewStatement, owed
from console.core.state import Verdict
from tests.integration.authority.gatehouse import NAME, PRODUCTION, Gatehouse
from tests.unit.core.kit import INCIDENT

DAY_S = 86_400.0
MATRIX = tuple(Need(rule.role, rule.count) for rule in PRODUCTION.authorisation.approvers)
GLASS = Glass(2, ("security-lead", "operations-lead"), MATRIX, DAY_S)
BROKEN = {"glass": GLASS, "needs": glass.needs(GLASS)}
EMPTY = ("engineer", "operations-lead", "executive", "product-manager")
"""The seats that are empty when an engineer and the security lead open it."""


def written(house: Gatehouse, person: str, verdict: Verdict = "agreed", incident: str = INCIDENT) -> str:
    """What that person is to sign."""
    asked = house.said.state.reviews[INCIDENT]
    return ReviewStatement(
        environment=NAME,
        incident=incident,
        plan=asked.plan_hash,
        opened_by=", ".join(asked.approvers),
        person=person,
        roles=", ".join(house.roster.roster.roles_of(person)),
        verdict=verdict,
        remark="I would have said the same",
        issued=house.clock.now().utc_us // 1_000_000 * 1_000_000,
    ).text


async def review(house: Gatehouse, person: str, text: str, namespace: str = REVIEW, key: str = "") -> object:
    """How what they hand in is answered."""
    signature = house.signature(text, key or person, namespace)
    return await house.ask(rq.SignReview(person, text, signature), person)


async def opened(house: Gatehouse) -> ev.GateOpened:
    await house.sign("eng-2", "sec-1")
    await house.opens()
    return next(event.body for event in house.events() if isinstance(event.body, ev.GateOpened))


async def test_an_engineer_and_the_security_lead_open_it_and_the_others_owe_a_review(
    house: Gatehouse,
) -> None:
    async with house.at_gate(**BROKEN):
        await house.sign("eng-2")
        await house.quiet()
        assert not house.opened, "nobody opens it alone"
        await house.sign("sec-1")
        await house.opens()
        body = next(event.body for event in house.events() if isinstance(event.body, ev.GateOpened))
        assert body.reviews == EMPTY
        assert body.review_by == house.said.state.reviews[INCIDENT].by
        assert abs(body.review_by - house.clock.now().utc_us - DAY_S * 1e6) < 60e6


async def test_two_engineers_do_not(house: Gatehouse) -> None:
    """Security or operations has to be among them."""
    async with house.at_gate(**BROKEN):
        await house.sign("eng-1", "eng-2", "exec-1", "pm-1")
        await house.quiet()
        assert not house.opened
        await house.sign("ops-1")
        await house.opens()


async def test_a_plan_that_does_not_say_so_needs_the_whole_matrix(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.sign("eng-2", "sec-1", "ops-1")
        await house.quiet()
        assert not house.opened


async def test_what_was_signed_for_the_matrix_does_not_break_the_glass(house: Gatehouse) -> None:
    """It is another plan, and it says so in what is signed."""
    async with house.at_gate():
        for_matrix = [house.signed(person) for person in ("eng-2", "sec-1")]
        await house.freeze(**BROKEN)
        for document in for_matrix:
            await house.foils(document, "the plan has changed since it was signed")
        assert "breaks the glass: 2 of 6 signatures" in house.statement("sec-1").text


async def test_the_others_say_what_they_think_with_their_keys(house: Gatehouse) -> None:
    """Until every empty seat has; also when the incident is over."""
    async with house.at_gate(**BROKEN):
        await opened(house)
        for person in ("ops-1", "exec-1", "pm-1", "eng-1"):
            answer = await review(house, person, written(house, person))
            assert isinstance(answer, ev.ReviewSigned), answer
        asked = house.said.state.reviews[INCIDENT]
        assert owed(asked) == ()
        assert [said.person for said in asked.said] == ["ops-1", "exec-1", "pm-1", "eng-1"]
        house.clock.pass_by(2 * DAY_S)
        await house.quiet()
        assert not house.said.state.reviews[INCIDENT].overdue


@pytest.mark.parametrize(
    ("person", "key", "namespace", "change", "why"),
    [
        ("ops-1", "ops-1", NAMESPACE, ("", ""), "does not hold"),
        ("ops-1", "pm-1", REVIEW, ("", ""), "which the roster does not have for ops-1"),
        ("ops-1", "ops-1", REVIEW, ("agreed", "adored"), "a verdict is agreed or objected"),
        ("ops-1", "ops-1", REVIEW, (INCIDENT, "INC-0000"), "nobody is asked to review INC-0000"),
        ("ops-1", "ops-1", REVIEW, ("person: ops-1", "person: pm-1"), "it is what pm-1 thinks"),
        ("sec-1", "sec-1", REVIEW, ("", ""), "sec-1 opened the gate"),
    ],
    ids=[
        "another namespace",
        "foreign key",
        "no verdict",
        "other incident",
        "of somebody else",
        "who opened it",
    ],
)
async def test_what_is_no_review_is_refused(
    house: Gatehouse, person: str, key: str, namespace: str, change: tuple[str, str], why: str
) -> None:
    async with house.at_gate(**BROKEN):
        await opened(house)
        text = written(house, person).replace(*change)
        answer = await review(house, person, text, namespace, key)
        assert isinstance(answer, ev.RequestRefused), answer
        assert why in answer.reason
        assert house.said.state.reviews[INCIDENT].said == ()


async def test_a_revoked_key_reviews_nothing(house: Gatehouse) -> None:
    async with house.at_gate(**BROKEN):
        await opened(house)
        house.revoke("ops-1")
        answer = await review(house, "ops-1", written(house, "ops-1"))
        assert isinstance(answer, ev.RequestRefused)


async def test_a_review_that_does_not_come_is_told_once(house: Gatehouse) -> None:
    async with house.at_gate(**BROKEN):
        await opened(house)
        await review(house, "ops-1", written(house, "ops-1", "objected"))
        house.clock.pass_by(DAY_S + 1)
        await house.quiet()
        await house.quiet()
        told = [event.body for event in house.events() if isinstance(event.body, ev.ReviewOverdue)]
        assert told == [ev.ReviewOverdue(INCIDENT, ("engineer", "executive", "product-manager"))]
