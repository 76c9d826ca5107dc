"""A YAML file as plain values, with line and column of each: how every file that people write is read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from console.config.mistakes import ConfigError, Mistake
from console.config.reading import text_of
from console.config.syntax import Complaint, YamlSyntaxError, compose
from console.core.naming import quoted
from console.core.parts import Finding, Path

_TAG = "tag:yaml.org,2002:"
_VALUES = frozenset(f"{_TAG}{kind}" for kind in ("null", "bool", "int", "float"))
_KINDS = _VALUES | {f"{_TAG}{kind}" for kind in ("str", "timestamp", "value", "map", "seq")}


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an entry stands; lines and columns from 1."""

    key: tuple[int, int] | None
    """None for the members of lists, and for the document itself."""
    value: tuple[int, int]
    inside: int | None = None
    """How far right of `value` its text begins, where that stands on one line as it is; else None."""


@dataclass
class Document:
    """What a file holds, and where."""

    file: str
    raw: bytes
    value: Any = None
    spots: dict[Path, Spot] = field(default_factory=dict)
    twice: list[Mistake] = field(default_factory=list)
    """Names that stand twice in a mapping; the first one counts."""

    def located(self, finding: Finding) -> Mistake:
        """A finding with its place; what is missing is missed where its surroundings begin."""
        path = finding.path
        if (spot := self.spots.get(path)) is None:
            while path not in self.spots:
                path = path[:-1]
            spot = self.spots[path]
            line, column = spot.key or spot.value
        elif finding.on_key and spot.key:
            line, column = spot.key
        else:
            line, column = spot.value
            if finding.column is not None and spot.inside is not None:
                column += spot.inside + finding.column - 1
        return Mistake(self.file, line, column, finding.message)


def read(path: FilePath, hint: str) -> Document:
    """The document in a file. Raises ConfigError; `hint` says how to come by a file where there is none."""
    raw, text = text_of(path, hint)
    document = Document(str(path), raw)
    try:
        root = compose(text)
        complaints: Sequence[Complaint] = (
            list(_unused(root)) if root else [(1, 1, f"the file is empty: {hint}")]
        )
    except YamlSyntaxError as error:
        root, complaints = None, error.complaints
    if root is None or complaints:
        raise ConfigError(Mistake(document.file, *complaint) for complaint in complaints)
    document.value = _Builder(document, text).build(root, (), None)
    return document


def _place(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _unused(node: Node) -> Iterator[Complaint]:
    """Uses of YAML that these files do without; what is below one of them is not looked at.

    A node with an anchor may contain itself, and a few lines of aliases can stand for millions of nodes.
    """
    if node.anchor is not None:
        yield *_place(node), f"anchors ({quoted('&' + node.anchor)}) are not used here: write the value out"
    elif node.tag == f"{_TAG}merge":
        yield *_place(node), "merging (`<<`) is not used here: write the values out"
    elif node.tag not in _KINDS:
        yield *_place(node), f"tags ({quoted(str(node.tag))}) are not used here: leave it out"
    elif isinstance(node, SequenceNode):
        for member in node.value:
            yield from _unused(member)
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            yield from _unused(key)
            yield from _unused(value)


class _Builder:
    """From nodes to plain values; notes where each one stands."""

    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        self._text = text
        self._constructor = YAML(typ="safe", pure=True).constructor

    def build(self, node: Node, path: Path, key: Node | None) -> Any:
        """The value of a node; its spot, and those of all below it, are noted."""
        self._document.spots[path] = self._spot(node, key)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.build(member, (*path, index), None) for index, member in enumerate(node.value)]
        return self._scalar(node)

    def _scalar(self, node: Node) -> Any:
        """A number, true or false, nothing; anything else (a date) stays the text that was written."""
        if node.tag not in _VALUES:
            return node.value
        try:
            return self._constructor.construct_object(node)
        except (ValueError, KeyError):  # `!!int many`, `!!bool perhaps`
            return node.value

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        built: dict[str, Any] = {}
        first: dict[str, Node] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._complain(key, "a name is a word, not a list or a mapping")
            elif key.value in first:
                line, _ = _place(first[key.value])
                self._complain(key, f"{quoted(key.value)} stands twice, first in line {line}: remove one")
            else:
                first[key.value] = key
                built[key.value] = self.build(value, (*path, key.value), key)
        return built

    def _complain(self, node: Node, message: str) -> None:
        self._document.twice.append(Mistake(self._document.file, *_place(node), message))

    def _spot(self, node: Node, key: Node | None) -> Spot:
        on_key = _place(key) if key else None
        start, end = node.start_mark.index, node.end_mark.index
        if start == end and on_key:  # nothing was written: the parser is at the next line already
            return Spot(on_key, on_key)
        inside = None
        if isinstance(node, ScalarNode):
            quote = 1 if node.style in ("'", '"') else 0
            written = self._text[start + quote : end - quote]
            inside = quote if written == node.value else None
        return Spot(on_key, _place(node), inside)
