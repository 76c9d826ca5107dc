"""A strategy file with mistakes: all of them at once, each with its place and with what was expected."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from console.config.loader import load_strategy
from console.config.mistakes import ConfigError, Mistake
from console.config.wanted import Wanted, wanted
from console.core.exits import Exit
from console.core.roster import Roster
from console.core.strategy import Strategy

HERE = Path(__file__).parent / "strategies"
SMALL = (HERE / "small.yaml").read_text()
ACTIONS = ("fetch", "deploy", "run-command")

Lines = Callable[..., list[str]]


def said(path: Path) -> list[str]:
    """What is said about the file, without its folder."""
    with pytest.raises(ConfigError) as caught:
        load_strategy(path, ACTIONS)
    return [line.removeprefix(f"{path.parent}/") for line in str(caught.value).splitlines()]


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    """What is said about the small strategy after replacing some of its text."""

    def after(*changes: tuple[str, str]) -> list[str]:
        text = SMALL
        for old, new in changes:
            assert text.count(old) >= 1, old
            text = text.replace(old, new, 1)
        path = tmp_path / "s.yaml"
        path.write_text(text)
        return said(path)

    return after


class TestFilesWithTwoMistakes:
    """What the console answers to files that people get wrong."""

    def test_the_file_they_are_made_from_is_right(self) -> None:
        """Each of them differs from a right file by its two mistakes alone."""
        assert load_strategy(HERE / "small.yaml", ACTIONS).strategy.environments.keys() == {"testnet"}

    def test_names(self) -> None:
        """An unknown key is not called missing as well."""
        assert said(HERE / "names.yaml") == [
            "names.yaml:10:5: unknown key `recover_whithin`: did you mean `recover_within`?",
            "names.yaml:40:52: unknown source `helth`: did you mean `health`?",
        ]

    def test_conditions(self) -> None:
        """The column is that of the mistake inside the condition, behind the quote."""
        assert said(HERE / "conditions.yaml") == [
            "conditions.yaml:30:43: expected a duration such as `5m`, found the end",
            "conditions.yaml:36:17: unknown metric or trigger `response_time_p95`:"
            " did you mean `response_time_p99`?",
        ]

    def test_values(self) -> None:
        """A secret that stands in the file is not repeated."""
        assert said(HERE / "values.yaml") == [
            "values.yaml:11:15: expected a duration above zero such as `500ms`, `30s` or `5m`,"
            " found the number `10`",
            "values.yaml:16:17: expected a reference to the secret (`env:NAME` or `file:PATH`),"
            " never the secret itself",
        ]

    def test_runbook(self) -> None:
        """Names of actions come from whoever runs them, names of steps from the file."""
        assert said(HERE / "runbook.yaml") == [
            "runbook.yaml:66:17: `validation` does not stand before this step: move it up",
            "runbook.yaml:71:17: unknown action `run-comand`: did you mean `run-command`?",
        ]


def test_the_error_holds_the_mistakes_and_ends_with_exit_code_2() -> None:
    """The command line prints it as it is."""
    with pytest.raises(ConfigError) as caught:
        load_strategy(HERE / "names.yaml", ACTIONS)
    assert caught.value.exit is Exit.USAGE
    first = caught.value.mistakes[0]
    assert first == Mistake(str(HERE / "names.yaml"), 10, 5, first.message)


def test_without_a_registry_actions_are_not_judged() -> None:
    """A console that runs no step need not load what does."""
    with pytest.raises(ConfigError) as caught:
        load_strategy(HERE / "runbook.yaml")
    assert [mistake.line for mistake in caught.value.mistakes] == [66]


class TestShape:
    """Keys, kinds of value, and what is missing."""

    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            ("risk: low", "risk: lo", "s.yaml:7:11: unknown risk `lo`: did you mean `low`?"),
            (
                "risk: low",
                "risk: extreme",
                "s.yaml:7:11: unknown risk `extreme`: expected one of `low`, `medium`, `critical`",
            ),
            (
                "phase: switch",
                "phase: swich",
                "s.yaml:64:16: unknown phase `swich`: did you mean `switch`?",
            ),
            (
                "kind: pipeline",
                "kind: pipline",
                "s.yaml:14:20: unknown kind `pipline`: did you mean `pipeline`?",
            ),
            ("{kind: pipeline}", "{}", "s.yaml:14:5: `kind` is missing: expected one of `keeper`, `pipeline`"),
            (
                "{kind: pipeline}",
                "[]",
                "s.yaml:14:13: expected a mapping whose `kind` is one of `keeper`, `pipeline`, found a list",
            ),
            (
                "{kind: pipeline}",
                "{kind: keeper}",
                "s.yaml:14:5: `socket` is missing: expected text",
            ),
            ("tries: 30", "tries: many", "s.yaml:51:21: expected a whole number from 1, found `many`"),
            (
                "tries: 30",
                'tries: "30"',
                "s.yaml:51:21: expected a whole number from 1, found `30`: leave the quotes out",
            ),
            ("tries: 30", "tries: true", "s.yaml:51:21: expected a whole number from 1, found `true`"),
            ("gate: true", "gate: yes", "s.yaml:53:74: expected `true` or `false`, found `yes`"),
            (
                'version: "1"',
                "version: 1.0",
                "s.yaml:3:36: expected text, found the number `1.0`: put it in quotes",
            ),
            ("users: internal testers", "users:", "s.yaml:8:5: expected text, found nothing"),
            ("users: internal testers", 'users: ""', "s.yaml:8:12: expected text, found empty text"),
            (
                "2024-12-23",
                "23.12.2024",
                "s.yaml:3:48: expected a day such as `2024-12-23`, found `23.12.2024`",
            ),
            (
                "title: errors",
                "title: errors of requests",
                "s.yaml:23:16: expected a title of 1 to 12 characters on one line, to fit its pane,"
                " found `errors of requests`",
            ),
            ("q: 0.99", "q: 99", None),
            ('argv: ["true"]', "argv: []", None),
            ("testnet:\n", "Test Net:\n", None),
            ("keys_exposed: {", "and: {", None),
            ("warroom.strategy/1", "warroom.strategy/2", None),
            ("rollback/testnet-{epoch}", "rollback/testnet", None),
            ("http://localhost:8080/health, every", "localhost, every", None),
            ("checklist:\n      -", "checklist:\n     ", None),
            ("at: end", "", None) if "at: end" in SMALL else ("duration: 4h", "duration: 4 hours", None),
        ],
    )
    def test_one_mistake_of_shape(self, lines: Lines, old: str, new: str, expected: str | None) -> None:
        """One line for one mistake, that says what would have been right."""
        found = lines((old, new))
        if expected is not None:
            assert found == [expected]
        assert all("expected" in line or "did you mean" in line for line in found)
