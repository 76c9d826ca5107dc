"""Mistakes in how a schema is judged: told with line and column."""

from pathlib import Path

import pytest

from tests.unit.test_asking_mistakes import at, said

REHEARSE = '      rehearse:\n        argv: [npm, run, "test:smoke"]\n        limit: 3m\n'
STEP = "      - id: rehearse\n        action: rehearse\n        phase: prepare\n"


def test_a_rehearsal_that_nobody_can_do(tmp_path: Path) -> None:
    (mistake,) = said(tmp_path, (REHEARSE, ""))
    assert "`rehearse` needs `schema` with `rehearse` in this environment" in mistake


def test_a_rehearsal_that_never_runs(tmp_path: Path) -> None:
    other = STEP.replace("action: rehearse", "action: fetch")
    (mistake,) = said(tmp_path, (STEP, other))
    assert mistake.startswith(f"strategy.yaml:{at(REHEARSE, 'rehearse')}: ")
    assert "no step of the runbook has the action `rehearse`" in mistake


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((REHEARSE, REHEARSE.replace("3m", "5m")), "must be longer than its command's, `5m`"),
        ((REHEARSE, REHEARSE.replace('[npm, run, "test:smoke"]', "[]")), "the program first"),
        (("      unknown: closes", "      unknown: maybe"), "expected one of `closes`, `allows`"),
        (("      new_rows: {}", "      new_rows: {wallets: {title: new}}"), "`sql` is missing"),
        (("    schema:\n      build:", "    schema:\n      bulid:"), "did you mean `build`?"),
    ],
)
def test_values_that_cannot_be(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    (mistake,) = said(tmp_path, change)
    assert mistake.startswith("strategy.yaml:")
    assert words in mistake
