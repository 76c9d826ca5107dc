"""The steps of a rollback with Compose, by the actions themselves: ready, captured, deployed, and back."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from actions.action import ActionError
from console.config.secrets import Secrets
from console.engine.stores import StoreMaker
from console.targets.deploy import DeployError
from console.targets.docker.inventory import Inventory
from tests.conftest import require
from tests.docker_engine import Engine
from tests.integration.actions.kit import Operator, Place, Said, copy_history, make_history
from tests.integration.docker.composed import Shop, image, ways, wish
from tests.unit.engine.kit import environment

WAYS = ways()


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """The remote with its history."""
    source = tmp_path / "source"
    source.mkdir()
    make_history(source)
    folder = tmp_path / "git"
    folder.mkdir()
    return copy_history(source, folder)


@pytest.fixture
def shop(docker_engine: Engine, tmp_path: Path) -> Iterator[Shop]:
    """The application, up with the bad image."""
    require("needs Docker Compose", found=bool(WAYS))
    folder = tmp_path / "shop"
    folder.mkdir()
    with image(docker_engine, "v1.5.3") as bad:
        made = Shop(docker_engine, folder, WAYS[0], bad)
        try:
            made.up()
            yield made
        finally:
            made.close()


async def placed(shop: Shop, operator: Operator, folder: Path, images: dict[str, str]) -> Place:
    """A world that deploys by Compose, and a plan that pins those images."""
    rules = {
        "kind": "compose",
        "files": ["compose.yml"],
        "project": shop.name,
        "folder": str(shop.folder),
        "services": {"api": "api", "worker": "worker"},
        "docker": shop.engine.url,
    }
    place = Place(folder / "git", operator)
    made = environment(deploy=rules, backups={"folder": "backups"})
    maker = StoreMaker(place.programs, Secrets({"DSN": "postgresql://u@h/d"}), folder, folder)
    place.world = dataclasses.replace(
        place.world, environment=made, deployer=shop.deployer(), stores=maker.make(made)
    )
    await place.ready()
    change = structs.replace(place.inputs.code, images=images)
    place.inputs = structs.replace(place.inputs, change=change)
    return place


async def test_back_to_the_pinned_images_and_forward_again(
    docker_engine: Engine, shop: Shop, operator: Operator, tmp_path: Path
) -> None:
    with image(docker_engine, "v1.5.0") as good:
        place = await placed(shop, operator, tmp_path, {"api": good, "worker": good})
        await place.done("restore-tree", "deploy-ready", "integrate")
        deploy = place.action("deploy")
        assert (await deploy.probe()).found == "not done"
        before = await place.world.deployer.settled()
        await deploy.perform(Said())
        assert (await deploy.verify()).words == "all 2 run the pinned image"
        assert any(good in line for line in place.effects("deploy"))
        await place.world.deployer.deploy(wish(before.images), lambda _words: None)
        finding = await deploy.probe()
        assert (finding.found, finding.words.split(":")[0]) == ("not done", "0 of 2 run the pinned image")


async def test_a_release_without_images_cannot_be_planned(
    shop: Shop, operator: Operator, tmp_path: Path
) -> None:
    place = await placed(shop, operator, tmp_path, {})
    with pytest.raises(DeployError, match=r"v1\.5\.0 has no image of api on record.*warroom release record"):
        place.effects("deploy")


async def test_an_image_that_is_gone_is_found_before_the_gate(
    shop: Shop, operator: Operator, tmp_path: Path
) -> None:
    gone = f"sha256:{'1' * 64}"
    place = await placed(shop, operator, tmp_path, {"api": gone, "worker": gone})
    ready, said = place.action("deploy-ready"), Said()
    await ready.perform(said)
    with pytest.raises(ActionError, match=f"the image of api, {gone}, is not on the Docker.*; the"):
        await ready.verify()
    assert len([line for line in said.lines if "is not on the Docker engine" in line]) == 2


async def test_logs_are_captured_before_anything_stops(
    shop: Shop, operator: Operator, tmp_path: Path
) -> None:
    place = await placed(shop, operator, tmp_path, {})
    capture, said = place.action("capture"), Said()
    assert (await capture.probe()).found == "not done"
    with pytest.raises(ActionError, match="nothing is captured"):
        await capture.verify()
    await capture.perform(said)
    proof = await capture.verify()
    assert (await capture.probe()).found == "done"
    folder = Path(proof.facts["path"])
    inventory = (folder / "inventory" / "containers.json").read_bytes()
    names = {one.name for one in msgspec.json.decode(inventory, type=Inventory).containers}
    assert {str(shop.container(service).name) for service in shop.services} <= names
    assert folder.stat().st_mode & 0o077 == 0
    assert {path.name.removesuffix(".log") for path in (folder / "inventory" / "logs").iterdir()} == names
