"""Standing authorisations: made, signed wherever the key is, handed in, looked at, verified, taken back."""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from console.authority.office import Office
from console.authority.ssh import STANDING, SignatureError
from console.config.roster import LoadedRoster, load_roster
from console.config.secrets import child_environment
from console.core.errors import StatedError
from console.core.exits import Exit
from console.core.fields import seconds_of
from console.core.format import plain
from console.core.keys import key_of
from console.core.requests import RevokeStanding, SignStanding
from console.core.standing_authorisation import (
    TITLE,
    StandingAuthorisation,
    lacking,
    parse,
)
from console.core.standing_authorisation import make as make_text
from console.core.state import Standing, State
from console.core.statement import StatementError, signed_text, split
from console.engine.desk import Desk
from console.engine.standing_orders import verify as verify_row
from console.store.clock import SystemClock
from console.subcommands.act import do
from console.subcommands.room import RefusedError, UnauthorisedError, enter
from console.subcommands.signing import File, plain_lines, read, signed_by
from console.subcommands.standing_list import listing, listing_lines, terms_of
from console.subcommands.tell import document
from console.subcommands.where import Place, Where, find
from console.targets.process import Programs

HERE = Where()
standing = App(name="standing", help="Standing authorisations: automatic rollback, signed for beforehand.")


@standing.default
def list_(*, json: bool = False, where: Where = HERE) -> None:
    """All of them: which is in force until when, who has signed, and why one does not count."""
    place = find(where)
    told = listing(place, enter(place).snapshot())
    print(document(told) if json else "\n".join(listing_lines(told)))


@standing.command
def make(
    *,
    for_: Annotated[str | None, Parameter(name="--for")] = None,
    trigger: tuple[str, ...] = (),
    where: Where = HERE,
) -> None:
    """Print the text that is to be signed, the same by everybody; nothing is asked of anybody yet.

    Parameters
    ----------
    for_
        How long it counts, `7d` or `12h`; as long as the strategy lets it, if nothing is said.
    trigger
        A metric with an automatic rung; may be given more than once. All of them, if none is named.
    """
    place = find(where)
    now = enter(place).snapshot().at
    print(make_text(terms_of(place), now, _seconds(for_), trigger).text, end="")


@standing.command
def sign(
    statement: File | None = None,
    *,
    key: Path | None = None,
    yes: Annotated[bool, Parameter(negative="", help="Do not ask before it is signed.")] = False,
    approve: Annotated[bool, Parameter(negative="", help="Hand it in at once, where the engine is.")] = False,
    where: Where = HERE,
) -> None:
    """Show what is authorised, sign it, and print what is to be handed in.

    Parameters
    ----------
    statement
        A file with the text, `-` for standard input: then nothing of the war room is needed here. Without it,
        the one that others have signed and that still waits.
    key
        The private key, or a public one that your agent holds; your first one of the roster, in the agent,
        if none is named.
    """
    place = None if statement is not None else find(where)
    said = _waiting(place) if place else parse(read(statement or "-"))
    print(plain_lines(said.text), file=sys.stderr)
    if not yes and not _agreed(said):
        raise UnauthorisedError("nothing was signed")
    signature = asyncio.run(signed_by(place.actor if place else "", said.text, key, place, STANDING))
    signed = signed_text(said.text, signature)
    if approve:
        _hand_in(place or find(where), signed)
    else:
        print(signed, end="")


@standing.command(name="approve")
def approve_(document: File = "-", *, where: Where = HERE) -> None:
    """Hand in what somebody has signed: it is theirs by its key.

    Parameters
    ----------
    document
        The file with text and signature; `-` for standard input, where it can be pasted.
    """
    if document == "-" and sys.stdin.isatty():
        print("paste what was signed, then Ctrl-D on a line of its own", file=sys.stderr)
    _hand_in(find(where), read(document))


@standing.command
def revoke(id_: str, *, reason: str, where: Where = HERE) -> None:
    """Take one back for good: whoever has signed it, or holds a role that is asked to.

    Parameters
    ----------
    id_
        As `warroom standing` lists it.
    """
    do(find(where), RevokeStanding(id_, reason))


@standing.command
def verify(id_: str, *, where: Where = HERE) -> int:
    """Verify every signature again, here, from the journal and the roster; 3 when one does not hold.

    Parameters
    ----------
    id_
        As `warroom standing` lists it.
    """
    place = find(where)
    state = enter(place).snapshot().state
    known = _known(state, id_)
    whys = asyncio.run(_verified(place, state, id_))
    for person, why in whys.items():
        print(plain(f"{person:8} {why or 'good'}"))
    if not any(whys.values()) and (short := lacking(known, place.environment)):
        print(f"all of them hold, and it is {short}", file=sys.stderr)
    return Exit.UNAUTHORISED if any(whys.values()) else Exit.DONE


async def _verified(place: Place, state: State, id_: str) -> dict[str, str]:
    """Why each signature does not hold, by person; empty where it does."""
    roster, terms = load_roster(place.roster), terms_of(place)
    desk = Desk(
        place.name,
        place.environment,
        roster.roster,
        lambda: state,
        roster_sha256=terms.roster,
        strategy_sha256=terms.strategy,
    )
    programs = Programs(child_environment(os.environ), tag=place.state)
    office = Office(programs, roster.roster, roster.sha256, roster.path.parent)
    whys = dict[str, str]()
    for yes in state.standing[id_].signed:
        whys[yes.person] = ""
        try:
            await verify_row(desk, office, id_, yes, SystemClock().now().utc_us)
        except StatedError as error:
            whys[yes.person] = str(error)
    return whys


def _known(state: State, id_: str) -> Standing:
    if id_ not in state.standing:
        there_are = ", ".join(state.standing) or "none"
        raise RefusedError(f"no standing authorisation {id_}; there are {there_are}")
    return state.standing[id_]


def _waiting(place: Place) -> StandingAuthorisation:
    """The one that some have signed, and others have yet to; RefusedError when it cannot be told which."""
    told = listing(place, enter(place).snapshot()).authorisations
    waiting = [item.id for item in told if item.state == "short"]
    if len(waiting) != 1:
        which = f"{', '.join(waiting)} wait" if waiting else "none waits"
        raise RefusedError(f"{which} for signatures: name the file with the text (`warroom standing make`)")
    return parse(enter(place).snapshot().state.standing[waiting[0]].text)


def _agreed(said: StandingAuthorisation) -> bool:
    if not sys.stdin.isatty():
        raise UnauthorisedError("nobody is there to be asked: sign at a terminal, or with --yes")
    asked = f"Sign that {said.environment} may roll back without being asked? Type {said.environment}: "
    print(asked, end="", file=sys.stderr)
    return input().strip() == said.environment


def _hand_in(place: Place, signed: str) -> None:
    text, signature = split(signed, TITLE)
    parse(text)
    roster = load_roster(place.roster)
    person = _signer(signature, roster)
    if place.actor not in roster.roster.handles():  # whoever hands it in, it is the signer's word
        place = replace(place, actor=person)
    do(place, SignStanding(person, text, signature))


def _signer(signature: str, roster: LoadedRoster) -> str:
    """Whose key it was made with; the engine verifies that it was."""
    try:
        key = key_of(signature)
    except ValueError as error:
        raise SignatureError(f"the signature cannot be read: {error}") from error
    owners = (person.handle for person in roster.roster.people if key in person.public_keys)
    if (owner := next(owners, None)) is None:
        raise SignatureError(f"signed with key {key.fingerprint}, which nobody in the roster has")
    return owner


def _seconds(words: str | None) -> float | None:
    if words is None:
        return None
    try:
        return seconds_of(words)
    except ValueError:
        raise StatementError(f"{words!r} is no length of time: write 7d or 12h") from None
