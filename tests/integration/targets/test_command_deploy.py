"""Deployments by a command: told what to run, tried dry, and believed when the service answers."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from console.core.deploying import CommandDeploy
from console.core.plan import Release
from console.store.clock import SystemClock
from console.targets.command_deploy import CommandDeployer
from console.targets.deploy import DeployError, Deployment, Running
from tests.integration.actions.kit import FakeHealth, Recorded, answer

IMAGE = f"sha256:{'a' * 64}"
WISH = Deployment("c" * 40, "v1.5.0", "INC-7QK2-12345678-deploy-1", 30.0, {"api-server": IMAGE})
SCRIPT = """#!/bin/sh
echo "deploying $WARROOM_RELEASE $WARROOM_COMMIT $WARROOM_IMAGE_API_SERVER $1"
env >seen.env
exit ${CODE:-0}
"""


class Site:
    """A folder with a deploy script in it, and a service that answers what it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.health = FakeHealth()
        script = folder / "deploy.sh"
        script.write_text(SCRIPT)
        script.chmod(0o755)

    def deployer(self, environment: dict[str, str] | None = None, **changes: Any) -> CommandDeployer:
        """The deployer that the strategy describes."""
        told = {"kind": "command", "argv": ["./deploy.sh"], "limit": "20s", **changes}
        return CommandDeployer(
            CommandDeploy.model_validate(told),
            Recorded(self.folder),
            self.health,  # type: ignore[arg-type]  # only its `ask` is used
            SystemClock(),
            self.folder,
            lambda: environment or {},
        )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


async def test_it_is_told_what_to_run_and_sees_nothing_else_of_ours(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_SECRET", "x")
    said: list[str] = []
    await site.deployer({"REGION": "eu"}).deploy(WISH, said.append)
    assert said == [f"deploying v1.5.0 {'c' * 40} {IMAGE} "], "each line as it comes"
    seen = (site.folder / "seen.env").read_text()
    assert "REGION=eu\n" in seen
    assert "OUR_SECRET" not in seen


async def test_exit_code_0_is_believed_when_the_service_answers_the_version(site: Site) -> None:
    site.health.answers = [answer("v1.5.3"), answer("v1.5.0")]
    await site.deployer().deploy(WISH, lambda _words: None)
    assert site.health.asked == 2


async def test_exit_code_0_proves_nothing(site: Site) -> None:
    site.health.answers = [answer("v1.5.3")]
    hasty = Deployment(WISH.commit, WISH.version, WISH.token, 1.5, WISH.images)
    with pytest.raises(DeployError, match=r"^after \d s the service answers v1\.5\.3$"):
        await site.deployer().deploy(hasty, lambda _words: None)


async def test_a_command_that_fails_is_told_with_its_last_words_and_nobody_is_asked(site: Site) -> None:
    with pytest.raises(DeployError, match=r"^`\./deploy\.sh` exited with code 3: deploying v1\.5\.0"):
        await site.deployer({"CODE": "3"}).deploy(WISH, lambda _words: None)
    assert site.health.asked == 0


async def test_a_command_that_hangs_is_ended(site: Site) -> None:
    with pytest.raises(DeployError, match=r"^`sleep` took longer than 0\.5 s and was ended$"):
        await site.deployer(argv=["sleep", "60"], limit="500ms").deploy(WISH, lambda _words: None)


async def test_a_command_that_is_not_there_is_one_line(site: Site) -> None:
    with pytest.raises(DeployError, match=r"\./gone\.sh"):
        await site.deployer(argv=["./gone.sh"]).deploy(WISH, lambda _words: None)


async def test_the_dry_run_is_tried_beforehand(site: Site) -> None:
    said: list[str] = []
    dry = ["./deploy.sh", "--dry-run"]
    assert await site.deployer(dry_run=dry).ready(WISH, said.append) == []
    assert said == [f"deploying v1.5.0 {'c' * 40} {IMAGE} --dry-run"]
    (lacking,) = await site.deployer({"CODE": "9"}, dry_run=dry).ready(WISH, said.append)
    assert lacking.startswith("the dry run: `./deploy.sh` exited with code 9: ")
    said.clear()
    assert await site.deployer().ready(WISH, said.append) == []
    assert said == ["the strategy names no `dry_run`: the command is not tried before the gate"]


async def test_the_service_itself_says_what_runs(site: Site) -> None:
    site.health.answers = [answer("v1.5.3", "abc1234")]
    assert await site.deployer().settled() == Running("abc1234", "v1.5.3", "the service answers v1.5.3")


async def test_writers_are_stopped_and_started_by_commands_or_by_hand(site: Site) -> None:
    deployer = site.deployer(stop=["touch", "stopped"], start=["rm", "stopped"])
    await deployer.stop_writers(lambda _words: None, 10)
    assert (site.folder / "stopped").exists()
    await deployer.start_writers(lambda _words: None, 10)
    assert not (site.folder / "stopped").exists()
    assert deployer.writers_effect(stop=True) == "touch stopped"
    for work in (site.deployer().stop_writers, site.deployer().start_writers):
        with pytest.raises(DeployError, match="the strategy has no command to .* the service"):
            await asyncio.ensure_future(work(lambda _words: None, 10))
    assert site.deployer().writers_effect(stop=False).startswith("by hand")


def test_the_plan_says_the_command_and_what_it_is_told(site: Site) -> None:
    line = site.deployer().effect(Release("v1.5.0", "a" * 40, "b" * 40), "main", WISH.images)
    told = f"WARROOM_RELEASE=v1.5.0 WARROOM_IMAGE_API_SERVER={IMAGE} WARROOM_COMMIT=... ./deploy.sh"
    assert line == told
