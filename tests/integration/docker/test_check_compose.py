"""`warroom check` of an environment that deploys by Compose or by a command: what is lacking is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from console.core.checked import Sign
from tests.conftest import require
from tests.docker_engine import Engine
from tests.integration.cli.checking import SMALL, about, said
from tests.integration.docker.composed import Shop, image, ways

WAYS = ways()
IMAGE = f"sha256:{'a' * 64}"


@pytest.fixture
def shop(docker_engine: Engine, tmp_path: Path) -> Iterator[Shop]:
    require("needs Docker Compose", found=bool(WAYS))
    with image(docker_engine, "v1.5.3") as bad:
        made = Shop(docker_engine, tmp_path, WAYS[0], bad)
        try:
            made.up()
            yield made
        finally:
            made.close()


def deploys(folder: Path, rules: dict[str, Any], **images: str) -> Path:
    """The small strategy that deploys so, and one good release with those images."""
    yaml = YAML()
    whole = yaml.load(SMALL)
    whole["environments"]["testnet"]["deploy"] = rules
    path = folder / "strategy.yaml"
    with path.open("w") as file:
        yaml.dump(whole, file)
    release = {
        "tag": "v1.5.0",
        "commit": "c" * 40,
        "verdict": "good",
        "said_by": "eng-1",
        "deployed": "2026-01-01T00:00:00Z",
        "images": images,
    }
    with (folder / whole["environments"]["testnet"]["releases"]["file"]).open("w") as file:
        yaml.dump({"releases": [release]}, file)
    return path


def rules_of(shop: Shop) -> dict[str, Any]:
    return {
        "kind": "compose",
        "files": ["compose.yml"],
        "project": shop.name,
        "services": {"api": "api", "worker": "worker"},
        "docker": shop.engine.url,
        "room": "1kB",
    }


def test_all_is_well_but_releases_without_images_are_told(shop: Shop) -> None:
    path = deploys(shop.folder, rules_of(shop), api=IMAGE)
    remarks = said(path)
    (good,) = about(remarks, "deploy", Sign.GOOD)
    assert good.startswith(f"Compose answers for {shop.name}: ")
    assert about(remarks, "deploy", Sign.WARN) == [
        "1 good release without an image of each component: v1.5.0"
    ]
    (never,) = about(remarks, "deploy", Sign.NOTE)
    assert "is never called" in never
    path = deploys(shop.folder, rules_of(shop), api=IMAGE, worker=IMAGE)
    assert not about(said(path), "deploy", Sign.WARN, Sign.LACK)


def test_what_would_stop_a_deployment_is_told_long_before(shop: Shop) -> None:
    shop.services["api"]["volumes"] = ["./src:/app"]
    shop.write()
    shop.container("db").stop(timeout=0)
    lacking = about(said(deploys(shop.folder, rules_of(shop))), "deploy", Sign.LACK)
    assert len(lacking) == 2
    assert "is mounted into api at /app" in lacking[0]
    assert "which the application needs, has exited with code 137: start it" in lacking[1]


def test_a_command_is_looked_for_and_not_run(tmp_path: Path) -> None:
    rules = {"kind": "command", "argv": ["./deploy.sh"], "limit": "5m"}
    path = deploys(tmp_path, rules)
    assert about(said(path), "deploy", Sign.LACK) == ["`./deploy.sh` is not there"]
    script = tmp_path / "deploy.sh"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/run\n")
    script.chmod(0o755)
    remarks = said(path)
    assert about(remarks, "deploy", Sign.GOOD) == ["`./deploy.sh` is there"]
    assert about(remarks, "deploy", Sign.NOTE) == ["no `dry_run`: it is not tried before the gate"]
    assert not (tmp_path / "run").exists()
