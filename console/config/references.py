"""Which secrets a part of a strategy refers to, found by the types of its fields: none is forgotten."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from console.config.wanted import Wanted, wanted


def references(model: BaseModel) -> Iterator[str]:
    """Every reference (`env:NAME`, `file:PATH`) in a model, each once, in the order of the file."""
    yield from dict.fromkeys(_in_model(model))


def _in_model(model: BaseModel) -> Iterator[str]:
    for name, field in type(model).model_fields.items():
        yield from _in(getattr(model, name), wanted(field.annotation, tuple(field.metadata)))


def _in(value: Any, kind: Wanted) -> Iterator[str]:
    match value:
        case str() if kind.expected is not None and kind.expected.secret:
            yield value
        case BaseModel():
            yield from _in_model(value)
        case dict() | list():
            inner = wanted(get_args(kind.kind)[-1])
            for each in value.values() if isinstance(value, dict) else value:
                yield from _in(each, inner)
