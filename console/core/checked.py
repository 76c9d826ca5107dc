"""What `warroom check` says of the targets of an environment: a remark about each thing that it looked at."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct


class Sign(StrEnum):
    """How a thing stands, from the best to the worst."""

    GOOD = "good"
    NOTE = "note"
    """Worth knowing; nothing is wrong, or it waits for something that is told elsewhere."""
    WARN = "warn"
    """It works, and less well than it should."""
    LACK = "lack"
    """Something that the strategy counts on is not there."""

    @property
    def height(self) -> int:
        """How bad it is; 0 is good."""
        return list(Sign).index(self)


class Remark(Struct, frozen=True):
    """One thing, how it stands, and what to do about it."""

    target: str
    """What it belongs to: `secrets`, `source metrics`, `database`."""
    sign: Sign
    words: str
    to_do: str = ""
    """Empty where there is nothing to do, or the words say it."""


def good(target: str, words: str) -> Remark:
    """A thing that is as it should be."""
    return Remark(target, Sign.GOOD, words)


def note(target: str, words: str, to_do: str = "") -> Remark:
    """A thing that is worth knowing."""
    return Remark(target, Sign.NOTE, words, to_do)


def warn(target: str, words: str, to_do: str = "") -> Remark:
    """A thing that works less well than it should."""
    return Remark(target, Sign.WARN, words, to_do)


def lack(target: str, words: str, to_do: str = "") -> Remark:
    """A thing that is not there, or does not work."""
    return Remark(target, Sign.LACK, words, to_do)


def count_of(remarks: Iterable[Remark], sign: Sign) -> int:
    """How many of them have that sign."""
    return sum(remark.sign is sign for remark in remarks)


def worst_first(remarks: Iterable[Remark]) -> list[Remark]:
    """In the order of their targets as they came, and of each target the worst first."""
    remarks = list(remarks)
    order = {target: place for place, target in enumerate(dict.fromkeys(each.target for each in remarks))}
    return sorted(remarks, key=lambda each: (order[each.target], -each.sign.height))


def to_begin_with(remarks: Iterable[Remark]) -> Remark | None:
    """What to do first: the first lack, for what comes after it may be its doing; else the first warning."""
    told = list(remarks)
    for sign in (Sign.LACK, Sign.WARN):
        for each in told:
            if each.sign is sign:
                return each
    return None
