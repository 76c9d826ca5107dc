"""Images that say which commit they were built of, asked of a real engine."""

import io
import secrets
import tarfile
from collections.abc import Iterator

import pytest

from console.targets.docker.engine import Docker
from console.targets.docker.labelled import REVISION, SERVICE, TITLE, labelled
from tests.docker_engine import Engine

COMMIT, OTHER = "a" * 40, "b" * 40


class Shelf:
    """Small images with labels, made here and removed at the end."""

    def __init__(self, engine: Engine) -> None:
        self._api = engine.client.api
        self.made: list[str] = []

    def make(self, name: str, **labels: str) -> str:
        """An image with these labels; its id."""
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode="w") as archive:
            archive.addfile(tarfile.TarInfo(secrets.token_hex(4)))
        changes = [f"LABEL {_LABELS[key]}={value}" for key, value in labels.items()]
        self._api.import_image_from_data(layer.getvalue(), repository=name, tag="v1", changes=changes)
        self.made.append(f"{name}:v1")
        return str(self._api.inspect_image(f"{name}:v1")["Id"])

    def clear(self) -> None:
        for name in self.made:
            self._api.remove_image(name, force=True)


_LABELS = {"revision": REVISION, "title": TITLE, "service": SERVICE}


@pytest.fixture
def shelf(docker_engine: Engine) -> Iterator[Shelf]:
    made = Shelf(docker_engine)
    yield made
    made.clear()


async def test_each_component_of_a_commit_is_pinned_by_its_id(docker: Docker, shelf: Shelf) -> None:
    """By Compose's service, by the title, or else by the repository's last part; other commits' are not."""
    web = shelf.make("warroom-labelled-a", revision=COMMIT, service="web", title="Wallet")
    worker = shelf.make("warroom-labelled-b", revision=COMMIT, title="Worker")
    api = shelf.make("team/api", revision=COMMIT)
    shelf.make("warroom-labelled-c", revision=OTHER, service="web")
    assert await labelled(docker, COMMIT) == {"web": web, "worker": worker, "api": api}


async def test_a_commit_of_which_there_is_none_has_none(docker: Docker, shelf: Shelf) -> None:
    shelf.make("warroom-labelled-c", revision=OTHER, service="web")
    assert await labelled(docker, COMMIT) == {}
