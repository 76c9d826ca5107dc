"""Reviews: what the others think of a gate that was opened by breaking the glass, signed with their keys."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from msgspec import Struct

from console.authority.ssh import REVIEW
from console.config.roster import load_roster
from console.core.format import plain
from console.core.moments import written
from console.core.requests import SignReview
from console.core.review import TITLE, ReviewStatement, owed, parse
from console.core.state import Review
from console.core.statement import signed_text, split
from console.store.clock import SystemClock
from console.subcommands.act import do
from console.subcommands.room import RefusedError, UnauthorisedError, enter
from console.subcommands.signing import File, plain_lines, read, signed_by
from console.subcommands.tell import document
from console.subcommands.where import Place, Where, find

HERE = Where()
review = App(name="review", help="Gates opened by breaking the glass, and what the others say of it.")


class Told(Struct, frozen=True):
    """One of them, as `--json` prints it."""

    incident: str
    plan: str
    opened_by: tuple[str, ...]
    by: str
    missing: tuple[str, ...]
    overdue: bool
    said: tuple[str, ...]


@review.default
def list_(*, json: bool = False, where: Where = HERE) -> None:
    """All of them: who opened the gate, who has reviewed that, and who has yet to."""
    reviews = enter(find(where)).snapshot().state.reviews
    told = [_told(incident, one) for incident, one in reviews.items()]
    if json:
        print(document(told))
        return
    for one in told:
        short = f"{', '.join(one.missing)} review it until {one.by}" if one.missing else "reviewed"
        print(f"{one.incident}: opened by {', '.join(one.opened_by)}; {short}{', OVERDUE' * one.overdue}")
        print(plain_lines("\n".join(f"  {words}" for words in one.said)), end="\n" if one.said else "")
    if not told:
        print("nobody has broken the glass")


@review.command
def sign(
    incident: str,
    *,
    agreed: Annotated[str | None, Parameter(help="It was right, and why.")] = None,
    objected: Annotated[str | None, Parameter(help="It was wrong, and why.")] = None,
    key: Path | None = None,
    approve: Annotated[bool, Parameter(negative="", help="Hand it in at once, where the engine is.")] = False,
    where: Where = HERE,
) -> None:
    """Sign what you think of it, and print what is to be handed in.

    Parameters
    ----------
    incident
        As `warroom review` lists it.
    key
        The private key, or a public one that your agent holds; your first one of the roster, in the agent,
        if none is named.
    """
    place = find(where)
    said = _statement(place, incident, agreed, objected)
    print(plain_lines(said.text), file=sys.stderr)
    signature = asyncio.run(signed_by(said.person, said.text, key, place, REVIEW))
    if approve:
        do(place, SignReview(said.person, said.text, signature))
    else:
        print(signed_text(said.text, signature), end="")


@review.command(name="approve")
def approve_(document: File = "-", *, where: Where = HERE) -> None:
    """Hand in what somebody has signed.

    Parameters
    ----------
    document
        The file with text and signature; `-` for standard input, where it can be pasted.
    """
    text, signature = split(read(document), TITLE)
    do(find(where), SignReview(parse(text).person, text, signature))


def _statement(place: Place, incident: str, agreed: str | None, objected: str | None) -> ReviewStatement:
    if (agreed is None) is (objected is None):
        raise RefusedError('say what you think: --agreed "..." or --objected "..."')
    known = enter(place).snapshot().state.reviews
    if incident not in known:
        raise RefusedError(f"nobody is asked to review {incident}; there are {', '.join(known) or 'none'}")
    roster = load_roster(place.roster).roster
    if place.actor not in roster.handles():
        raise UnauthorisedError(f"{place.actor} is not in the roster: act as one who is, with --as HANDLE")
    return ReviewStatement(
        environment=place.name,
        incident=incident,
        plan=known[incident].plan_hash,
        opened_by=", ".join(known[incident].approvers),
        person=place.actor,
        roles=", ".join(roster.roles_of(place.actor)),
        verdict="agreed" if agreed is not None else "objected",
        remark=plain(agreed if agreed is not None else objected or ""),
        issued=SystemClock().now().utc_us // 1_000_000 * 1_000_000,
    )


def _told(incident: str, one: Review) -> Told:
    return Told(
        incident=incident,
        plan=one.plan_hash,
        opened_by=one.approvers,
        by=written(one.by),
        missing=owed(one),
        overdue=one.overdue,
        said=tuple(f"{each.person} {each.verdict}: {each.remark}" for each in one.said),
    )
