"""The service stopped and started again, by whoever comes after us too."""

import pytest
from docker.types import ServiceMode

from console.targets.deploy import DeployError
from tests.integration.swarm.kit import BAD, GOOD, Said, Site, wish


async def test_stopped_and_started_as_many_as_there_were(site: Site) -> None:
    site.swarm.service("web", site.bad, 3)
    before, said = site.swarm.shown("web")["Spec"], Said()
    await site.deployer().stop_writers(said, 30)
    assert site.swarm.client.containers.list() == []
    assert (await site.deployer().settled()).words == "web: stopped, 0 tasks wanted"
    await site.deployer().start_writers(said, 30)
    assert site.swarm.running("web") == [site.bad] * 3
    assert site.swarm.shown("web")["Spec"] == before


async def test_again_has_no_second_effect(site: Site) -> None:
    """A second stop does not remember that there were none."""
    site.swarm.service("web", site.bad, 2)
    deployer = site.deployer()
    for _ in range(2):
        await deployer.stop_writers(Said(), 30)
    for _ in range(2):
        await deployer.start_writers(Said(), 30)
    assert site.swarm.running("web") == [site.bad] * 2


async def test_a_deployment_starts_what_was_stopped(site: Site) -> None:
    site.swarm.service("web", site.bad, 2)
    deployer = site.deployer()
    assert await deployer.ready(wish(api=site.good), Said()) == []
    await deployer.stop_writers(Said(), 30)
    await deployer.deploy(wish(api=site.good), Said())
    assert site.swarm.running("web") == [site.good] * 2
    assert (await deployer.settled()).words == f"web: 2 of 2 on {GOOD}"


async def test_a_service_with_one_task_on_each_machine_is_updated_and_not_stopped(site: Site) -> None:
    """How many tasks it has is the swarm's to say."""
    site.swarm.service("web", site.bad, 1, mode=ServiceMode("global"))
    deployer = site.deployer()
    assert await deployer.ready(wish(api=site.good), Said()) == []
    await deployer.deploy(wish(api=site.good), Said())
    assert (await deployer.settled()).words == f"web: 1 of 1 on {GOOD}"
    with pytest.raises(
        DeployError, match="web has one task on each node and cannot be scaled: stop it by hand"
    ):
        await deployer.stop_writers(Said(), 5)


async def test_nobody_guesses_how_many_there_were(site: Site) -> None:
    site.swarm.service("web", site.bad, 0)
    with pytest.raises(DeployError, match="web has 0 tasks, and not by us: `docker service scale web=N` "):
        await site.deployer().start_writers(Said(), 30)


async def test_it_is_not_stopped_before_the_last_task_has_ended(site: Site) -> None:
    """Tasks that do not end when told to have their time, and are waited for."""
    site.swarm.service("web", site.bad, 1, stop_grace_period=60_000_000_000)
    with pytest.raises(DeployError, match=r"^after 2 s web: 1 left, web\.1 on node \w+ among them"):
        await site.deployer().stop_writers(Said(), 2)
    assert site.swarm.running("web") == [site.bad], BAD
