"""Mistakes in how incidents are staffed: roles that there are not, twice, or that a task has alone."""

from pathlib import Path

import pytest

from tests.unit.test_asking_mistakes import ROSTER, said

ROLES = "      roles: [commander, operations, communications, scribe]"


def test_the_bundled_war_room_is_right(tmp_path: Path) -> None:
    assert said(tmp_path) == []


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        ("[commander, operations, communications, scribe, scribe]", "`scribe` is asked for already"),
        ("[commander, operations, communications]", "unknown role of `roles` `scribe`"),
        (
            "[commander, operations, communications, scribe, king]",
            "`king`: expected one of `commander`, `operations`, `communications`, `scribe`",
        ),
        ("[]", "a list of roles, at least one"),
    ],
    ids=["twice", "a task of nobody", "no such role", "none"],
)
def test_roles_that_cannot_be(tmp_path: Path, roles: str, words: str) -> None:
    (mistake,) = said(tmp_path, (ROLES, f"      roles: {roles}"))
    assert mistake.startswith("strategy.yaml:")
    assert words in mistake


def test_nobody_is_called_like_a_role(tmp_path: Path) -> None:
    """A task is for a handle or for a role: which, must be plain."""
    assert "  - handle: ceo-1\n" in ROSTER.read_text()
    (mistake,) = said(tmp_path, roster=("  - handle: ceo-1\n", "  - handle: scribe\n"))
    assert "`scribe` is a role of an incident: name them otherwise" in mistake
