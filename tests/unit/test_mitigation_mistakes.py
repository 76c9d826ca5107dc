"""Mistakes in mitigations, and in causes that are not ours: told with line and column."""

from pathlib import Path

import pytest

from actions.registry import ACTIONS
from console.config.loader import load_strategy
from tests.unit.test_strategy_mistakes import SMALL
from tests.unit.test_strategy_mistakes import said as told

BLOCK = """\
    mitigations:
      wc-gas-off:
        title: flag wc-gas off
        kind: flag
        covers: [error_rate, keys_exposed]
        perform: [flags, wc-gas, "off"]
        probe: [flags, wc-gas]
        undo: [flags, wc-gas, "on"]
        authority: commander
        limit: 10s
        expected: 1s
        helps_within: 6m
"""
CAUSE = "        not_ours: {cause: the upstream is down, explains: [error_rate]}\n"
"""Beside `rungs` of a metric."""


def written(folder: Path, *changes: tuple[str, str], cause: str = "", of: str = "database") -> Path:
    """The small strategy with that block, changed like this; `of`: the metric with a cause."""
    block = BLOCK
    for old, new in changes:
        assert old in block, old
        block = block.replace(old, new, 1)
    text = SMALL.replace("    impact:", f"{block}    impact:", 1)
    title = f"        title: {of}\n"
    assert title in text
    path = folder / "s.yaml"
    path.write_text(text.replace(title, f"{title}{cause}", 1))
    return path


def place_of(path: Path, words: str) -> str:
    """Line and column where those words stand first."""
    text = path.read_text()
    start = text.index(words)
    return f"{text.count(chr(10), 0, start) + 1}:{start - text.rfind(chr(10), 0, start)}"


def test_the_block_is_right(tmp_path: Path) -> None:
    """And so is a cause; costs are equal where nothing is said."""
    loaded = load_strategy(written(tmp_path, cause=CAUSE), ACTIONS).strategy.environments["testnet"]
    assert loaded.mitigations["wc-gas-off"].cost == 1
    cause = loaded.metrics["database_unavailable"].not_ours
    assert cause is not None
    assert (cause.cause, cause.explains) == ("the upstream is down", ["error_rate"])


@pytest.mark.parametrize(
    ("old", "new", "at", "words"),
    [
        (
            "error_rate, keys",
            "eror_rate, keys",
            "eror_rate, k",
            "unknown metric or trigger `eror_rate`",
        ),
        ("error_rate, keys", "response_time_p99, keys", "response_time_p99, k", "it never fires, so nothing"),
        ("[error_rate, keys_exposed]", "[ ]", "[ ]", "a list of at least one metric or trigger"),
        ("kind: flag", "kind: flagg", "flagg", "`flag`"),
        ("authority: commander", "authority: comander", "comander", "`commander`"),
        ('[flags, wc-gas, "off"]', "[ ]", "[ ]", "a list of words, the program first"),
        ("helps_within: 6m", "helps_within: 0m", "0m\n    impact", "a duration above zero"),
        ("expected: 1s", "cost: 0", "0\n        helps", "a whole number from 1"),
        (
            "wc-gas-off:",
            "deploy:",
            "deploy:\n        title: flag",
            "is the id of a step of the runbook",
        ),
    ],
)
def test_a_mistake_is_told_where_it_stands(tmp_path: Path, old: str, new: str, at: str, words: str) -> None:
    path = written(tmp_path, (old, new))
    found = [line for line in told(path) if line.startswith(f"s.yaml:{place_of(path, at)}:")]
    assert any(words in line for line in found), told(path)


@pytest.mark.parametrize(
    ("cause", "of", "at", "words"),
    [
        (CAUSE.replace("error_rate", "errors"), "database", "errors]", "unknown metric or trigger `errors`"),
        (CAUSE, "p99", "not_ours", "has no `mandatory` rung: nobody could say when the cause is there"),
        (CAUSE.replace("cause:", "couse:"), "database", "couse", "did you mean `cause`?"),
    ],
)
def test_a_cause_that_explains_nothing_is_told(
    tmp_path: Path, cause: str, of: str, at: str, words: str
) -> None:
    path = written(tmp_path, cause=cause, of=of)
    found = [line for line in told(path) if line.startswith(f"s.yaml:{place_of(path, at)}:")]
    assert any(words in line for line in found), told(path)
