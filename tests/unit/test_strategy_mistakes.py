"""A strategy file with mistakes: all of them at once, each with its place and with what was expected."""

import copy
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from console.config.document import read
from console.config.loader import load_strategy
from console.config.mistakes import ConfigError, Mistake
from console.config.shape import shaped
from console.config.wanted import Wanted, wanted
from console.core.exits import Exit
from console.core.roster import Roster
from console.core.strategy import Deploy, Strategy
from console.core.strategy_check import check_strategy

HERE = Path(__file__).parent / "strategies"
SMALL = (HERE / "small.yaml").read_text()
ACTIONS = ("fetch", "deploy", "run-command")
_WAYS = get_args(get_args(Deploy)[0])
DEPLOY_KINDS = ", ".join(f"`{get_args(way.model_fields['kind'].annotation)[0]}`" for way in _WAYS)
"""All ways to deploy, as a message names them."""

Lines = Callable[..., list[str]]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, who may read every file; whoever else runs this stays who they are."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)


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

    def test_docker_is_given_the_time_that_it_takes(self, tmp_path: Path) -> None:
        """Two seconds are enough; less is a mistake, which is told below."""
        source = "      web: {kind: docker, names: [web], every: 5s, limit: 2s}\n    metrics:\n"
        path = tmp_path / "s.yaml"
        path.write_text(SMALL.replace("    metrics:\n", source, 1))
        assert load_strategy(path, ACTIONS).strategy.environments["testnet"].sources["web"].limit == 2

    def test_names(self) -> None:
        """An unknown key is not called missing as well."""
        assert said(HERE / "names.yaml") == [
            "names.yaml:10:5: unknown key `recover_whithin`: did you mean `recover_within`?",
            "names.yaml:40:52: unknown source `helth`: did you mean `health`?",
        ]

    def test_conditions(self) -> None:
        """The column is that of the mistake inside the condition, behind the quote."""
        unfinished, unknown = said(HERE / "conditions.yaml")
        assert unfinished == "conditions.yaml:30:43: expected a duration such as `5m`, found the end"
        assert unknown == (
            "conditions.yaml:36:17: unknown metric or trigger `response_time_p95`:"
            " did you mean `response_time_p99`?"
        )

    def test_values(self) -> None:
        """A secret that stands in the file is not repeated."""
        duration, written_out = said(HERE / "values.yaml")
        assert duration == (
            "values.yaml:11:15: expected a duration above zero such as `500ms`, `30s` or `5m`,"
            " found the number `10`"
        )
        assert written_out == (
            "values.yaml:16:17: expected a reference to the secret (`env:NAME` or `file:PATH`),"
            " never the secret itself"
        )

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


def one_line(old: str, new: str, expected: str) -> object:
    """A change to the small strategy, and the one line that is said about it."""
    return pytest.param(old, new, f"s.yaml:{expected}", id=f"{old[:24]}->{new[:24]}".replace("\n", " "))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        one_line("risk: low", "risk: lo", "7:11: unknown risk `lo`: did you mean `low`?"),
        one_line(
            "    sources:",
            "    recovery: {before: 15m, loss_at_most: 10}\n    sources:",
            "17:15: `recovery` needs `backups`: name the folder that they are kept in",
        ),
        one_line(
            "    sources:",
            "    backups: {folder: b, format: directory, recipient: {program: age, key: a}}\n    sources:",
            "17:34: a directory cannot be encrypted while it is written: use `custom`",
        ),
        one_line(
            "    sources:",
            "    backups: {folder: b, restorable: {kind: archive}}\n    sources:",
            "17:45: `archive` needs an `archive` in this environment",
        ),
        one_line(
            "    sources:",
            "    backups: {folder: b, rate: 50MBit}\n    sources:",
            "17:32: expected a size above zero such as `200kB`, `50MB` or `2GB`, found `50MBit`",
        ),
        one_line(
            "risk: low",
            "risk: extreme",
            "7:11: unknown risk `extreme`: expected one of `low`, `medium`, `critical`",
        ),
        one_line(
            "risk: low", "risk: 3", "7:11: expected one of `low`, `medium`, `critical`, found the number `3`"
        ),
        one_line(
            "    expected: 10m\n",
            "    expected: 10m\n    engine: external\n",
            "12:13: an engine with an account of its own needs a folder that all accounts know: "
            "name it by `state`",
        ),
        one_line(
            "    expected: 10m\n",
            "    expected: 10m\n    engine: external\n    state: warroom\n",
            "13:12: accounts look for it from different folders: write the whole path, from `/` on",
        ),
        one_line(
            "kind: pipeline", "kind: pipline", "14:20: unknown kind `pipline`: did you mean `pipeline`?"
        ),
        one_line("{kind: pipeline}", "{}", f"14:5: `kind` is missing: expected one of {DEPLOY_KINDS}"),
        one_line(
            "{kind: pipeline}",
            "[]",
            f"14:13: expected a mapping whose `kind` is one of {DEPLOY_KINDS}, found an empty list",
        ),
        one_line("{kind: pipeline}", "{kind: keeper}", "14:5: `socket` is missing: expected text"),
        one_line(
            "      proof: claim\n", "", "55:5: `proof` is missing: expected one of `claim`, `signature`"
        ),
        one_line(
            "    runbook:",
            "    prerequisites: [{id: accessible, title: a, proof: {kind: plan}}]\n    runbook:",
            "60:26: `accessible` is the id of another item of the checklist: ids are unique",
        ),
        one_line(
            "    runbook:",
            "    prerequisites: [{id: a, title: a, proof: {kind: plan}},\n"
            "      {id: a, title: a, proof: {kind: hand}}]\n    runbook:",
            "61:12: `a` is the id of another prerequisite: ids are unique",
        ),
        one_line(
            "    runbook:",
            "    prerequisites: [{id: a, title: a, proof: {kind: evidence, steps: [fetsh]}}]\n    runbook:",
            "60:71: unknown step `fetsh`: did you mean `fetch`?",
        ),
        one_line(
            "    runbook:",
            "    prerequisites: [{id: a, title: a, proof: {kind: evidence, steps: [deploy]}}]\n    runbook:",
            "60:71: `deploy` is no step of `prepare`: it comes after the gate",
        ),
        one_line(
            "    runbook:",
            "    prerequisites: [{id: a, title: a, proof: {kind: evidence, steps: []}}]\n    runbook:",
            "60:70: expected a list of at least one step of `prepare`, found an empty list",
        ),
        one_line(
            "    runbook:",
            "    prerequisites: [{id: a, title: a, proof: {kind: hands}}]\n    runbook:",
            "60:53: unknown kind `hands`: did you mean `hand`?",
        ),
        one_line(
            "    runbook:",
            "    prerequisites: [{id: a, title: a, proof: {kind: hand}, may_be_waived: true}]\n    runbook:",
            "60:75: who may waive it? name their roles: `waived_by: [ROLE]`",
        ),
        one_line(
            "    runbook:",
            "    prerequisites: [{id: a, title: a, proof: {kind: hand}, waived_by: [lead]}]\n    runbook:",
            "60:71: without `may_be_waived: true` nobody may waive it",
        ),
        one_line("tries: 30", "tries: many", "52:21: expected a whole number from 1, found `many`"),
        one_line(
            "tries: 30",
            'tries: "30"',
            "52:21: expected a whole number from 1, found `30`: leave the quotes out",
        ),
        one_line("tries: 30", "tries: true", "52:21: expected a whole number from 1, found `true`"),
        one_line("gate: true", "gate: yes", "54:70: expected `true` or `false`, found `yes`"),
        one_line(
            'version: "1"',
            "version: 1.0",
            "3:35: expected text, found the number `1.0`: put it in quotes",
        ),
        one_line("users: internal testers", "users:", "8:5: expected text, found nothing"),
        one_line("users: internal testers", 'users: ""', "8:12: expected text, found empty text"),
        one_line("2024-12-23", "23.12.2024", "3:49: expected a day such as `2024-12-23`, found `23.12.2024`"),
        one_line(
            "title: errors",
            "title: errors of requests",
            "23:16: expected a title of 1 to 12 characters on one line, to fit its pane,"
            " found `errors of requests`",
        ),
        one_line(
            "q: 0.99",
            "q: 99",
            "34:84: expected a number between 0 and 1 such as `0.99`, found the number `99`",
        ),
        one_line(
            'argv: ["true"]',
            "argv: []",
            "54:43: expected a list of words, the program first, found an empty list",
        ),
        one_line(
            "  testnet:\n",
            "  Test Net:\n",
            "5:3: expected a name in lower case (`error_rate`, `push-branch`), found `Test Net`",
        ),
        one_line(
            "keys_exposed: {",
            "and: {",
            "50:7: expected a name in lower case (`error_rate`) other than `and`, `or`, `not` and `for`,"
            " found `and`",
        ),
        one_line("warroom.strategy/1", "warroom/2", "2:9: expected `warroom.strategy/1`, found `warroom/2`"),
        one_line(
            "rollback/testnet-{epoch}",
            "rollback/testnet",
            "12:63: expected a branch name with `{epoch}` in it, so that each rollback has a branch of its"
            " own, found `rollback/testnet`",
        ),
        one_line(
            'url: "http://localhost:8080/metrics"',
            "url: localhost",
            "18:36: expected an address that begins with `http://` or `https://`, found `localhost`",
        ),
        one_line(
            "duration: 4h",
            "duration: 4 hours",
            "83:17: expected a duration above zero such as `500ms`, `30s` or `5m`, found `4 hours`",
        ),
        one_line(
            'dsn: "env:DSN", tables',
            "dsn: 12345, tables",
            "16:17: expected a reference to the secret (`env:NAME` or `file:PATH`), never the secret itself",
        ),
        one_line(
            "approvers: [{role: engineer, count: 1}]",
            "approvers: []",
            "56:18: expected a list of at least one `role` and `count`, found an empty list",
        ),
        one_line(
            "title: testnet\n",
            "title: testnet\n    title: again\n",
            "7:5: `title` stands twice, first in line 6: remove one",
        ),
        one_line(
            "title: testnet\n",
            "title: testnet\n    [a, b]: c\n",
            "7:5: a name is a word, not a list or a mapping",
        ),
    ],
)
def test_a_mistake_of_shape(lines: Lines, old: str, new: str, expected: str) -> None:
    """One line for one mistake, that says what would have been right."""
    assert lines((old, new)) == [expected]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        one_line(
            "source: health}",
            "source: metrics}",
            "40:52: `failures in a row` is measured at a source of kind `http` or `command`,"
            " `metrics` is of kind `scrape`",
        ),
        one_line(
            "measure: {kind: failures in a row, source: health}",
            "measure: {kind: stat, source: health, stat: latencies}",
            "40:53: unknown stat `latencies`: did you mean `latency`?",
        ),
        one_line(
            "measure: {kind: failures in a row, source: health}",
            "measure: {kind: query, source: health, query: up}",
            "40:40: `query` is measured at a source of kind `prometheus` or `postgres`,"
            " `health` is of kind `http`",
        ),
        one_line(
            "unit: s\n",
            "unit: count\n",
            "33:15: `response_time_p99` is measured as `quantile`, which is in `s`: write `s`",
        ),
        one_line(
            "kind: failures, source: metrics,",
            "kind: successes, source: metrics, succeeded: ok,",
            "25:68: `failed` and `succeeded` exclude each other: leave one out",
        ),
        one_line(
            "kind: failures, source: metrics, failed: errors_total,",
            "kind: successes, source: metrics,",
            "25:9: `failed` or `succeeded` is missing: expected one of the two",
        ),
        one_line(
            "metric: error_rate, words",
            "metric: response_time_p99, words",
            "51:22: the impact needs a metric measured as `failures` or `successes`, `response_time_p99` is"
            " not: choose `error_rate`",
        ),
        one_line(
            "metric: error_rate, words",
            "metric: eror_rate, words",
            "51:22: unknown metric `eror_rate`: did you mean `error_rate`?",
        ),
        one_line(
            "targets: [error_rate]",
            "targets: [response_time_p99]",
            "84:17: `response_time_p99` has no `recovered` rung to be held against",
        ),
        one_line(
            "targets: [error_rate]",
            "targets: [error_ratio]",
            "84:17: unknown metric `error_ratio`: did you mean `error_rate`?",
        ),
        one_line(
            "- error_rate > 1%\n",
            "- keys_exposd\n",
            "87:11: unknown metric or trigger `keys_exposd`: did you mean `keys_exposed`?",
        ),
        one_line(
            "- error_rate > 1%\n",
            "- error_rate > 1\n",
            "87:11: `error_rate` is in per cent: write `error_rate > 1%`",
        ),
        one_line(
            "response_time_p99 > 2s",
            "response_time_p99 > 2",
            "36:17: `response_time_p99` is in seconds: write `response_time_p99 > 2s`",
        ),
        one_line(
            "health_check_failures > 3",
            "health_check_failures > 3s",
            "42:22: `health_check_failures` is a count, without unit: write `health_check_failures > 3`",
        ),
        one_line(
            "mandatory: database_unavailable",
            "mandatory: database_unavailable = 1",
            "48:22: `database_unavailable` is a flag, true or not:"
            " write `database_unavailable` or `not database_unavailable`",
        ),
        one_line(
            "warn: response_time_p99 > 2s",
            "warn: response_time_p99",
            "36:17: `response_time_p99` is no flag: compare it, `response_time_p99 > 2s`",
        ),
        one_line(
            "mandatory: error_rate > 5%",
            "mandatory: keys_exposed",
            "29:22: a rung of `error_rate` must mention it: `keys_exposed` does not",
        ),
        one_line("keys_exposed: {", "error_rate: {", "50:7: `error_rate` is the name of a metric already"),
        one_line(
            "error_rate > 5%",
            "error_rate > 0.5%",
            "29:22: `error_rate > 0.5%` can hold while `warn`, `error_rate > 1%`, does not:"
            " `mandatory` must be the stricter one",
        ),
        one_line(
            "error_rate > 5%",
            "error_rate > 10% for 6m",
            "30:22: `error_rate > 10% for 5m` can hold while `mandatory`, `error_rate > 10% for 6m`, does"
            " not: `automatic` must be the stricter one",
        ),
        one_line(
            "    metrics:\n",
            "      web: {kind: docker, names: [web], every: 5s, limit: 1900ms}\n    metrics:\n",
            "21:59: Docker takes its samples once a second, so that it would seem to hang: write at"
            " least `2s`",
        ),
        one_line(
            "mandatory: health_check_failures",
            "automatic: health_check_failures",
            "42:11: `automatic` demands a `mandatory` rung, which is missing: add it, or call this one"
            " `mandatory`",
        ),
        one_line(
            "mandatory: error_rate > 5%",
            "mandatry: error_rate > 5%",
            "29:11: unknown key `mandatry`: did you mean `mandatory`?",
        ),
        one_line(
            "error_rate < 0.1%",
            "error_rate < 2%",
            "27:22: `error_rate < 2%` can hold together with `warn`, `error_rate > 1%`",
        ),
    ],
)
def test_a_mistake_of_metrics(lines: Lines, old: str, new: str, expected: str) -> None:
    """Names, units, sources and the order of the rungs."""
    assert lines((old, new)) == [expected]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        one_line("needs: [fetch]", "needs: [fech]", "66:17: unknown step `fech`: did you mean `fetch`?"),
        one_line(
            "phase: prepare, title: fetch",
            "phase: prove, title: fetch",
            "66:17: `fetch` belongs to a later phase than this step",
        ),
        one_line(
            "authority: matrix",
            "authority: none",
            "67:20: a step of `switch` has authority `matrix`, not `none`",
        ),
        one_line(
            "id: validation", "id: deploy", "70:13: `deploy` is the id of an earlier step: ids are unique"
        ),
        one_line(
            "proves: [accessible]",
            "proves: [acessible]",
            "79:18: unknown item of the checklist `acessible`: did you mean `accessible`?",
        ),
        one_line(
            "with: {command: validate}",
            "with: {command: validat}",
            "78:25: unknown command `validat`: did you mean `validate`?",
        ),
        one_line(
            "        with: {command: validate}\n",
            "",
            "71:17: `run-command` needs to know which: add `with: {command: NAME}`",
        ),
        one_line(
            "title: accessible}",
            "title: accessible}\n      - {id: accessible, title: again}",
            "82:14: `accessible` is the id of an earlier item: ids are unique",
        ),
    ],
)
def test_a_mistake_of_the_runbook(lines: Lines, old: str, new: str, expected: str) -> None:
    """Ids, order, authority, and what steps name."""
    assert lines((old, new)) == [expected]


class TestColumns:
    """The column of a mistake inside a condition, however the condition is quoted."""

    MISTAKE = "unknown metric or trigger `x`: expected one of"

    @pytest.mark.parametrize(
        ("written", "line", "column"),
        [
            ("error_rate > 1% and x > 1", 28, 37),
            ('"error_rate > 1% and x > 1"', 28, 38),
            ("'error_rate > 1% and x > 1'", 28, 38),
            ('"error_rate > 1% \\x61nd x > 1"', 28, 17),
            (">\n            error_rate > 1%\n            and x > 1", 28, 17),
            ("|\n            error_rate > 1% and x > 1", 28, 17),
        ],
    )
    def test_column(self, lines: Lines, written: str, line: int, column: int) -> None:
        """Where the text does not stand as it is on one line, its beginning is pointed at."""
        found = lines(("warn: error_rate > 1%", f"warn: {written}"))
        assert len(found) == 1
        assert found[0].startswith(f"s.yaml:{line}:{column}: {self.MISTAKE}")


def test_mistakes_of_every_kind_come_together(lines: Lines) -> None:
    """A wrong shape does not hide wrong names, and the order is that of the file."""
    found = lines(
        ("risk: low", "risk: lo"),
        ("title: errors", "title: errors of requests"),
        ("error_rate > 5%", "error_rat > 5%"),
        ("metric: error_rate, words", "metric: error_rat, words"),
        ("needs: [fetch]", "needs: [fech]"),
        ("phase: switch", "phase: swich"),
        ("duration: 4h", "duration: 4h\n      duration: 5h"),
    )
    assert [line.split(":")[1] for line in found] == ["7", "23", "29", "51", "64", "66", "84"]


class TestYaml:
    """What is no YAML, or more of YAML than these files use."""

    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            one_line("    risk: low", "\trisk: low", "7:1: indented with a tab: use spaces"),
            one_line("    risk: low", "   risk: low", "7:4: the indentation fits none of the lines above"),
            one_line(
                "risk: low",
                "risk: low: high",
                "7:14: this `:` fits nowhere: check the line above and the quotes",
            ),
            one_line("risk: low", "risk low", "7:5: expected `name: value`, found no `:`"),
            one_line("risk: low", "risk: %low", "7:11: a value cannot begin with `%`: put it in quotes"),
            one_line("risk: low", "risk: > 5", "7:11: a value cannot begin with `>`: put it in quotes"),
            one_line("risk: low", "risk: *low", "7:11: a value cannot begin with `*`: put it in quotes"),
            one_line("risk: low", "risk: & low", "7:11: a value cannot begin with `&`: put it in quotes"),
            one_line("risk: low", "risk: @low", "7:11: a value cannot begin with `@`: put it in quotes"),
            one_line(
                "risk: low",
                "risk: 'low' high",
                "7:17: text after a closing quote: put the whole value in quotes",
            ),
            one_line(
                "risk: low", 'risk: "\\q"', "7:13: `\\` is special between double quotes: use single quotes"
            ),
            one_line(
                "risk: low",
                "risk: [low\n    users: few",
                "7:11: the list that begins here is not closed by `]`, or lacks a `,`",
            ),
            one_line(
                "risk: low",
                "risk: {low: [}",
                "7:18: expected a value, found `}`",
            ),
            one_line(
                "alerts:\n        - error_rate > 1%",
                "alerts: 'x",
                "86:15: the quote that opens here is never closed",
            ),
            one_line(
                "risk: low", "risk: &x low", "7:11: anchors (`&x`) are not used here: write the value out"
            ),
            one_line("risk: low", "risk: !x low", "7:11: tags (`!x`) are not used here: leave it out"),
            one_line(
                "risk: low",
                "<<: {risk: low}",
                "7:5: merging (`<<`) is not used here: write the values out",
            ),
            one_line(
                "risk: low", "risk: l\x1bow", "7:12: `\\x1b` has no place in YAML: remove the character"
            ),
            one_line(
                "        - error_rate > 1%\n",
                "        - error_rate > 1%\n---\na: b\n",
                "88:1: a second document begins here: a file holds one",
            ),
        ],
    )
    def test_one_mistake(self, lines: Lines, old: str, new: str, expected: str) -> None:
        """Said in plain words, not in the parser's."""
        assert lines((old, new)) == [expected]

    def test_every_line_with_a_tab(self, lines: Lines) -> None:
        """An editor that writes tabs writes many: all are named at once."""
        found = lines(("    title: testnet", "\ttitle: testnet"), ("    risk: low", "  \t  risk: low"))
        assert found == [
            "s.yaml:6:1: indented with a tab: use spaces",
            "s.yaml:7:3: indented with a tab: use spaces",
        ]

    def test_aliases_do_not_grow(self, lines: Lines) -> None:
        """A few lines of aliases that stand for millions of values are refused, not unfolded."""
        bomb = "\n".join(f"    a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))
        found = lines(("    risk: low", f"    a0: &a0 [x]\n{bomb}\n    b: &b [*b]"))
        assert len(found) == 13
        assert all("anchors" in line for line in found)


class TestFiles:
    """What is said of a file that cannot even be read."""

    @pytest.mark.parametrize(
        ("raw", "expected"),
        [
            (b"", "1:1: the file is empty: `warroom init` writes one to start from"),
            (b"# nothing\n\n", "1:1: the file is empty: `warroom init` writes one to start from"),
            (b"hello\n", "1:1: expected a mapping with `schema`, `document`, `environments`, found `hello`"),
            (b"- hello\n", "1:1: expected a mapping with `schema`, `document`, `environments`, found a list"),
            (b"a: 1\nb: gr\xfcn\n", "2:6: not UTF-8 (byte 0xfc): save the file as UTF-8"),
            (b"\xc3\xa4: \xff", "1:4: not UTF-8 (byte 0xff): save the file as UTF-8"),
            (b"#" * (1 << 20) + b"\n", "1:1: larger than 1024 KiB: is it the right file?"),
            (b"a: " + b"[" * 1000, "1:1: cannot be read as YAML: is it nested too deeply?"),
        ],
        ids=["empty", "comment", "word", "list", "latin", "latin key", "large", "deep"],
    )
    def test_content(self, tmp_path: Path, raw: bytes, expected: str) -> None:
        """Each gets one line with the place."""
        path = tmp_path / "s.yaml"
        path.write_bytes(raw)
        assert said(path) == [f"s.yaml:{expected}"]

    def test_missing(self, tmp_path: Path) -> None:
        """And how to come by one."""
        assert said(tmp_path / "s.yaml") == [
            "s.yaml:1:1: no such file: `warroom init` writes one to start from"
        ]

    def test_a_folder(self, tmp_path: Path) -> None:
        """A folder is no file."""
        (tmp_path / "s.yaml").mkdir()
        assert said(tmp_path / "s.yaml") == ["s.yaml:1:1: a folder: name the file in it"]

    def test_a_pipe_does_not_block(self, tmp_path: Path) -> None:
        """Nobody waits for a writer that never comes."""
        os.mkfifo(tmp_path / "s.yaml")
        assert said(tmp_path / "s.yaml") == ["s.yaml:1:1: not a regular file"]

    def test_unreadable(self, tmp_path: Path) -> None:
        """The reason is the system's."""
        path = tmp_path / "s.yaml"
        path.write_text(SMALL)
        assert load_strategy(path, ACTIONS)
        path.chmod(0)
        with as_nobody():
            assert said(path) == ["s.yaml:1:1: cannot be read: Permission denied"]

    def test_below_a_file(self, tmp_path: Path) -> None:
        """A path that cannot exist is told as that."""
        (tmp_path / "file").touch()
        assert said(tmp_path / "file" / "s.yaml") == ["s.yaml:1:1: cannot be read: Not a directory"]

    @pytest.mark.parametrize("text", ["\ufeff" + SMALL, SMALL.replace("\n", "\r\n")], ids=["mark", "crlf"])
    def test_other_editors(self, tmp_path: Path, text: str) -> None:
        """A byte order mark and Windows' line ends are nobody's mistake, and move no column."""
        path = tmp_path / "s.yaml"
        path.write_bytes(text.encode())
        assert load_strategy(path, ACTIONS).raw == text.encode()
        path.write_bytes(text.replace("schema:", "shema:", 1).replace("risk: low", "risk: lo").encode())
        assert said(path) == [
            "s.yaml:2:1: unknown key `shema`: did you mean `schema`?",
            "s.yaml:7:11: unknown risk `lo`: did you mean `low`?",
        ]


def _everything_wanted(here: Wanted) -> Iterator[Wanted]:
    """Everything that a model wants, down to the last value."""
    yield here
    models = here.members().values() or (
        [here.kind] if isinstance(here.kind, type) and issubclass(here.kind, BaseModel) else []
    )
    for model in models:
        for name in Wanted(model).fields():
            yield from _everything_wanted(Wanted(model).below(name))
    if get_origin(here.kind) in (dict, list):
        for inner in get_args(here.kind):
            yield from _everything_wanted(wanted(inner))


@pytest.mark.parametrize("model", [Strategy, Roster])
def test_every_value_has_words(model: type[BaseModel]) -> None:
    """Whatever is wrong, what was expected can be said without a type's name."""
    words = [here.described() for here in _everything_wanted(Wanted(model))]
    assert len(words) > 5
    assert all(re.search(r"\b(str|int|dict|None|class|console)\b", text) is None for text in words)


NONSENSE: list[Any] = [None, [], {}, "x", "", 0, -1, 1.5, True, ["x"], {"x": 1}, [[1]], {"kind": []}]
LIBRARY = re.compile(r"(?i)\binput\b|pydantic|NoneType|\b(dict|str|int|list)\[|\bdictionary\b|instance of")


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(below, (*path, key))


def _with(document: Any, place: tuple[str | int, ...], value: Any) -> Any:
    if not place:
        return value
    changed = copy.copy(document)
    changed[place[0]] = _with(document[place[0]], place[1:], value)
    return changed


def test_nonsense_anywhere_is_told_in_plain_words() -> None:
    """At every place of the file, whatever is put there: one line each, without a library's words."""
    good = read(HERE / "small.yaml", "").value
    told = 0
    for index, place in enumerate(_places(good)):
        for nonsense in NONSENSE[index % 3 :: 3]:
            document = _with(good, place, nonsense)
            for finding in (*shaped(Strategy, document)[1], *check_strategy(document, ACTIONS)):
                told += 1
                assert finding.message.isprintable()
                assert not LIBRARY.search(finding.message), finding
    assert told > 500
