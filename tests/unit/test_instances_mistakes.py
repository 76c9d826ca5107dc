"""Mistakes in the instances and components of a service."""

from pathlib import Path

import pytest

from console.config.loader import load_strategy
from tests.unit.test_asking_mistakes import said

COMMENT = (
    "      # instances:                   # where it runs as several: healthy is all of them\n"
    "      #   app-1: http://10.0.0.11:3000/health\n"
)


def with_instances(lines: str) -> tuple[str, str]:
    """The bundled production with these under `service`."""
    return COMMENT, lines


def test_as_the_comment_has_it_is_right(tmp_path: Path) -> None:
    assert said(tmp_path, with_instances(COMMENT.replace("# ", "", 1).replace("#   ", "  ", 1))) == []
    loaded = load_strategy(tmp_path / "strategy.yaml").strategy.environments["production"]
    assert dict(loaded.service.instances) == {"app-1": "http://10.0.0.11:3000/health"}


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("      instances: {app-1: 10.0.0.11}\n", "expected an address that begins with `http://`"),
        ("      instances: {App 1: http://a/health}\n", "expected a name in lower case"),
        ("      instances: [http://a/health]\n", "expected a mapping of each instance's name to the address"),
        (
            "      instances: {app-1: http://a/health, app-2: http://a/health}\n",
            "`app-1` is asked there already: name each of them once",
        ),
        ("      components: {worker: 3}\n", "expected text"),
    ],
)
def test_what_is_wrong_is_told(lines: str, words: str, tmp_path: Path) -> None:
    (mistake,) = said(tmp_path, with_instances(lines))
    assert mistake.startswith("strategy.yaml:")
    assert words in mistake
