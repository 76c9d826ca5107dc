"""What must be true of a roster: of its people and keys, and of a strategy whose gates they have to open."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from console.core.keys import public_key
from console.core.naming import listed, nearest, quoted
from console.core.parts import Finding, Part
from console.core.seats import unfilled
from console.core.staff import INCIDENT_ROLES

ENGINE = "engine"
"""What the journal calls the engine: nobody else can be called so."""


def check_roster(document: object) -> Iterator[Finding]:
    """What is wrong with a roster beyond its shape: handles, keys and dates."""
    seen: set[str] = set()
    owners: dict[str, str] = {}
    for person in Part(document)["people"].each():
        handle = person["handle"]
        if handle.text in seen:
            yield handle.wrong(
                f"{quoted(handle.text or '')} is the handle of an earlier person: handles are unique"
            )
        if handle.text == ENGINE:
            yield handle.wrong(f"{quoted(ENGINE)} is what the journal calls the engine: name them otherwise")
        if handle.text in INCIDENT_ROLES:
            yield handle.wrong(f"{quoted(handle.text or '')} is a role of an incident: name them otherwise")
        seen |= {handle.text} if handle.text else set()
        yield from _check_dates(person)
        yield from _check_keys(person, handle.text or "", owners)


def _check_dates(part: Part) -> Iterator[Finding]:
    first, last = part["valid_from"], part["valid_until"]
    if first.text and last.text and last.text < first.text:
        yield last.wrong(f"it ends before it begins, on {quoted(first.text)}")


def _check_keys(person: Part, handle: str, owners: dict[str, str]) -> Iterator[Finding]:
    for held in person["keys"].each():
        part = held["key"] if isinstance(held.value, Mapping) else held
        yield from _check_dates(held)
        if part.text is None:
            continue  # that is said of its shape
        try:
            key = public_key(part.text)
        except ValueError as error:
            yield part.wrong(str(error))
            continue
        owner = owners.setdefault(key.fingerprint, handle)
        if owner != handle:
            yield part.wrong(f"this key is {owner}'s too: everybody signs with a key of their own")


# -- roster and strategy ----------------------------------------------------------------------------


class _Member(NamedTuple):
    roles: frozenset[str]
    signs: bool
    """Whether they have a key that counts."""


People = Mapping[str, Sequence[str]]
"""Roles by handle."""


def unmet(strategy: object, roster: object, today: str | None = None) -> Iterator[Finding]:
    """What a strategy's gates ask for and the people of the roster cannot give; paths are the strategy's.

    `today` (`2026-11-23`): whoever does not count on that day is left out; None leaves out nobody.
    """
    known = _members(Part(roster), None)
    if not known:
        return  # that is said of its shape
    keyed = any(member.signs for member in known.values())
    members = _members(Part(roster), today)
    everybody = {handle: tuple(member.roles) for handle, member in members.items()}
    signers = {handle: roles for handle, roles in everybody.items() if members[handle].signs}
    for environment in Part(strategy)["environments"].values():
        signed = environment["authorisation"]["proof"].text == "signature" and keyed
        yield from _matrix(environment, everybody, signers if signed else everybody)
        yield from _prerequisites(environment, everybody, signers if signed else everybody)
        yield from _escalation(environment, _holders(Part(roster), today))


def _holders(roster: Part, today: str | None) -> set[str]:
    """The roles that somebody holds, and not only stands in for."""
    people = (person for person in roster["people"].each() if _counts(person, today))
    return {role.text for person in people for role in person["roles"].each() if role.text}


def _escalation(environment: Part, held: set[str]) -> Iterator[Finding]:
    """Every level of the path is somebody: a deputy of theirs is not told."""
    for part in environment["authorisation"]["escalation"]["roles"].each():
        if part.text and part.text not in held:
            near = nearest(part.text, held)
            meant = f": is {quoted(near)} meant?" if near else ""
            yield part.wrong(
                f"nobody in the roster holds the role {quoted(part.text)}, so nobody is told{meant}"
            )


def _members(roster: Part, today: str | None) -> dict[str, _Member]:
    found: dict[str, _Member] = {}
    for person in roster["people"].each():
        if person["handle"].text and _counts(person, today):
            roles = [part.text for key in ("roles", "deputy_for") for part in person[key].each() if part.text]
            signs = any(_counts(key, today) for key in person["keys"].each())
            found[person["handle"].text] = _Member(frozenset(roles), signs)
    return found


def _counts(part: Part, today: str | None) -> bool:
    """Whether it counts on that day; a date that is none is complained about elsewhere."""
    first, last = part["valid_from"].text, part["valid_until"].text
    return today is None or ((first or today) <= today <= (last or today))


def _matrix(environment: Part, everybody: People, may: People) -> Iterator[Finding]:
    """Whether distinct people fill every seat; `may` are those whose yes would count."""
    seats: list[str] = []
    at: dict[str, Part] = {}
    for rule in environment["authorisation"]["approvers"].each():
        part, count = rule["role"], rule["count"].value
        if part.text and type(count) is int:
            at.setdefault(part.text, part)
            seats += [part.text] * min(count, _MOST)
    if lacking := unfilled(seats, everybody):
        for role in dict.fromkeys(lacking):
            yield at[role].wrong(_lacks(role, seats.count(role), everybody))
    elif without_key := unfilled(seats, may):
        for role in dict.fromkeys(without_key):
            yield at[role].wrong(
                f"too few of role {quoted(role)} have a key, and only signatures count here: add their `keys`"
            )
    else:
        yield from _initiator(environment, seats, everybody, may)


_MOST = 100
"""Seats of one role that are looked at: nobody has a roster of more."""


def _lacks(role: str, count: int, everybody: People) -> str:
    holders = [handle for handle, roles in everybody.items() if role in roles]
    if len(holders) >= count:
        return (
            f"nobody is left for {quoted(role)}: {listed(holders)} must say yes in another role, "
            "and everybody counts once"
        )
    near = nearest(role, {held for roles in everybody.values() for held in roles})
    if not holders and near:
        return f"nobody in the roster has the role {quoted(role)}: is {quoted(near)} meant to be the same?"
    found = len(holders) or "none"
    return f"{count} of role {quoted(role)} must approve, the roster has {found}: add them to it"


def _initiator(environment: Part, seats: Sequence[str], everybody: People, may: People) -> Iterator[Finding]:
    """Whoever asks for the rollback may have to be one person more."""
    rule = environment["authorisation"]["initiator_may_approve"]
    data_goes_back = isinstance(environment["recovery"].value, Mapping)
    if not (rule.text == "never" or (rule.text == "code only" and data_goes_back)):
        return
    for asks in everybody:
        if not unfilled(seats, {handle: roles for handle, roles in may.items() if handle != asks}):
            return
    what = "a rollback" if rule.text == "never" else "a rollback of data"
    yield rule.wrong(
        f"whoever asks for {what} may not say yes to it, and everybody is needed: add one person more"
    )


def _prerequisites(environment: Part, everybody: People, may: People) -> Iterator[Finding]:
    """Somebody holds the roles that prerequisites name; those of the matrix have been looked for already."""
    asked = {rule["role"].text for rule in environment["authorisation"]["approvers"].each()}
    for rule in environment["prerequisites"].each():
        proof = rule["proof"]
        yes = [(proof["role"], may)] if proof["role"].text else []
        hands = [(part, everybody) for part in (*proof["roles"].each(), *rule["waived_by"].each())]
        for part, people in (*yes, *hands):
            known = part.text in asked or any(part.text in roles for roles in people.values())
            if part.text and not known:
                why = "" if people is everybody else " and a key"
                yield part.wrong(f"nobody in the roster has the role {quoted(part.text)}{why}")
