"""Images here that say which commit they were built of, by the labels that builders of images agree on.

https://specs.opencontainers.org/image-spec/annotations/ has `org.opencontainers.image.revision` and `.title`.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from docker import APIClient

from console.targets.docker.engine import Docker, Facts

REVISION = "org.opencontainers.image.revision"
TITLE = "org.opencontainers.image.title"
SERVICE = "com.docker.compose.service"
"""Compose writes it into what it builds."""


async def labelled(docker: Docker, commit: str) -> dict[str, str]:
    """The pinned image of each component that was built of a commit; DockerError when nobody can be asked.

    Of two images of a component the one that was made last counts. One that a registry knows is pinned by
    digest, one that never left this machine by its id.
    """
    listed: Sequence[Any] = await docker.call(
        partial(APIClient.images, filters={"label": [f"{REVISION}={commit}"]})
    )
    oldest_first = sorted(listed, key=lambda facts: facts.get("Created", 0))
    return {name: pinned(facts) for facts in oldest_first if (name := component(facts))}


def component(facts: Facts) -> str:
    """What the image is an image of; empty where nothing says that."""
    labels: Mapping[str, str] = facts.get("Labels") or {}
    named = labels.get(SERVICE) or labels.get(TITLE) or _repository(facts)
    return named.rpartition("/")[2].lower()


def pinned(facts: Facts) -> str:
    """The reference that means this very image for ever."""
    return next(iter(facts.get("RepoDigests") or ()), None) or str(facts["Id"])


def _repository(facts: Facts) -> str:
    tags = [tag for tag in facts.get("RepoTags") or () if tag != "<none>:<none>"]
    return tags[0].rpartition(":")[0] if tags else ""
