"""A swarm of two machines: a release runs when it runs on both, and an image is needed on both."""

from collections.abc import Iterator

import pytest

from console.targets.deploy import DeployError
from tests.docker_engine import Dockerd
from tests.integration.swarm.kit import BAD, GOOD, Said, Site, wish


@pytest.fixture(scope="module")
def worker(site: Site) -> Iterator[Dockerd]:
    """The second machine, which has the bad release alone."""
    with site.swarm.worker() as made:
        site.swarm.carry(site.bad, made)
        yield made


async def test_an_image_that_the_other_machine_lacks(worker: Dockerd, site: Site) -> None:
    """It is found before the gate; and whoever goes on nevertheless is taken back on both machines."""
    site.swarm.service("web", site.bad, 4)
    deployer, asked = site.deployer(), wish(api=site.good)
    (told,) = await deployer.ready(asked, Said())
    assert told.startswith(
        f"{site.good} of service web was not seen on `worker` and cannot be pulled by its id"
    )
    with pytest.raises(DeployError, match=rf"No such image.*back as before, web: 4 of 4 on {BAD}$"):
        await deployer.deploy(asked, Said())
    assert _machines(site) == 2
    assert site.swarm.running("web") == [site.bad] * 4


async def test_every_task_on_both(worker: Dockerd, site: Site) -> None:
    site.swarm.carry(site.good, worker)
    site.swarm.service("web", site.bad, 4)
    deployer, asked = site.deployer(), wish(api=site.good)
    await deployer.deploy(asked, Said())
    assert _machines(site) == 2
    running = await deployer.settled()
    assert running.words == f"web: 4 of 4 on {GOOD}"
    assert running.images == {"api": site.good}
    assert await deployer.ready(asked, Said()) == [], "a task of it has been seen on each"


async def test_a_worker_cannot_be_asked(worker: Dockerd, site: Site) -> None:
    deployer = site.deployer(docker=worker.url)
    (told,) = await deployer.ready(wish(api=site.good), Said())
    assert told.endswith(" is a worker, which may change nothing: name a manager in `deploy.docker`")
    with pytest.raises(DeployError, match="Worker nodes can't be used to view or modify cluster state"):
        await deployer.deploy(wish(api=site.good), Said())


def _machines(site: Site) -> int:
    return len({task["NodeID"] for task in site.swarm.tasks("web")})
