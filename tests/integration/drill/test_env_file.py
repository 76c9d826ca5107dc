"""Mainnet staging: a release with a wrong environment file, which the code alone does not heal."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.core.env_file import parse
from console.core.plan import Plan
from console.drill.env_file import SECRET
from console.drill.files import write_files
from console.drill.world import WorldWanted, start_keeper
from console.targets.env_file import EnvFiles
from console.targets.keeper import Keeper
from tests.integration.drill.kit import of_drill
from tests.integration.drill.playing import Played, play
from tests.integration.drill.test_drill_world import deploy, validate

SHELF = "walletconnect-mainnet-staging-*/env.backup"
LIMIT_S = 30.0


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """One drill for all tests that look at how it went."""
    return play(tmp_path_factory.mktemp("staging") / "drill", "env-file")


def plan_of(played: Played) -> Plan:
    """The one plan: nothing made another necessary."""
    (plan,) = played.plans
    return plan


def test_it_is_recovered_and_no_row_is_lost(played: Played) -> None:
    """By the service's own answer, with every step of the plan proven, and nothing of it left."""
    result = played.result
    assert (result.outcome, result.reason) == ("recovered", None), played.said
    assert (result.environment, result.scenario) == ("mainnet-staging", "env-file")
    assert (result.release.bad, result.release.target, result.release.running) == (
        "v1.11.2",
        "v1.11.1",
        "v1.11.1",
    )
    assert (result.data.rows_discarded, result.data.unaccounted) == (0, 0)
    assert result.recovery.met
    assert result.journal.valid
    assert of_drill(played.folder) == []


def test_the_steps_are_those_of_staging(played: Played) -> None:
    """The file is saved in prepare and swapped before anything deploys; integration tests are a gate."""
    steps = {step.id: step for step in played.result.steps}
    assert {step.status for step in steps.values()} == {"done"}
    assert {"env-saved", "backup", "restorable"} <= {s.id for s in steps.values() if s.phase == "prepare"}
    assert {"validation", "integration", "health"} <= {s.id for s in steps.values() if s.phase == "prove"}
    assert list(steps).index("env-file") < list(steps).index("integrate") < list(steps).index("deploy")
    assert plan_of(played).step("integration").params["gate"] == "yes"


def test_the_file_of_the_good_release_is_put_back(played: Played) -> None:
    """The plan names it, the keys that change, and no value."""
    words = plan_of(played).step("env-file").words
    assert "swap .env.walletconnect.mainnet-staging for walletconnect-mainnet-staging-v1.11.1" in words
    assert "GAS_MARGIN" in words
    assert "SESSION_TTL_S" in words
    assert SECRET not in words, "it is the same in both"


def test_two_engineers_and_the_security_lead_sign(played: Played) -> None:
    """The team lead is one of the engineers; that the audit passed is for the security lead to say."""
    signed = re.findall(r"^\S+ (\S+) +\1 signed plan", played.said, re.MULTILINE)
    assert len(signed) == 3
    assert {"lead-1", "sec-1"} < set(signed)
    assert re.search(r"^\S+ sec-1 .*security audit passed", played.said, re.MULTILINE)


def test_no_secret_is_anywhere_but_in_the_file_and_its_backups(played: Played) -> None:
    """Whatever the drill has left behind is read, byte by byte."""
    backups = list((played.folder / "env-backups").glob(SHELF))
    secrets = {parse(path.read_text()).values[SECRET].encode() for path in backups}
    assert (len(backups), len(secrets)) == (3, 2), "it was rotated once"
    assert not (played.folder / "secrets").exists(), "it goes with the drill"
    files = [path for path in played.folder.rglob("*") if path.is_file() and path not in backups]
    told = [path.read_bytes() for path in files]
    told += [played.said.encode(), msgspec.json.encode(played.result)]
    assert any(b"GAS_MARGIN" in text for text in told), "what is told of the file is among them"
    assert [path for path, text in zip(files, told, strict=False) if any(s in text for s in secrets)] == []
    assert not any(secret in text for secret in secrets for text in told)


# -- the world itself ---------------------------------------------------------------------------------


async def test_the_code_alone_does_not_heal_and_the_right_file_does(folder: Path) -> None:
    """The release before fails with today's file as well; with its own, both suites of it pass."""
    world = await (await start_keeper(folder, WorldWanted("mainnet-staging"))).ready()
    keeper, setting = Keeper(Path(world.socket)), write_files(folder, world)
    await keeper.break_("env-file")
    judged = {item["release"]: item for item in env_list(folder)}
    assert [tag for tag, item in judged.items() if item["fits"]] == ["v1.11.1"]
    assert judged["v1.11.0"]["why"].startswith(f"older than the rotation of {SECRET}")

    await deploy(world, keeper, "v1.11.1", "the code alone")
    alone = await validate(keeper)
    assert "FAIL estimates gas" in alone.stdout
    assert alone.returncode == 1

    rules = setting.environment.environment_file
    assert rules is not None
    files = EnvFiles(rules, folder, lambda _key, _value: None)
    good = Path(judged["v1.11.1"]["path"])
    files.swap(good.read_bytes(), files.current().sha256, files.path.with_name("kept"))
    await deploy(world, keeper, "v1.11.1", "with its file")
    healed = await validate(keeper)
    assert healed.returncode == 0, healed.stdout


def env_list(folder: Path) -> list[dict[str, Any]]:
    """What `warroom env list` says of each backup."""
    argv = [sys.executable, "-m", "console", "env", "list", "--json"]
    argv += ["--strategy", str(folder / "strategy.yaml"), "--roster", str(folder / "roster.yaml")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout, type=dict[str, Any])["backups"]  # type: ignore[no-any-return]
