"""The swarm's own rollback: to what ran before our update, and never to anything else."""

import pytest

from console.targets.deploy import DeployError
from tests.integration.swarm.kit import BAD, Said, Site, wish


async def test_what_ran_before_runs_again(site: Site) -> None:
    site.swarm.service("web", site.bad, 2)
    before = site.swarm.shown("web")["Spec"]
    deployer, said = site.deployer(), Said()
    await deployer.deploy(wish(api=site.good), said)
    await deployer.rollback(said, 30)
    assert (await deployer.settled()).words == f"web: 2 of 2 on {BAD}"
    assert site.swarm.shown("web")["Spec"] == before
    assert "web: going back to what ran before" in said


async def test_a_deployment_of_what_ran_before_brings_it_back_too(site: Site) -> None:
    """The other way, which needs no memory of the swarm's: `settled` says what to ask for."""
    site.swarm.service("web", site.bad, 2)
    deployer = site.deployer()
    before = await deployer.settled()
    await deployer.deploy(wish(api=site.good), Said())
    await deployer.deploy(wish(**before.images), Said())
    assert (await deployer.settled()).version == BAD


async def test_a_service_that_somebody_changed_since_is_not_rolled_back(site: Site) -> None:
    """The swarm remembers one specification only, and it is no longer the one that ran before ours."""
    shown = site.swarm.service("web", site.bad, 1)
    deployer = site.deployer()
    await deployer.deploy(wish(api=site.good), Said())
    shown.reload()
    shown.scale(2)
    with pytest.raises(
        DeployError, match="what the swarm would go back to is not what ran before our update"
    ):
        await deployer.rollback(Said(), 30)
    assert set(site.swarm.running("web")) == {site.good}


async def test_a_service_that_we_did_not_update_is_not_rolled_back(site: Site) -> None:
    site.swarm.service("web", site.bad, 1)
    with pytest.raises(DeployError, match="service web was not updated by Warroom last: "):
        await site.deployer().rollback(Said(), 30)
