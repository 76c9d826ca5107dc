"""The card's DEPLOY, typed into a shell: the release comes to run, and the database is not touched."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from console.core.card import WIDTH, Subject, card, lines
from console.core.deploying import ComposeDeploy
from console.targets.compose.cli import engine_variables
from tests.conftest import require
from tests.docker_engine import Engine
from tests.integration.cli.test_card import subject
from tests.integration.docker.composed import Shop, image, ways

WAYS = ways()


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


def with_compose(folder: Path, project: str) -> Subject:
    """The bundled production, deployed by Compose."""
    rules = ComposeDeploy.model_validate(
        {
            "kind": "compose",
            "files": ["compose.yml"],
            "project": project,
            "folder": str(folder),
            "services": {"api": "api", "queue-worker": "worker"},
        }
    )
    made = subject(folder)
    production = made.environment.model_copy(update={"deploy": rules})
    return replace(made, strategy=made.strategy.model_copy(update={"environments": {made.name: production}}))


def test_what_it_says_to_type_deploys_the_pinned_images(
    docker_engine: Engine, shop: Shop, tmp_path: Path
) -> None:
    (section,) = [one for one in card(with_compose(shop.folder, shop.name)) if one.title == "DEPLOY"]
    script = "\n".join(section.shell).replace("docker compose", " ".join(shop.way))
    before = shop.began("db")
    with image(docker_engine, "v1.5.0") as good:
        told = {"API": good, "QUEUE_WORKER": good, **engine_variables(docker_engine.url)}
        subprocess.run(["sh", "-euc", script], check=True, capture_output=True, env={**os.environ, **told})
        assert {shop.container(name).attrs["Image"] for name in ("api", "worker")} == {good}
        assert shop.began("db") == before
        for name in ("api", "worker"):
            shop.engine.remove(shop.container(name))


def test_without_an_image_nothing_is_typed_on(shop: Shop) -> None:
    (section,) = [one for one in card(with_compose(shop.folder, shop.name)) if one.title == "DEPLOY"]
    before = shop.began("api")
    done = subprocess.run(
        ["sh", "-euc", "\n".join(section.shell)], check=False, capture_output=True, text=True
    )
    assert done.returncode
    assert "API: its image" in done.stderr
    assert shop.began("api") == before


def test_its_lines_fit_the_page(tmp_path: Path) -> None:
    page = lines(with_compose(Path("/srv/passportx"), "passportx-production"))
    assert max(map(len, page)) <= WIDTH
    assert any("--no-deps" in line for line in page)
