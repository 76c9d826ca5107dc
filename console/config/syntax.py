"""From text to YAML nodes; where the text is no YAML, what is wrong with it in plain words."""

import re
from collections.abc import Sequence

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.nodes import Node

from console.core.naming import quoted

Complaint = tuple[int, int, str]
"""Line and column (from 1), and what is wrong there."""

_FORBIDDEN = re.compile("[^\t\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TABS = re.compile(r" *\t\s*[^\s#]")

_UNCLOSED = "the quote that opens here is never closed"
_QUOTE_IT = "a value cannot begin with {char}: put it in quotes"
_PROBLEMS = (
    (
        "mapping values are not allowed",
        "problem",
        "this `:` fits nowhere: check the line above and the quotes",
    ),
    ("could not find expected ':'", "context", "expected `name: value`, found no `:`"),
    ("found '<scalar>'", "problem", "text after a closing quote: put the whole value in quotes"),
    ("expected <block end>", "problem", "the indentation fits none of the lines above"),
    ("expected ',' or ']'", "context", "the list that begins here is not closed by `]`, or lacks a `,`"),
    ("expected ',' or '}'", "context", "the mapping that begins here is not closed by `}`, or lacks a `,`"),
    ("found unexpected end of stream", "context", _UNCLOSED),
    ("found unexpected document separator", "context", _UNCLOSED),
    ("but found another document", "problem", "a second document begins here: a file holds one"),
    ("unknown escape character", "problem", "`\\` is special between double quotes: use single quotes"),
    ("expected the node content", "problem", "expected a value, found {char}"),
    ("cannot start any token", "problem", _QUOTE_IT),
    ("found undefined alias", "problem", _QUOTE_IT),
    ("", "context", _QUOTE_IT),
)
"""What the parser says, which of its two places is the one to look at, and what we say instead. The last
is for what is left, each at its first character: anchors, aliases, tags, directives and block texts."""


class YamlSyntaxError(Exception):
    """A text that is not YAML, with every reason that could be found."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        super().__init__(complaints)
        self.complaints = complaints


def compose(text: str) -> Node | None:
    """The root node of the one document in `text`; None when it is empty. Raises YamlSyntaxError."""
    if forbidden := _forbidden(text):
        raise YamlSyntaxError(forbidden)
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False  # anchors are refused by whoever reads the nodes
    try:
        root: Node | None = yaml.compose(text)
    except MarkedYAMLError as error:
        raise YamlSyntaxError(_tabs(text, error) or [_explained(text, error)]) from None
    except (YAMLError, RecursionError):
        raise YamlSyntaxError([(1, 1, "cannot be read as YAML: is it nested too deeply?")]) from None
    return root


def _forbidden(text: str) -> list[Complaint]:
    """Control characters, wherever they stand."""
    return [
        (number, found.start() + 1, f"{quoted(found[0])} has no place in YAML: remove the character")
        for number, line in enumerate(text.split("\n"), 1)
        for found in _FORBIDDEN.finditer(line)
    ]


def _tabs(text: str, error: MarkedYAMLError) -> list[Complaint]:
    """Every line that is indented with tabs, if that is what the parser stumbled over."""
    if "'\\t'" not in str(error.problem):
        return []
    return [
        (number, line.index("\t") + 1, "indented with a tab: use spaces")
        for number, line in enumerate(text.split("\n"), 1)
        if _TABS.match(line)
    ]


def _explained(text: str, error: MarkedYAMLError) -> Complaint:
    """What the parser stumbled over."""
    problem = str(error.problem)
    where, words = next((where, words) for said, where, words in _PROBLEMS if said in problem)
    mark = (error.context_mark if where == "context" else None) or error.problem_mark
    if not isinstance(mark, StringMark):
        return 1, 1, "not YAML"
    char = text[mark.index] if mark.index < len(text) else ""
    return (
        mark.line + 1,
        mark.column + 1,
        words.replace("{char}", quoted(char) if char.strip() else "the end"),
    )
