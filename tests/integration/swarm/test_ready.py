"""What is in an update's way, found before the gate: a sentence for each, and nothing changed."""

from pathlib import Path
from typing import Any

import pytest
from docker.types import EndpointSpec, Resources

from console.targets.deploy import DeployError
from tests.integration.swarm.kit import Said, Site, wish

BY_ID = f"sha256:{'0123456789abcdef' * 4}"
BY_DIGEST = f"127.0.0.1:1/app@{BY_ID}"


async def test_nothing_is_in_the_way(site: Site) -> None:
    site.swarm.service("web", site.bad, 2, resources=Resources(mem_reservation=32 << 20))
    before = site.swarm.shown("web")
    assert await site.deployer().ready(wish(api=site.good), Said()) == []
    assert site.swarm.shown("web") == before


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (
            BY_ID,
            " of service web was not seen on `vm` and cannot be pulled by its id: load it there, or record",
        ),
        (BY_DIGEST, " of service web is not on `vm` and cannot be pulled: the Docker engine at unix:///"),
    ],
)
async def test_an_image_that_is_not_there(image: str, words: str, site: Site) -> None:
    site.swarm.service("web", site.bad, 1)
    (told,) = await site.deployer().ready(wish(api=image), Said())
    assert told.startswith(f"{image}{words.replace('vm', site.swarm.machine)}")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"resources": Resources(mem_reservation=1 << 50)},
            "no machine has room for one more task of service web, which reserves",
        ),
        (
            {"endpoint_spec": EndpointSpec(ports={18080: (80, "tcp", "host")})},
            "service web publishes port 18080 on its machines themselves: the old task holds it",
        ),
    ],
)
async def test_what_start_first_needs(settings: dict[str, Any], words: str, site: Site) -> None:
    """An old and a new task at the same time; stop-first needs neither."""
    site.swarm.client.services.create(site.bad, name="web", **settings)
    (told,) = await site.deployer().ready(wish(api=site.good), Said())
    assert told.startswith(words)
    assert "`order: stop-first`" in told
    assert await site.deployer(order="stop-first").ready(wish(api=site.good), Said()) == []


async def test_somebody_elses_update_under_way(site: Site) -> None:
    shown = site.swarm.service("web", site.bad, 2)
    shown.update(image=site.good, networks=["host"], update_config={"Parallelism": 1, "Delay": 600 * 10**9})
    site.swarm.wait_until_updating("web")
    (told,) = await site.deployer().ready(wish(api=site.good), Said())
    assert told == "service web is being changed (update in progress): wait until that has ended"


async def test_services_and_components_that_are_not_there(site: Site) -> None:
    site.swarm.service("web", site.bad, 1)
    deployer = site.deployer(services={"api": "web", "worker": "jobs"})
    told = await deployer.ready(wish(api=site.good), Said())
    assert [line.partition(":")[0] for line in told] == [
        "the release has no image of worker",
        "the swarm of the Docker engine at unix",
    ]
    assert "has no service jobs: `docker service ls` has them" in told[1]


async def test_an_engine_without_a_swarm(site: Site) -> None:
    with site.swarm.neighbour() as alone:
        deployer = site.deployer(docker=alone.url)
        (told,) = await deployer.ready(wish(api=BY_ID), Said())
        assert told.endswith(" is in no swarm (inactive): name a manager in `deploy.docker`")
        with pytest.raises(DeployError, match="not a swarm manager"):
            await deployer.rollback(Said(), 5)


async def test_an_engine_that_is_not_there(site: Site, tmp_path: Path) -> None:
    deployer = site.deployer(docker=f"unix://{tmp_path}/docker.sock")
    with pytest.raises(DeployError, match="cannot be asked: No such file or directory; start it, or set"):
        await deployer.ready(wish(api=BY_ID), Said())
