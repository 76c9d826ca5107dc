"""Mistakes in what is said of a swarm that deploys: services, pace, and the time that the step has."""

import re
from pathlib import Path

import pytest

from console.config.loader import load_strategy
from console.config.paths import BUNDLED
from console.core.strategy import SwarmDeploy
from tests.unit.test_asking_mistakes import said

PIPELINE = "    deploy:\n      kind: pipeline\n"


def block(**changes: str) -> tuple[str, str]:
    """The bundled production deployed by a swarm."""
    told = {"kind": "swarm", "services": "{app: web}", **changes}
    lines = "".join(f"      {name}: {value}\n" for name, value in told.items())
    return PIPELINE, f"    deploy:\n{lines}"


def test_as_the_comment_has_it_is_right(tmp_path: Path) -> None:
    whole = (BUNDLED / "strategy.yaml").read_text()
    production = whole[whole.index("  production:\n") :]
    (comment,) = re.findall(r"    # deploy: (\{kind: swarm, .*\})", production)
    assert said(tmp_path, (PIPELINE, f"    deploy: {comment}\n")) == []
    deploy = load_strategy(tmp_path / "strategy.yaml").strategy.environments["production"].deploy
    assert isinstance(deploy, SwarmDeploy)
    assert (deploy.order, deploy.parallelism, deploy.monitor) == ("start-first", 2, 5)
    assert (deploy.failure, deploy.delay, deploy.docker) == ("rollback", 0, None)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"services": "{}"}, "expected a mapping of each component to its service"),
        ({"services": '{app: "my web"}'}, "expected the name of a service, as `docker service ls` prints it"),
        ({"services": "{App: web}"}, "expected a name in lower case"),
        ({"order": "start-frist"}, "unknown order `start-frist`: did you mean `start-first`?"),
        ({"failure": "continue"}, "unknown failure `continue`: expected one of `rollback`, `pause`"),
        ({"parallelism": "0"}, "expected a whole number from 1"),
        ({"monitor": "0s"}, "expected a duration above zero"),
        ({"docker": "manager-1"}, "expected an engine's address such as `unix:///var/run/docker.sock`"),
        ({"paralellism": "2"}, "unknown key `paralellism`: did you mean `parallelism`?"),
        ({"services": "{app: web, jobs: web}"}, "service `web` is that of `app` already"),
    ],
)
def test_the_block(changed: dict[str, str], words: str, tmp_path: Path) -> None:
    (mistake,) = said(tmp_path, block(**changed))
    assert words in mistake
    assert mistake.startswith("strategy.yaml:")


def test_a_step_that_gives_up_before_the_swarm_has_watched(tmp_path: Path) -> None:
    """Such an update could never be seen to end."""
    (mistake,) = said(tmp_path, block(monitor="1h"))
    assert mistake.endswith(
        "the swarm watches new tasks for 3600 s (`deploy.monitor`): give this step longer"
    )
