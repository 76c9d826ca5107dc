"""What a model wants at each place of a document, read off its annotations, in the words of the file."""

from dataclasses import dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from console.core.fields import Expected
from console.core.naming import listed
from console.core.parts import Path

_PLAIN = {
    bool: "`true` or `false`",
    dict: "a mapping",
    float: "a number",
    int: "a whole number",
    list: "a list",
    str: "text",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A type without its wrappings, and what it is called, where it has a name for people."""

    kind: Any
    expected: Expected | None = None

    def fields(self) -> list[str]:
        """The keys that a mapping of this type may have."""
        return [field.alias or name for name, field in self.kind.model_fields.items()]

    def choices(self) -> list[str]:
        """The words among which there is to choose; none where the type is no such choice."""
        if get_origin(self.kind) is Literal:
            return [str(choice) for choice in get_args(self.kind)]
        if isinstance(self.kind, type) and issubclass(self.kind, Enum):
            return [str(member.value) for member in self.kind]
        return []

    def members(self) -> dict[str, type[BaseModel]]:
        """The models of a union, by their `kind`; none where the type is no union."""
        if get_origin(self.kind) not in (Union, UnionType):
            return {}
        return {_kind(member): member for member in get_args(self.kind)}

    def described(self) -> str:
        """What would fit, in the words of the file."""
        if self.expected:
            return self.expected.words
        if choices := self.choices():
            return f"one of {listed(choices)}" if len(choices) > 1 else listed(choices)
        if members := self.members():
            return f"a mapping whose `kind` is one of {listed(members)}"
        if _is_model(self.kind):
            return f"a mapping with {listed(self.fields())}"
        return _PLAIN[get_origin(self.kind) or self.kind]

    def below(self, part: str | int) -> "Wanted":
        """What is wanted at one entry; nothing, under a key that a model does not have."""
        if not _is_model(self.kind):
            return wanted(get_args(self.kind)[-1])
        for name, field in self.kind.model_fields.items():
            if part == (field.alias or name):
                return wanted(field.annotation, tuple(field.metadata))
        return Wanted(NoneType)


def wanted(annotation: Any, metadata: tuple[Any, ...] = ()) -> Wanted:
    """What an annotation wants, without its wrappings: `Annotated`, and `| None`."""
    some = [part for part in get_args(annotation) if part is not NoneType]
    if get_origin(annotation) is Annotated:
        inner, *extras = get_args(annotation)
        found = wanted(inner, tuple(extras))
    elif get_origin(annotation) in (Union, UnionType) and len(some) == 1:
        found = wanted(some[0])
    else:
        found = Wanted(annotation)
    named = [extra for extra in metadata if isinstance(extra, Expected)]
    return Wanted(found.kind, named[-1]) if named else found


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a document, what is wanted there, and what is wanted around it."""

    path: Path
    wanted: Wanted
    around: Wanted
    on_key: bool = False
    """Whether it is the key of an entry, not its value."""


def place(model: type[BaseModel], location: tuple[str | int, ...]) -> Place:
    """The place that pydantic's location stands for.

    pydantic puts the chosen member of a union and the word `[key]` into it, which are no places.
    """
    here = Place((), Wanted(model), Wanted(NoneType))
    for part in location:
        if part in (members := here.wanted.members()):
            here = Place(here.path, Wanted(members[str(part)]), here.around)
        elif part == "[key]":
            here = Place(here.path, wanted(get_args(here.around.kind)[0]), here.around, on_key=True)
        else:
            here = Place((*here.path, part), here.wanted.below(part), here.wanted)
    return here


def _is_model(candidate: Any) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, BaseModel)


def _kind(member: type[BaseModel]) -> str:
    return str(get_args(member.model_fields["kind"].annotation)[0])
