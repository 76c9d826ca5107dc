"""Whether a document has the shape of a model; what does not fit is told in the words of the file.

pydantic says where a value does not fit. What would fit is read off the model, so that no message depends on
how a library words things.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from console.config.wanted import Place, place
from console.core.conditions import ConditionError
from console.core.naming import listed, nearest, quoted, unknown
from console.core.parts import Finding, Path

M = TypeVar("M", bound=BaseModel)


def shaped(model: type[M], value: object) -> tuple[M | None, list[Finding]]:
    """`value` as that model, or None and everything about its shape that is wrong."""
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        return None, list(_findings(model, error.errors(include_url=False)))


def _findings(model: type[BaseModel], details: list[ErrorDetails]) -> Iterator[Finding]:
    places = [(place(model, detail["loc"]), detail) for detail in details]
    meant = {path for here, detail in places if (path := _meant(here, detail))}
    for here, detail in places:
        if detail["type"] != "missing" or here.path not in meant:
            yield _finding(here, detail)


def _meant(here: Place, detail: ErrorDetails) -> Path | None:
    """The entry that an unknown key was probably meant to be: it need not be called missing as well."""
    if detail["type"] != "extra_forbidden":
        return None
    close = nearest(str(here.path[-1]), here.around.fields())
    return (*here.path[:-1], close) if close else None


def _finding(here: Place, detail: ErrorDetails) -> Finding:
    """What is wrong at a place, for each way in which something can be wrong."""
    path, value = here.path, detail["input"]
    match detail["type"]:
        case "missing":
            return Finding(path, f"{quoted(str(path[-1]))} is missing: expected {here.wanted.described()}")
        case "extra_forbidden":
            return Finding(path, unknown("key", str(path[-1]), here.around.fields()), on_key=True)
        case "union_tag_not_found":
            kinds = listed(here.wanted.members())
            return Finding(path, f"`kind` is missing: expected one of {kinds}", on_key=True)
        case "union_tag_invalid":
            kind = value["kind"]
            return Finding((*path, "kind"), _no_choice("kind", kind, list(here.wanted.members())))
        case "literal_error" | "enum":
            return Finding(path, _no_choice(_name(path), value, here.wanted.choices()))
        case "value_error" if isinstance(said := detail["ctx"]["error"], ConditionError):
            return Finding(path, said.message, column=said.column)
        case "value_error" if here.wanted.expected is None:
            return Finding(path, str(detail["ctx"]["error"]))
        case _:
            return Finding(path, _misfit(here, value), on_key=here.on_key)


def _name(path: Path) -> str:
    """What the entry at `path` is called: its key, or that of the list that it is in."""
    return next(part for part in reversed(path) if isinstance(part, str))


def _no_choice(name: str, value: Any, choices: list[str]) -> str:
    if isinstance(value, str) and len(choices) > 1:
        return unknown(name, value, choices)
    return f"expected {'one of ' if len(choices) > 1 else ''}{listed(choices)}, found {_found(value)}"


def _misfit(here: Place, value: Any) -> str:
    """What was expected and what was found; a secret that stands in the file is not repeated."""
    expected = here.wanted.expected
    message = f"expected {here.wanted.described()}"
    if expected and expected.secret:
        return message
    message += f", found {_found(value)}"
    if here.wanted.kind is str and isinstance(value, bool | int | float):
        return f"{message}: put it in quotes"
    if here.wanted.kind is int and isinstance(value, str) and value.isdigit():
        return f"{message}: leave the quotes out"
    return message


def _found(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return f"`{str(value).lower()}`"
        case int() | float():
            return f"the number {quoted(str(value))}"
        case str():
            return quoted(value) if value else "empty text"
        case dict():
            return "a mapping" if value else "an empty mapping"
        case _:
            return "a list" if value else "an empty list"
