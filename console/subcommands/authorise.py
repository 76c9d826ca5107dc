"""Authorisation: the text that is asked for, signing it wherever the key is, and handing it in."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from console.config.roster import load_roster
from console.core.asking import asked, refusing
from console.core.errors import StatedError
from console.core.format import plain
from console.core.policy import refused, said_yes
from console.core.protocols import Head
from console.core.requests import Approve, Seen, Waive, Withdraw
from console.core.roster import Roster
from console.core.statement import Statement, parse, signed_text, split
from console.subcommands.act import do
from console.subcommands.room import RefusedError, UnauthorisedError, enter
from console.subcommands.signing import File, plain_lines, read, signed_by
from console.subcommands.where import Place, Where, find

HERE = Where()
No = Annotated[str | None, Parameter(name="--no", help="Say no, and why: it stops the gate.")]


def request(person: str | None = None, *, no: No = None, where: Where = HERE) -> None:
    """Print what somebody is asked to sign: a short text about the plan of now.

    Parameters
    ----------
    person
        Handle of whoever is to sign it; you, if nobody is named.
    """
    place = find(where)
    said = _statement(place, person or place.actor, no)
    print(said.text, end="")
    _tell_of_look(place, said)


def sign(
    statement: File | None = None,
    *,
    key: Path | None = None,
    no: No = None,
    yes: Annotated[bool, Parameter(negative="", help="Do not ask before it is signed.")] = False,
    approve: Annotated[bool, Parameter(negative="", help="Hand it in at once, where the engine is.")] = False,
    where: Where = HERE,
) -> None:
    """Show what the plan does, sign it, and print what is to be handed in.

    Parameters
    ----------
    statement
        A file with the text that was sent, `-` for standard input: then nothing of the war room is needed
        here. Without it, the text is made from the journal, as yours.
    key
        The private key, or a public one that your agent holds; your first one of the roster, in the agent,
        if none is named.
    """
    place, said = _to_sign(statement, no, where)
    _show(said, place)
    if place is not None:
        _tell_of_look(place, said)
    if not yes and not _agreed(said):
        raise UnauthorisedError("nothing was signed")
    document = signed_text(said.text, asyncio.run(signed_by(said.person, said.text, key, place)))
    if approve:
        do(place or find(where), Approve(*split(document)))
    else:
        print(document, end="")


def approve(document: File = "-", *, where: Where = HERE) -> None:
    """Hand in what somebody has signed: their yes counts, or their no stops the gate.

    Parameters
    ----------
    document
        The file with text and signature; `-` for standard input, where it can be pasted.
    """
    place = find(where)
    if document == "-" and sys.stdin.isatty():
        print("paste what was signed, then Ctrl-D on a line of its own", file=sys.stderr)
    text, signature = split(read(document))
    if place.actor not in _roster(place).handles():  # whoever hands it in, it is the signer's word
        place = replace(place, actor=parse(text).person)
    do(place, Approve(text, signature))


def revoke(reason: str, *, where: Where = HERE) -> None:
    """Take back your own yes to the plan."""
    do(find(where), Withdraw(reason))


def waive(item: str, *, reason: str, where: Where = HERE) -> None:
    """Let a prerequisite of the plan go, where the strategy lets you; whoever said yes is asked again.

    Parameters
    ----------
    item
        The prerequisite's id, as `warroom plan` lists it.
    """
    do(find(where), Waive(item, reason))


def _to_sign(statement: str | None, no: str | None, where: Where) -> tuple[Place | None, Statement]:
    """The text that was sent, which needs no war room; or the one that is asked of whoever is here."""
    if statement is not None:
        sent = parse(read(statement))
        return None, sent if no is None else refusing(sent, _reason(no))
    place = find(where)
    return place, _statement(place, place.actor, no)


def _statement(place: Place, person: str, no: str | None) -> Statement:
    """What that person is asked to sign now, or would sign to refuse."""
    snapshot = enter(place).snapshot()
    incident = snapshot.state.open_incident
    if incident is None or incident.plan is None:
        raise RefusedError(f"there is no plan in {place.name} to say yes or no to")
    if incident.plan.proof == "claim":
        raise RefusedError(f"{place.name} asks for a typed name, not for signatures: `warroom go`")
    roster = _roster(place)
    if person not in roster.handles():
        raise UnauthorisedError(f"{person} is not in the roster; there are {', '.join(roster.handles())}")
    made = asked(
        incident,
        incident.plan,
        person,
        roster.roles_of(person),
        head=Head(snapshot.state.seq, bytes.fromhex(snapshot.head)),
        now=snapshot.at,
        within_s=place.environment.authorisation.within,
    )
    return made if no is None else refusing(made, _reason(no))


def _tell_of_look(place: Place, said: Statement) -> None:
    """Leave word that whoever was asked has the text before them, once; nobody waits for an answer to that.

    Where no engine runs, it lies in the inbox until one does; where it cannot be left, that is told.
    """
    room = enter(place)
    incident = room.snapshot().state.open_incident
    asked_ = incident.asked.get(place.actor) if incident else None
    if said.person != place.actor or asked_ is None or asked_.seen is not None:
        return  # fetched for somebody else, who has not looked yet; or there is nobody to tell, or no news
    try:
        room.submit(Seen(said.plan))
    except (StatedError, OSError) as error:
        print(plain(f"nobody is told that you have looked: {error}"), file=sys.stderr)


def _reason(no: str) -> str:
    if not no.strip():
        raise RefusedError('a no says why: --no "the audit has not passed"')
    return no.strip()


def _roster(place: Place) -> Roster:
    return load_roster(place.roster).roster


def _show(said: Statement, place: Place | None) -> None:
    """What is signed, and who has said what by now, to whoever is about to sign it."""
    print(plain_lines(said.text), file=sys.stderr)
    incident = enter(place).snapshot().state.open_incident if place else None
    if incident is not None and place is not None:
        now = enter(place).snapshot().at
        yes = ", ".join(one.person for one in said_yes(incident, now)) or "nobody"
        no = "; ".join(f"{one.person} said no, {one.because}" for one in refused(incident))
        print(plain(f"said yes by now: {yes}" + (f"; {no}" if no else "")), file=sys.stderr)


def _agreed(said: Statement) -> bool:
    if not sys.stdin.isatty():
        raise UnauthorisedError("nobody is there to be asked: sign at a terminal, or with --yes")
    print(f"Sign this {said.decision} as {said.person}? Type {said.decision}: ", end="", file=sys.stderr)
    return input().strip() == said.decision
