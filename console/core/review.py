"""Review of a gate that was opened by breaking the glass: what the others, asked afterwards, sign. Pure.

A short text, made from the journal and checked by making it again, as with a yes at the gate.
"""

from collections.abc import Iterator, Mapping
from typing import get_args

from msgspec import Struct

from console.core.moments import from_written, written
from console.core.seats import unfilled
from console.core.state import Review, Verdict
from console.core.statement import AHEAD_S, Field, StatementError, as_text, as_written, fields_of, reading

TITLE = "warroom review 1"


class ReviewStatement(Struct, frozen=True, kw_only=True):
    """What one person thinks of it."""

    environment: str
    incident: str
    plan: str
    """Its hash, 64 hex digits."""
    opened_by: str
    """Who opened the gate, with commas between them."""
    person: str
    roles: str
    """That the person holds, with commas between them."""
    verdict: Verdict
    remark: str
    issued: int
    """UTC microseconds, whole seconds."""

    @property
    def text(self) -> str:
        """As it is signed, with a line break at its end."""
        return as_text(TITLE, _fields(self))


def _fields(made: ReviewStatement) -> Iterator[Field]:
    yield "environment", made.environment
    yield "incident", made.incident
    yield "plan", made.plan
    yield "opened by", made.opened_by
    yield "person", made.person
    yield "roles", made.roles
    yield "verdict", made.verdict
    yield "remark", made.remark
    yield "issued", written(made.issued)


def parse(text: str) -> ReviewStatement:
    """The statement in a text; StatementError with what is wrong."""
    by_name = dict(fields_of(text, TITLE))
    with reading():
        verdict = next((one for one in get_args(Verdict) if one == by_name["verdict"]), None)
        if verdict is None:
            raise StatementError(f"a verdict is {' or '.join(get_args(Verdict))}")
        found = ReviewStatement(
            **{name: by_name[name] for name in ("environment", "incident", "plan", "person", "roles")},
            opened_by=by_name["opened by"],
            verdict=verdict,
            remark=by_name["remark"],
            issued=from_written(by_name["issued"]),
        )
    as_written(text, found.text)
    return found


def owed(review: Review) -> tuple[str, ...]:
    """The roles that have not said yet what they think, each as often as somebody of it is missing."""
    return unfilled(review.roles, {said.person: said.roles for said in review.said})


def overdue(reviews: Mapping[str, Review], now: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Incidents whose time to be reviewed is over at `now` (UTC us), each with the roles that are missing."""
    for incident, review in reviews.items():
        if now >= review.by and not review.overdue and (short := owed(review)):
            yield incident, short


def unlike(statement: ReviewStatement, review: Review, roles: tuple[str, ...], now: int) -> str:
    """Why a statement is not one that is asked for (`now` in UTC microseconds); empty when it is.

    `roles` are those that the roster has for its person.
    """
    if statement.plan != review.plan_hash or statement.opened_by != ", ".join(review.approvers):
        return "it is about another opening of the gate than the journal has"
    if statement.roles != ", ".join(roles):
        return f"the roles of {statement.person} are not those of the roster"
    if statement.person in review.approvers:
        return f"{statement.person} opened the gate: others review that"
    if not set(roles) & set(owed(review)):
        return f"no review of {' or '.join(roles) or 'nobody'} is missing"
    if not statement.remark.strip():
        return "a review says in a few words what was thought of it"
    if statement.issued > now + AHEAD_S * 1e6:
        return "it was issued at a time that has not come yet: a clock is wrong"
    return ""
