"""Updates that go well: to a pinned image, at the strategy's pace, nothing else of the service touched."""

from typing import Any

import pytest
from docker.types import EndpointSpec, Healthcheck, Resources, UpdateConfig

from console.targets.deploy import DeployError
from console.targets.swarm.spec import BEFORE, WISH
from tests.integration.swarm.kit import BAD, COMMIT, GOOD, Said, Site, wish

SECOND = 1_000_000_000


async def test_every_task_runs_the_pinned_image(site: Site) -> None:
    site.swarm.service("web", site.bad, 3)
    deployer, said = site.deployer(), Said()
    await deployer.deploy(wish(api=site.good), said)
    assert site.swarm.running("web") == [site.good] * 3
    assert f"web: 0 of 3 on {GOOD}" in said
    running = await deployer.settled()
    assert (running.commit, running.version, running.words) == (COMMIT, GOOD, f"web: 3 of 3 on {GOOD}")
    assert running.images == {"api": site.good}


async def test_nothing_else_of_the_service_changes(site: Site) -> None:
    """Whatever the specification has, by whoever made it, is there afterwards as it was."""
    site.swarm.service(
        "web",
        site.bad,
        1,
        env=["LOG=debug"],
        labels={"team": "wallet"},
        container_labels={"tier": "front"},
        constraints=["node.role == manager"],
        resources=Resources(mem_reservation=32 << 20),
        endpoint_spec=EndpointSpec(mode="dnsrr"),
        update_config=UpdateConfig(parallelism=1, failure_action="continue"),
        hosts={"db.example": "10.0.0.9"},
    )
    before = site.swarm.shown("web")["Spec"]
    asked = wish(api=site.good)
    await site.deployer(order="stop-first", parallelism=3, delay="1s").deploy(asked, Said())
    after = site.swarm.shown("web")["Spec"]
    pace = {"Parallelism": 3, "Monitor": SECOND // 2, "MaxFailureRatio": 0, "Order": "stop-first"}
    assert after.pop("UpdateConfig") == {**pace, "FailureAction": "rollback", "Delay": SECOND}
    assert after.pop("RollbackConfig") == {**pace, "FailureAction": "pause"}
    assert after["Labels"].pop(WISH) == asked.token
    assert after["Labels"].pop(BEFORE)
    assert after["TaskTemplate"]["ContainerSpec"].pop("Image") == site.good
    del before["UpdateConfig"], before["TaskTemplate"]["ContainerSpec"]["Image"]
    assert after == before


async def test_two_of_six_at_a_time_each_new_one_well_before_an_old_one_ends(site: Site) -> None:
    """Start-first with a health check: never fewer than six run, never more than two are replaced."""
    check = Healthcheck(test=["CMD", "true"], interval=SECOND // 5, retries=3, start_period=0)
    site.swarm.service("web", site.bad, 6, healthcheck=check)
    seen: list[tuple[int, int]] = []

    def look(_words: str) -> None:
        tasks = site.swarm.tasks("web")
        kept = [task for task in tasks if task["DesiredState"] == "running"]
        seen.append((len(kept), site.swarm.running("web").count(site.good)))

    await site.deployer(parallelism=2).deploy(wish(api=site.good), look)
    assert site.swarm.running("web") == [site.good] * 6
    assert min(together for together, _ in seen) >= 6
    assert max(together for together, _ in seen) <= 8
    assert len({new for _, new in seen}) > 2, seen


async def test_the_same_wish_twice_has_one_effect(site: Site) -> None:
    site.swarm.service("web", site.bad, 2)
    asked, deployer, said = wish(api=site.good), site.deployer(), Said()
    await deployer.deploy(asked, said)
    tasks, shown = _ids(site), site.swarm.shown("web")
    await site.deployer().deploy(asked, said)
    assert (_ids(site), site.swarm.shown("web")) == (tasks, shown)
    assert said[-1] == "web: this update is known to the swarm already"


async def test_several_services_are_updated_together(site: Site) -> None:
    for name in ("web", "jobs"):
        site.swarm.service(name, site.bad, 1)
    deployer = site.deployer(services={"api": "web", "worker": "jobs"})
    await deployer.deploy(wish(api=site.good, worker=site.good), Said())
    assert site.swarm.running("web") == site.swarm.running("jobs") == [site.good]
    running = await deployer.settled()
    assert running.words == f"web: 1 of 1 on {GOOD}; jobs: 1 of 1 on {GOOD}"
    assert running.images == {"api": site.good, "worker": site.good}


async def test_one_task_on_another_image_is_found_and_named(site: Site) -> None:
    """The tag was moved while the service ran: the specification says the same of all, the containers not."""
    api = site.swarm.client.api
    api.tag(site.bad, "app", "latest")
    site.swarm.service("web", "app:latest", 3)
    api.tag(site.good, "app", "latest")
    (task, *_) = site.swarm.tasks("web")
    site.swarm.end(task)
    deployer = site.deployer()
    running = await deployer.settled()
    assert running.words == f"web: 2 of 3 on {BAD}, 1 of 3 on {GOOD} (web.{task['Slot']})"
    assert (running.commit, running.version, running.images) == (None, None, {})
    assert {one.name for one in running.instances if site.good in one.pins} == {f"web.{task['Slot']}"}
    await deployer.deploy(wish(api=site.good), Said())
    assert (await deployer.settled()).version == GOOD


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ({}, "the release has no image of api: record the one that was deployed, pinned"),
        ({"api": "app:v1.5.0"}, "app:v1.5.0 may be another image tomorrow: record it pinned, "),
        (
            {"api": "good", "cron": "good"},
            "the release has an image of cron, and the strategy no service of it",
        ),
    ],
)
async def test_what_is_not_pinned_is_not_deployed(images: dict[str, str], words: str, site: Site) -> None:
    site.swarm.service("web", site.bad, 1)
    before = site.swarm.shown("web")
    wanted = {name: site.good if image == "good" else image for name, image in images.items()}
    with pytest.raises(DeployError, match=words):
        await site.deployer().deploy(wish(**wanted), Said())
    assert site.swarm.shown("web") == before


def _ids(site: Site) -> list[Any]:
    return sorted(task["ID"] for task in site.swarm.tasks("web"))
