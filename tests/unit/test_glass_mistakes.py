"""Mistakes in who may break the glass: people whom nobody asks, no fewer, a schema that nobody can tell."""

from pathlib import Path

import pytest

from tests.unit.test_asking_mistakes import said

OFF = "      # break_glass:                 # off"
NO_BUILD = ('      build:\n        argv: [npm, run, "db:migrate"]\n        limit: 2m\n', "")


def broken(signatures: int = 2, one_of: str = "[security-lead, operations-lead]") -> tuple[str, str]:
    """The bundled production with the glass to be broken like that."""
    rule = f"{{signatures: {signatures}, one_of: {one_of}, review_within: 24h}}"
    return OFF, f"      break_glass: {rule}\n{OFF}"


def test_as_the_comment_has_it_is_right(tmp_path: Path) -> None:
    assert said(tmp_path, broken()) == []


def test_a_schema_that_nobody_can_tell(tmp_path: Path) -> None:
    (mistake,) = said(tmp_path, NO_BUILD, broken())
    assert "it needs to know that the schema is safe: name `schema` with `build`" in mistake


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (broken(signatures=1), "expected a whole number, two at least"),
        (broken(signatures=6), "the matrix asks for 6 already"),
        (
            broken(one_of="[security]"),
            "unknown role of `approvers` `security`: did you mean `security-lead`?",
        ),
        (broken(one_of="[]"), "a list of at least one role"),
    ],
    ids=["alone", "no fewer", "nobody of that role", "nobody at all"],
)
def test_who_cannot_break_it(tmp_path: Path, rule: tuple[str, str], words: str) -> None:
    (mistake,) = said(tmp_path, rule)
    assert mistake.startswith("strategy.yaml:")
    assert words in mistake


def test_a_claim_breaks_nothing(tmp_path: Path) -> None:
    proof = ("      proof: signature", "      proof: claim")
    (mistake,) = said(tmp_path, broken(), proof)
    assert "the glass is broken by signatures" in mistake
