"""The roster: the people who may act and approve, under which handle, in which roles, until when."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from console.core.fields import Day, Expected, Model, Name, Text
from console.core.keys import PublicKey, public_key

_DAY_US = 86_400_000_000
FOREVER = 2**62
"""Later than anything, in UTC microseconds."""


class Dated(Model):
    """Something that counts from one day to another, both among them, in UTC."""

    valid_from: Day | None = None
    valid_until: Day | None = None

    @property
    def begins(self) -> int:
        """When it begins to count, UTC microseconds."""
        return _midnight(self.valid_from) if self.valid_from else 0

    @property
    def ends(self) -> int:
        """When it does not count any more, UTC microseconds."""
        return _midnight(self.valid_until) + _DAY_US if self.valid_until else FOREVER

    def not_valid(self, at: int) -> str:
        """Why it does not count at that moment (UTC microseconds), in a few words; empty if it does."""
        if at < self.begins:
            return f"counts only from {self.valid_from} on"
        return f"counted only until {self.valid_until}" if at >= self.ends else ""


def _midnight(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000


class HeldKey(Dated):
    """A key that somebody signs with."""

    key: Text
    """An SSH public key, as `ssh-keygen -y` prints it."""


def _with_dates(value: object) -> object:
    """A key that is written by itself is one without dates."""
    return {"key": value} if isinstance(value, str) else value


class Person(Dated):
    """One person."""

    handle: Name
    """What the journal calls them."""
    roles: list[Name]
    deputy_for: list[Name] = Field(default_factory=list)
    """Roles in which this person may say yes at any time, and is asked when nobody who holds one answers."""
    contact: Text | None = None
    """How to page them; without it they are asked on the screen alone."""
    keys: list[
        Annotated[
            HeldKey,
            BeforeValidator(_with_dates, json_schema_input_type=str | HeldKey),
            Expected("a public key, or a mapping with `key`, `valid_from`, `valid_until`"),
        ]
    ] = Field(default_factory=list)
    """What they sign with."""

    @property
    def public_keys(self) -> tuple[PublicKey, ...]:
        """Those keys, read; also those that do not count today."""
        return tuple(public_key(held.key) for held in self.keys)

    def held(self, key: PublicKey) -> HeldKey:
        """That key with its dates; KeyError when it is not theirs."""
        for held in self.keys:
            if public_key(held.key) == key:
                return held
        raise KeyError(key.fingerprint)


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
