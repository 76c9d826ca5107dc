"""Mistakes in how people are asked: what no word of the command means, and levels that nobody is."""

from pathlib import Path

import pytest

from actions.registry import ACTIONS
from console.config.check import check_files
from console.config.paths import BUNDLED

STRATEGY, ROSTER = (BUNDLED / name for name in ("strategy.yaml", "roster.yaml"))
PRODUCTION = "  production:\n"
COMMAND = '        # command: [sendmail, "{contact}"]'


def said(folder: Path, *changes: tuple[str, str], roster: tuple[str, str] = ("", "")) -> list[str]:
    """What is said of the bundled files with something of production, and of the roster, replaced."""
    head, mark, production = STRATEGY.read_text().partition(PRODUCTION)
    for old, new in changes:
        assert old in production, old
        production = production.replace(old, new, 1)
    people = ROSTER.read_text()
    assert roster[0] in people
    for name, text in (("strategy.yaml", head + mark + production), ("roster.yaml", people.replace(*roster))):
        (folder / name).write_text(text)
    found = check_files(folder / "strategy.yaml", folder / "roster.yaml", ACTIONS)
    return [str(mistake).removeprefix(f"{folder}/") for mistake in found]


def at(old: str, what: str) -> str:
    """Line and column of something in the bundled strategy's production."""
    whole = STRATEGY.read_text()
    start = whole.index(old, whole.index(PRODUCTION)) + old.index(what)
    return f"{whole.count(chr(10), 0, start) + 1}:{start - whole.rfind(chr(10), 0, start)}"


def test_a_command_with_what_can_be_put_in_is_right(tmp_path: Path) -> None:
    command = '        command: [page, --as, "{handle}", "mailto:{contact}"]'
    assert said(tmp_path, (COMMAND, command)) == []


@pytest.mark.parametrize(
    ("word", "column", "words"),
    [
        ("to={contakt}", 3, "nothing is put in for `{contakt}`: did you mean `{contact}`?"),
        ("{}", 0, "nothing is put in for `{}`: expected one of `{handle}`, `{contact}`"),
    ],
)
def test_a_placeholder_that_means_nothing_is_refused_where_it_stands(
    tmp_path: Path, word: str, column: int, words: str
) -> None:
    command = f"        command: [page, '{word}']"
    line = STRATEGY.read_text().count("\n", 0, STRATEGY.read_text().rindex(COMMAND)) + 1
    place = f"{line}:{command.index(word) + 1 + column}"
    (mistake,) = said(tmp_path, (COMMAND, command))
    assert mistake.startswith(f"strategy.yaml:{line}:")
    assert words in mistake
    assert f"strategy.yaml:{place}:" in mistake


@pytest.mark.parametrize("key", ["again", "deputy_after", "limit"])
def test_no_time_at_all_is_no_time_to_wait(tmp_path: Path, key: str) -> None:
    """Somebody would be asked without end."""
    before = {"again": "again: 2m", "deputy_after": "deputy_after: 5m", "limit": "paging"}[key]
    change = (
        (before, f"{key}: 0s")
        if key != "limit"
        else ("limit: 10s\n        again", "limit: 0s\n        again")
    )
    (mistake,) = said(tmp_path, change)
    assert "a duration above zero" in mistake


def test_a_level_that_nobody_holds_is_a_mistake(tmp_path: Path) -> None:
    """Also when somebody would stand in for them: a deputy signs, but is not told."""
    path = "[on-call-engineer, team-lead, executive, ceo]"
    (mistake,) = said(tmp_path, (path, "[on-call-engineer, cto]"))
    assert mistake.startswith(f"strategy.yaml:{at(path, 'team-lead')}")
    assert "nobody in the roster holds the role `cto`, so nobody is told" in mistake
    deputy = ("    roles: [ceo]", "    roles: []\n    deputy_for: [ceo]")
    found = said(tmp_path, roster=deputy)
    assert len(found) == 2, "staging and production"
    assert all("nobody in the roster holds the role `ceo`" in mistake for mistake in found)


def test_a_role_without_a_deputy_is_no_mistake(tmp_path: Path) -> None:
    assert said(tmp_path, roster=("    deputy_for: [security-lead]\n", "    deputy_for: []\n")) == []


def test_a_level_twice_a_path_without_paging_and_a_path_that_never_begins(tmp_path: Path) -> None:
    path = "[on-call-engineer, team-lead, executive, ceo]"
    (twice,) = said(tmp_path, (path, "[ceo, team-lead, ceo]"))
    assert "`ceo` is an earlier level of the path already" in twice
    (never,) = said(tmp_path, ("within: 30m", "within: 0s"))
    assert "it begins when the time to say yes is over, and `within` sets none" in never
    production = STRATEGY.read_text().partition(PRODUCTION)[2]
    start, end = production.index("      paging:"), production.index("      escalation:")
    (alone,) = said(tmp_path, (production[start:end], ""))
    assert "nobody is told without `paging` beside it" in alone
