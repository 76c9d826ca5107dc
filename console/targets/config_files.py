"""Configuration files as releases bring them (TOML, YAML, JSON, INI, .env), read into trees to be compared.

They may hold secrets: whatever goes wrong is said without a word of what stands in them, and where a line
cannot be told for sure to be a setting, nothing of the file is taken for one.
"""

import configparser
import io
import json
import tomllib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from console.core.config_keys import DEEPEST, MOST_KEYS, Tree
from console.core.env_file import parse
from console.core.errors import StatedError

_NO_SECTION = "\0"
"""The name of the section whose settings count for all others: one that no file has."""


class UnreadableError(StatedError):
    """A configuration file cannot be compared; the message follows its name: `cannot be read as TOML`."""


def tree_of(path: str, raw: bytes) -> Tree:
    """What a configuration file holds, read as its name says. Raises UnreadableError."""
    kind = _kind(path)
    if kind is None:
        raise UnreadableError("changed; its keys cannot be told: it is no TOML, YAML, JSON, INI or .env file")
    try:
        return _READERS[kind](raw.decode("utf-8-sig"))
    except (*_MISTAKES, RecursionError):
        raise UnreadableError(f"cannot be read as {kind}") from None


def _kind(path: str) -> str | None:
    name = PurePosixPath(path).name.lower()
    if name == ".env" or name.startswith(".env."):
        return ".env"
    return _KINDS.get(PurePosixPath(name).suffix)


def _toml(text: str) -> Tree:
    return _tree(tomllib.loads(text, parse_float=str))


def _json(text: str) -> Tree:
    return _tree(json.loads(text, parse_float=str, parse_int=str))


def _tree(value: Any, depth: int = 0) -> Tree:
    if depth > DEEPEST + 1:
        raise ValueError("too deep")
    if isinstance(value, dict):
        return {str(key): _tree(below, depth + 1) for key, below in value.items()}
    if isinstance(value, list):
        return [_tree(below, depth + 1) for below in value]
    return type(value).__name__, str(value)


def _yaml(text: str) -> Tree:
    """Without making anything of it: tags of any kind are names, and nothing is constructed."""
    documents = list(YAML(typ="safe", pure=True).compose_all(io.StringIO(text)))
    trees = [_node(node, 0, [0]) for node in documents if node is not None]
    if len(trees) > 1:
        return {f"document-{number}": tree for number, tree in enumerate(trees, start=1)}
    return trees[0] if trees else {}


def _node(node: Node, depth: int, seen: list[int]) -> Tree:
    """`seen` counts: what is named once and meant often (an alias) is as much as it means."""
    seen[0] += 1
    if depth > DEEPEST + 1 or seen[0] > 2 * MOST_KEYS:
        raise ValueError("too much")
    if isinstance(node, MappingNode):
        return {_key(key): _node(value, depth + 1, seen) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [_node(value, depth + 1, seen) for value in node.value]
    return str(node.tag), str(node.value)


def _key(node: Node) -> str:
    if not isinstance(node, ScalarNode):
        raise ValueError("a key that is no word")  # noqa: TRY004 - as for every other mistake in a file
    return str(node.value)


def _ini(text: str) -> Tree:
    parser = configparser.ConfigParser(interpolation=None, default_section=_NO_SECTION)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names count as they are written
    parser.read_string(text)
    return _tree({name: dict(parser.items(name)) for name in parser.sections()})


def _env(text: str) -> Tree:
    return {key: ("text", value) for key, value in parse(text).values.items()}


_MISTAKES = (ValueError, YAMLError, configparser.Error, TypeError, LookupError, AttributeError)
"""What the readers raise for what they cannot read; those of programming come from odd YAML directives."""
_READERS: dict[str, Callable[[str], Tree]] = {
    "TOML": _toml,
    "YAML": _yaml,
    "JSON": _json,
    "INI": _ini,
    ".env": _env,
}
_KINDS = {
    ".toml": "TOML",
    ".yaml": "YAML",
    ".yml": "YAML",
    ".json": "JSON",
    ".ini": "INI",
    ".cfg": "INI",
    ".conf": "INI",
    ".env": ".env",
}
"""By the end of a name."""
