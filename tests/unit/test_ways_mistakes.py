"""Mistakes in what is said of the ways back in git: where pull requests are opened, and who merges them."""

from pathlib import Path

import pytest

from console.config.loader import load_strategy
from tests.unit.test_asking_mistakes import said

BRANCH = "      branch: main\n"
BLOCK = {"kind": "github", "repository": "passportx/app", "token": "env:PULLS_TOKEN"}


def block(*more: str, **changes: str) -> tuple[str, str]:
    """The bundled production with a `pull_request`."""
    lines = "".join(f"        {name}: {value}\n" for name, value in {**BLOCK, **changes}.items())
    return BRANCH, BRANCH + "".join(more) + "      pull_request:\n" + lines


def test_the_block_says_who_merges(tmp_path: Path) -> None:
    way = "      integrate: pull request\n"
    assert said(tmp_path, block(way, merged_by="warroom", method="squash")) == []
    repository = load_strategy(tmp_path / "strategy.yaml").strategy.environments["production"].repository
    assert repository.integrate == "pull request"
    assert repository.pull_request is not None
    assert (repository.pull_request.merged_by, repository.pull_request.method) == ("warroom", "squash")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"merged_by": "nobody"}, "expected one of `people`, `warroom`"),
        ({"method": "force"}, "expected one of `merge`, `squash`, `rebase`"),
        ({"token": "ghp_0123456789"}, "expected a reference to the secret"),
        ({"repository": "wallet"}, "expected a repository as GitHub names it"),
    ],
)
def test_the_block(changed: dict[str, str], words: str, tmp_path: Path) -> None:
    (mistake,) = said(tmp_path, block(**changed))
    assert words in mistake
    assert "ghp_" not in mistake


def test_who_goes_by_pull_request_says_where(tmp_path: Path) -> None:
    (mistake,) = said(tmp_path, (BRANCH, BRANCH + "      integrate: pull request\n"))
    assert "`pull request` needs to know where one is opened: add `pull_request`" in mistake
