"""Updates that fail: the swarm's own words, and services that end whole on one image, which is named."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from docker.types import Healthcheck

from console.targets.deploy import DeployError
from console.targets.docker.engine import Docker
from console.targets.swarm.service import ChangedError, Swarm
from tests.integration.swarm.kit import BAD, GOOD, Said, Site, wish

SECOND = 1_000_000_000
GONE = f"sha256:{'0123456789abcdef' * 4}"
AS_BEFORE = rf"back as before, web: 3 of 3 on {BAD}$"


@pytest.mark.parametrize(
    ("failure", "order", "how"),
    [("rollback", "start-first", "rolled back"), ("pause", "stop-first", "paused")],
)
async def test_tasks_that_end_at_once(failure: str, order: str, how: str, site: Site) -> None:
    """The swarm goes back by itself, or it stops in the middle and we go back: nothing stays in between."""
    site.swarm.service("web", site.bad, 3)
    before = site.swarm.shown("web")["Spec"]
    deployer = site.deployer(failure=failure, order=order)
    with pytest.raises(DeployError) as caught:
        await deployer.deploy(wish(api=site.ends), Said())
    words = str(caught.value)
    assert "\n" not in words
    assert words.startswith(f"web: update {how}"), words
    assert "failed: task: non-zero exit (1)" in words
    assert words.endswith(f"back as before, web: 3 of 3 on {BAD}"), words
    assert site.swarm.running("web") == [site.bad] * 3
    assert site.swarm.shown("web")["Spec"] == before
    assert (await deployer.settled()).version == BAD


async def test_an_image_that_no_machine_has(site: Site) -> None:
    """Its tasks are rejected, not failed."""
    site.swarm.service("web", site.bad, 3)
    with pytest.raises(DeployError, match=rf"rejected: .*No such image.*{AS_BEFORE}"):
        await site.deployer().deploy(wish(api=GONE), Said())


async def test_tasks_that_never_become_well(site: Site) -> None:
    """What the service was made with counts: its health check fails with the new image alone."""
    check = Healthcheck(test=["CMD", "ls", "/well"], interval=SECOND // 5, retries=2, start_period=0)
    site.swarm.service("web", site.well, 3, healthcheck=check)
    with pytest.raises(DeployError, match=r"unhealthy.*back as before, web: 3 of 3 on v1\.5\.2$"):
        await site.deployer().deploy(wish(api=site.good), Said())
    assert site.swarm.running("web") == [site.well] * 3


async def test_one_that_takes_too_long_goes_back(site: Site) -> None:
    """The time left for the way back is kept aside."""
    site.swarm.service("web", site.bad, 3)
    with pytest.raises(DeployError, match=rf"^after 21 s web: \d of 3 on {GOOD}.*{AS_BEFORE}"):
        await site.deployer(parallelism=1, delay="10m").deploy(wish(limit_s=30, api=site.good), Said())
    assert site.swarm.running("web") == [site.bad] * 3


async def test_a_manager_that_is_away_for_a_while_is_asked_again(site: Site, tmp_path: Path) -> None:
    site.swarm.service("web", site.bad, 2)
    way = Way(site, tmp_path)
    said = Said()

    def close_for_a_moment(words: str) -> None:
        said(words)
        if words.startswith("web: 0 of 2"):
            way.close()
            asyncio.get_running_loop().call_later(1.5, way.open)

    await site.deployer(docker=way.url).deploy(wish(api=site.good), close_for_a_moment)
    assert any("cannot be asked: No such file or directory" in words for words in said)
    assert site.swarm.running("web") == [site.good] * 2


async def test_a_manager_that_stays_away(site: Site, tmp_path: Path) -> None:
    """Nobody knows then; the swarm itself goes on, and says so when it can be asked again."""
    site.swarm.service("web", site.bad, 2)
    way = Way(site, tmp_path)
    deployer = site.deployer(docker=way.url, monitor="10s")

    def close(words: str) -> None:
        if words.startswith("web: "):
            way.close()

    away = r"the Docker engine at unix://\S+ cannot be asked: No such file or directory; start it, or set \S+"
    with pytest.raises(DeployError, match=rf"^after 7 s {away}\. web is not back: {away}$"):
        await deployer.deploy(wish(limit_s=10, api=site.good), close)
    with pytest.raises(DeployError, match=away):
        await deployer.rollback(Said(), 1)
    way.open()
    assert (await deployer.settled()).words == f"web: 2 of 2 on {GOOD}"


class Way:
    """A way to the manager that can be closed."""

    def __init__(self, site: Site, folder: Path) -> None:
        self._far = site.swarm.own.url.removeprefix("unix://")
        self._near = folder / "docker.sock"
        self.url = f"unix://{self._near}"
        self.open()

    def open(self) -> None:
        if not self._near.is_symlink():
            self._near.symlink_to(self._far)

    def close(self) -> None:
        self._near.unlink(missing_ok=True)


async def test_all_services_or_none(site: Site) -> None:
    """The one that went well goes back with the one that did not."""
    for name in ("web", "jobs"):
        site.swarm.service(name, site.bad, 1)
    deployer = site.deployer(services={"api": "web", "worker": "jobs"})
    with pytest.raises(
        DeployError, match=rf"jobs: update rolled back.*web: 1 of 1 on {BAD}; back as before, "
    ):
        await deployer.deploy(wish(api=site.good, worker=site.ends), Said())
    assert site.swarm.running("web") == site.swarm.running("jobs") == [site.bad]


async def test_a_service_that_was_changed_since_it_was_ready_is_left_alone(site: Site) -> None:
    shown = site.swarm.service("web", site.bad, 1)
    deployer, asked = site.deployer(), wish(api=site.good)
    assert await deployer.ready(asked, Said()) == []
    shown.update(labels={"by": "somebody"}, networks=["host"])
    with pytest.raises(DeployError, match="web was changed by somebody else since it was found ready: "):
        await deployer.deploy(asked, Said())
    assert site.swarm.running("web") == [site.bad]
    await deployer.ready(asked, Said())
    await deployer.deploy(asked, Said())
    assert site.swarm.running("web") == [site.good]


async def test_a_specification_that_is_not_the_newest_is_not_written(site: Site) -> None:
    """The last line against two who write at the same moment: the manager itself compares."""
    shown = site.swarm.service("web", site.bad, 1)
    swarm = Swarm(Docker(site.swarm.own.url))
    read = await swarm.service("web")
    shown.update(labels={"by": "somebody"}, networks=["host"])
    with pytest.raises(ChangedError, match="^service web was changed by somebody else just now$"):
        await swarm.replace(read, read.spec)


async def test_whoever_changes_it_in_the_middle_is_not_undone(site: Site) -> None:
    shown = site.swarm.service("web", site.bad, 2)

    def meddle(words: str) -> None:
        if words.startswith("web: 1 of 2"):
            shown.reload()
            shown.update(labels={"by": "somebody"}, image=site.bad, networks=["host"])

    with pytest.raises(DeployError, match="web is left as somebody else has changed it$"):
        await site.deployer(parallelism=1, delay="2s").deploy(wish(api=site.good), meddle)
    assert site.swarm.shown("web")["Spec"]["Labels"] == {"by": "somebody"}


async def test_the_same_wish_of_a_service_that_was_changed_afterwards_is_refused(site: Site) -> None:
    shown = site.swarm.service("web", site.bad, 1)
    asked = wish(api=site.good)
    await site.deployer().deploy(asked, Said())
    await _to(shown, site.bad)
    with pytest.raises(DeployError, match="web was changed by somebody else after this update: plan again"):
        await site.deployer().deploy(asked, Said())


async def _to(shown: Any, image: str) -> None:
    """Another image, by somebody who leaves the labels as they are."""
    shown.reload()
    spec = shown.attrs["Spec"]
    api = shown.client.api
    api.update_service(
        shown.id,
        shown.version,
        task_template={**spec["TaskTemplate"], "ContainerSpec": {"Image": image}},
        name="web",
        labels=spec["Labels"],
        mode=spec["Mode"],
    )
    await asyncio.sleep(0)


async def test_a_service_that_is_not_there(site: Site) -> None:
    with pytest.raises(DeployError, match="has no service web: `docker service ls` has them$"):
        await site.deployer().deploy(wish(api=site.good), Said())
