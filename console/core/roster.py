"""The roster: the people who may act and approve, under which handle and in which roles."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from console.core.fields import Expected, Model, Name, Text
from console.core.keys import PublicKey, public_key
from console.core.naming import nearest, quoted
from console.core.parts import Finding, Part


class Person(Model):
    """One person."""

    handle: Name
    """What the journal calls them."""
    roles: list[Name]
    deputy_for: list[Name] = Field(default_factory=list)
    """Roles that this person takes when nobody who holds one answers."""
    contact: Text | None = None
    """How to page them."""
    keys: list[Text] = Field(default_factory=list)
    """SSH public keys that they sign with, as `ssh-keygen -y` prints them."""

    @property
    def public_keys(self) -> tuple[PublicKey, ...]:
        """Those keys, read."""
        return tuple(map(public_key, self.keys))


class Roster(Model):
    """The whole file."""

    schema_: Annotated[Literal["warroom.roster/1"], Field(alias="schema")]
    people: Annotated[list[Person], Field(min_length=1), Expected("a list of at least one person")]
    revoked: Text | None = None
    """File of keys that do not count any more, relative to this one; without it no signature counts."""

    def person(self, handle: str) -> Person | None:
        """The person of that handle; None when there is none."""
        return next((person for person in self.people if person.handle == handle), None)

    def handles(self) -> list[str]:
        """Everybody's handle."""
        return [person.handle for person in self.people]

    def roles_of(self, handle: str) -> tuple[str, ...]:
        """The roles that a handle holds, those of a deputy included; none for a stranger."""
        person = self.person(handle)
        return tuple(dict.fromkeys((*person.roles, *person.deputy_for))) if person else ()


def check_roster(document: object) -> Iterator[Finding]:
    """What is wrong with a roster beyond its shape: a handle or key of two people, no key."""
    seen: set[str] = set()
    owners: dict[str, str] = {}
    for person in Part(document)["people"].each():
        handle = person["handle"]
        if handle.text in seen:
            yield handle.wrong(
                f"{quoted(handle.text or '')} is the handle of an earlier person: handles are unique"
            )
        seen |= {handle.text} if handle.text else set()
        yield from _check_keys(person, handle.text or "", owners)


def _check_keys(person: Part, handle: str, owners: dict[str, str]) -> Iterator[Finding]:
    for part in person["keys"].each():
        try:
            key = public_key(part.text or "")
        except ValueError as error:
            yield part.wrong(str(error))
            continue
        owner = owners.setdefault(key.fingerprint, handle)
        if owner != handle:
            yield part.wrong(f"this key is {owner}'s too: everybody signs with a key of their own")


def unmet_roles(strategy: object, roster: object) -> Iterator[Finding]:
    """Approvals in the strategy that the people of the roster cannot give; paths are the strategy's."""
    holders: dict[str, int] = {}
    for person in Part(roster)["people"].each():
        held = {part.text for key in ("roles", "deputy_for") for part in person[key].each()}
        for role in held:
            if role is not None:
                holders[role] = holders.get(role, 0) + 1
    for environment in Part(strategy)["environments"].values():
        for approver in environment["authorisation"]["approvers"].each():
            wanted, count = approver["role"], approver["count"].value
            if wanted.text and isinstance(count, int) and holders and holders.get(wanted.text, 0) < count:
                yield wanted.wrong(_too_few(wanted.text, count, holders))


def _too_few(role: str, count: int, holders: dict[str, int]) -> str:
    near = nearest(role, holders)
    if role not in holders and near:
        return f"nobody in the roster has the role {quoted(role)}: is {quoted(near)} meant to be the same?"
    found = holders.get(role, 0)
    return f"{count} of role {quoted(role)} must approve, the roster has {found or 'none'}: add them to it"
