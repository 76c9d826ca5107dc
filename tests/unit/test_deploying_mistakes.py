"""Mistakes in how an environment deploys by Compose or by a command: told with line and column."""

import itertools
import re
from pathlib import Path

import pytest

from console.config.loader import load_strategy
from console.config.paths import BUNDLED
from console.core.deploying import ComposeDeploy
from tests.unit.test_asking_mistakes import said

PIPELINE = "    deploy:\n      kind: pipeline\n"
COMPOSE = {
    "files": "[docker-compose.walletconnect.yml]",
    "project": "passportx",
    "services": "{api: api, worker: worker}",
}
COMMAND = {"argv": "[./deploy.sh]", "dry_run": "[./deploy.sh, --dry-run]", "limit": "5m"}


def block(kind: str, **changes: str) -> tuple[str, str]:
    """The bundled production with another `deploy`."""
    told = {"kind": kind, **{"compose": COMPOSE, "command": COMMAND}[kind], **changes}
    return PIPELINE, "    deploy:\n" + "".join(f"      {name}: {value}\n" for name, value in told.items())


@pytest.mark.parametrize("environment", ["mainnet-staging", "production"])
def test_as_the_comment_has_it_is_right(environment: str, tmp_path: Path) -> None:
    whole = (BUNDLED / "strategy.yaml").read_text()
    start = whole.index("    # deploy:\n", whole.index(f"  {environment}:\n"))
    lines = whole[start:].splitlines(keepends=True)
    comment = "".join((lines[0], *itertools.takewhile(lambda line: line.startswith("    #   "), lines[1:])))
    before = whole.rindex(PIPELINE, 0, start)
    written = re.sub("^    # ", "    ", comment, flags=re.MULTILINE)
    path = tmp_path / "strategy.yaml"
    path.write_text(whole[:before] + written + whole[start + len(comment) :])
    deploy = load_strategy(path).strategy.environments[environment].deploy
    assert isinstance(deploy, ComposeDeploy)
    assert deploy.files == ["docker-compose.walletconnect.yml"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"files": "[]"}, "expected a list of at least one file of Compose"),
        ({"services": "{}"}, "expected a mapping of component to service"),
        ({"services": "{api: api, worker: api}"}, "service `api` is that of `api` already"),
        ({"services": "{api: api, store: db}", "depends": "[db]"}, "`db` is deployed itself"),
        ({"room": "lots"}, "expected a size above zero"),
        ({"environment": "{DSN: postgresql://x}"}, "expected a reference to the secret"),
        ({"environment": "{WARROOM_IMAGE: env:X}"}, "`WARROOM_IMAGE` is set by Warroom"),
        ({"environment": "{a-b: env:X}"}, "`a-b` is no name of a variable"),
        ({"mounts": "{./src: mine}"}, "expected one of `kept`, `code`"),
        ({"mounts": "{/srv/src: code}"}, "`/srv/src`: code is named by its path in the repository"),
        ({"mounts": "{../src: code}"}, "`../src`: code is named by its path in the repository"),
        ({"service": "api"}, "unknown key `service`: did you mean `services`?"),
    ],
)
def test_compose(changed: dict[str, str], words: str, tmp_path: Path) -> None:
    (mistake,) = said(tmp_path, block("compose", **changed))
    assert re.match(r"strategy\.yaml:\d+:\d+: ", mistake)
    assert words in mistake
    assert "postgresql://" not in mistake


@pytest.mark.parametrize("container", ["db", "passportx-db-1", "passportx_db_1"])
def test_a_container_that_holds_the_data_is_never_deployed(container: str, tmp_path: Path) -> None:
    data = "    data:\n"
    (mistake,) = said(
        tmp_path,
        block("compose", services="{api: api, store: db}"),
        (data, f"{data}      container: {container}\n"),
    )
    assert "`db` holds the data: it is never stopped, take it out" in mistake


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"argv": "[]"}, "the program first"),
        ({"limit": "0s"}, "expected a duration above zero"),
        ({"stop": "[./stop.sh]"}, "`stop` needs `start`: what is stopped is started again"),
        ({"start": "[./start.sh]"}, "`start` needs `stop`"),
        ({"dryrun": "[./deploy.sh, -n]"}, "unknown key `dryrun`: did you mean `dry_run`?"),
    ],
)
def test_a_command(changed: dict[str, str], words: str, tmp_path: Path) -> None:
    (mistake,) = said(tmp_path, block("command", **changed))
    assert re.match(r"strategy\.yaml:\d+:\d+: ", mistake)
    assert words in mistake
