"""The drill with its service under Compose: the whole rollback by pinned image, and nothing left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from console.core.exits import Exit
from console.drill.contained import ContainedAt
from console.drill.place import Place
from tests.conftest import require
from tests.docker_engine import Engine
from tests.integration.docker.composed import ways

LIMIT_S = 400


def drill(folder: Path, docker: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """`warroom drill` in that folder, with the engine at that address."""
    argv = [sys.executable, "-m", "console", "drill", "--deploy", "compose", "--dir", str(folder), *words]
    told = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "DOCKER_HOST": docker}
    return subprocess.run(argv, capture_output=True, text=True, check=False, env=told, timeout=LIMIT_S)


GOOD = {"testnet": "v1.5.0", "mainnet-staging": "v1.11.1", "production": "v1.5.0"}
"""What is gone back to in each environment; in staging, its container must see the environment file too."""


@pytest.mark.parametrize("environment", GOOD)
def test_the_drill_rolls_back_by_pinned_image(
    environment: str, docker_engine: Engine, tmp_path: Path
) -> None:
    require("needs Docker Compose", found=bool(ways()))
    images = {image.id for image in docker_engine.client.images.list()}
    folder = tmp_path / "drill"
    done = drill(folder, docker_engine.url, "--env", environment, "--headless", "--json")
    assert done.returncode == Exit.DONE, done.stderr[-2000:]
    result = json.loads(done.stdout)
    assert result["outcome"] == "recovered"
    assert result["release"]["running"] == result["release"]["target"] == GOOD[environment]
    assert result["recovery"]["met"]
    assert result["journal"]["valid"]
    assert "deploy: done" in done.stderr
    assert "all 1 run the pinned image" in done.stderr
    if environment == "production":
        steps = {step["id"]: step["status"] for step in result["steps"]}
        assert (steps["deploy-ready"], steps["capture"], steps["stop-writers"]) == ("done", "done", "done")
    else:
        assert result["data"]["rows_discarded"] == 0
    project = ContainedAt.of(Place(folder), docker_engine.url).project
    label = {"label": f"com.docker.compose.project={project}"}
    assert not docker_engine.client.containers.list(all=True, filters=label)
    assert {image.id for image in docker_engine.client.images.list()} == images


def test_without_an_engine_it_says_so_before_anything_is_made(tmp_path: Path) -> None:
    done = drill(tmp_path / "drill", f"unix://{tmp_path}/none.sock", "--headless")
    assert done.returncode == Exit.USAGE
    assert "--deploy compose needs Docker and Compose: the Docker engine at " in done.stderr
    assert not (tmp_path / "drill").exists()


def test_an_automatic_rollback_is_rehearsed_with_processes(tmp_path: Path) -> None:
    done = drill(tmp_path / "drill", "", "--automatic", "--headless")
    assert done.returncode == Exit.USAGE
    assert "leave out --deploy" in done.stderr
