"""Mistakes in what is said of the CI: its block, who says yes to a freeze, its end, our own deployment."""

import re
from pathlib import Path

import pytest

from console.config.check import summary
from console.config.loader import load_strategy
from console.config.paths import BUNDLED
from console.core.clock import Stamp
from tests.unit.test_asking_mistakes import at, said

PIPELINE = "    deploy:\n      kind: pipeline\n"
FREEZE = "        title: freeze the CI\n        authority: commander\n"


def block(**changes: str) -> tuple[str, str]:
    """The bundled production with a `ci`, written as its comment has it."""
    told = {"kind": "github", "repository": "passportx/wallet", "workflow": "Deploy", "token": "env:CI_TOKEN"}
    lines = "".join(f"      {name}: {value}\n" for name, value in {**told, **changes}.items())
    return PIPELINE, f"{PIPELINE}    ci:\n{lines}"


def test_as_the_comment_has_it_is_right(tmp_path: Path) -> None:
    whole = (BUNDLED / "strategy.yaml").read_text()
    production = whole[whole.index("  production:\n") :]
    start = production.index("    # ci:\n")
    comment = production[start : production.index("    service:\n", start)]
    written = re.sub("^    # ", "    ", comment, flags=re.MULTILINE)
    assert said(tmp_path, (comment, written)) == []
    loaded = load_strategy(tmp_path / "strategy.yaml").strategy.environments["production"]
    assert loaded.ci is not None
    assert (loaded.ci.workflow, loaded.ci.every, loaded.ci.cancel_after) == ("Deploy", 2, 30)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"kind": "jenkins"}, "expected `github`"),
        ({"repository": "wallet"}, "expected a repository as GitHub names it, `owner/name`"),
        ({"token": "ghp_0123456789"}, "expected a reference to the secret"),
        ({"every": "0s"}, "expected a duration above zero"),
        ({"api": "api.github.com"}, "expected an address that begins with `http://` or `https://`"),
        ({"cancelafter": "3s"}, "unknown key `cancelafter`: did you mean `cancel_after`?"),
    ],
)
def test_the_block(changed: dict[str, str], words: str, tmp_path: Path) -> None:
    (mistake,) = said(tmp_path, block(**changed))
    assert mistake.startswith("strategy.yaml:")
    assert words in mistake
    assert "ghp_" not in mistake


@pytest.mark.parametrize("authority", ["none", "matrix"])
def test_a_freeze_is_the_commanders(authority: str, tmp_path: Path) -> None:
    mistakes = said(tmp_path, (FREEZE, FREEZE.replace("commander", authority)))
    place = at(FREEZE, "commander")
    assert any(
        mistake.startswith(f"strategy.yaml:{place}: `freeze` has authority `commander`")
        for mistake in mistakes
    )


def test_nothing_behind_the_gate_is(tmp_path: Path) -> None:
    deploy = "        needs: [integrate, sessions, pass-commit]\n        authority: matrix\n"
    (mistake,) = said(tmp_path, (deploy, deploy.replace("matrix", "commander")))
    assert "a step of `switch` has authority `matrix`, not `commander`" in mistake


def test_a_freeze_ends(tmp_path: Path) -> None:
    """And not before the proof."""
    (mistake,) = said(tmp_path, ("        action: unfreeze\n", "        action: tidy\n"))
    assert "`freeze` needs a step `unfreeze` in `close`: nothing ends it" in mistake
    early = "        action: unfreeze\n        phase: close\n"
    (mistake,) = said(tmp_path, (early, early.replace("close", "prove")))
    assert "`unfreeze` belongs to `close`" in mistake


def test_what_deploys_may_pass(tmp_path: Path) -> None:
    """The pipeline that is frozen is the one that the rollback itself needs."""
    (mistake,) = said(tmp_path, ("        action: pass-commit\n", "        action: count-rows\n"))
    assert "`freeze` stops the pipeline that deploys: add a step `pass-commit` before `deploy`" in mistake


def test_what_is_left_out_without_it_is_told() -> None:
    loaded = load_strategy(BUNDLED / "strategy.yaml")
    told = "\n".join(summary(loaded, Stamp(1_772_028_557_000_000, "boot", 0)))
    assert "steps that need a `ci`: freeze, pass-commit, unfreeze" in told
