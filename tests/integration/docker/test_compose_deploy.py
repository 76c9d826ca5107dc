"""Deployments by Compose: pinned images come to run, and what the application needs is not touched."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from console.core.plan import Release
from console.targets.compose.cli import ComposeError, find
from console.targets.deploy import DeployError, Running
from console.targets.git import Clone
from tests.conftest import require
from tests.docker_engine import Dockerd, Engine, require_dockerd
from tests.integration.actions.kit import Operator, Recorded, make_history
from tests.integration.docker.composed import EXITS, LINGERS, Shop, image, ways, wish
from tests.integration.docker.kit import until

WAYS = ways()
RELEASE = Release("v1.5.0", "a" * 40, "b" * 40)


@pytest.fixture(scope="module")
def bad(docker_engine: Engine) -> Iterator[str]:
    """The image that runs before."""
    with image(docker_engine, "v1.5.3") as found:
        yield found


@pytest.fixture(scope="module")
def good(docker_engine: Engine) -> Iterator[str]:
    """The image that is gone back to."""
    with image(docker_engine, "v1.5.0") as found:
        yield found


@pytest.fixture(params=WAYS or [("docker", "compose")], ids=" ".join)
def shop(request: pytest.FixtureRequest, docker_engine: Engine, tmp_path: Path, bad: str) -> Iterator[Shop]:
    """The project, up with the bad image, under each Compose that is here."""
    require("needs Docker Compose", found=bool(WAYS))
    made = Shop(docker_engine, tmp_path, request.param, bad)
    try:
        made.up()
        yield made
    finally:
        made.close()


class Heard:
    """What a deployer says on its way."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, words: str) -> None:
        self.lines.append(words)


def made_repository(folder: Path) -> Operator:
    """A remote with releases in the folder, and the engine's clone of it, where config/gas.toml is code."""
    make_history(folder)
    operator = Operator(folder)
    for tag, cap in (("v1.5.0", "9"), ("v1.5.3", "0")):
        (operator.work / "config").mkdir(exist_ok=True)
        operator.git("tag", "--delete", tag)
        operator.commit(f"Again {tag}", {"config/gas.toml": f"cap = {cap}\n"})
        operator.git("tag", tag)
    operator.git("push", "--quiet", "--force", "--tags", "origin", "develop")
    clone = Clone(folder / "clone.git", str(operator.remote), Recorded(folder))
    operator.git("--git-dir", str(clone.folder), *clone.fetch_words(), cwd=folder)
    return operator


def images(running: Running) -> dict[str, str]:
    assert not [one for one in running.instances if one.trouble]
    return running.images


async def test_the_pinned_images_come_to_run_and_the_former_ones_can_be_brought_back(
    shop: Shop, good: str, bad: str
) -> None:
    deployer = shop.deployer()
    before = await deployer.settled()
    assert images(before) == {"api": bad, "worker": bad}
    await deployer.deploy(wish({"api": good, "worker": good}), Heard())
    assert images(await deployer.settled()) == {"api": good, "worker": good}
    assert shop.container("api").attrs["Image"] == good
    await deployer.deploy(wish(before.images), Heard())
    assert images(await deployer.settled()) == {"api": bad, "worker": bad}


async def test_what_the_application_needs_is_not_touched(shop: Shop, good: str) -> None:
    """The same container since the same moment, the same volume with what lies in it."""
    shop.container("db").exec_run(["sh", "-c", "echo kept >/data/file"])
    before = shop.began("db")
    deployer = shop.deployer()
    await deployer.deploy(wish({"api": good, "worker": good}), Heard())
    await deployer.stop_writers(Heard(), 60)
    await deployer.start_writers(Heard(), 60)
    assert shop.began("db") == before
    assert shop.container("db").exec_run(["cat", "/data/file"]).output == b"kept\n"
    verbs = {word for line in shop.programs.lines for word in line} & {"down", "rm", "build", "pull", "kill"}
    assert not verbs


async def test_a_component_by_itself_leaves_the_other_alone(shop: Shop, good: str, bad: str) -> None:
    before = shop.began("worker")
    deployer = shop.deployer()
    await deployer.deploy(wish({"api": good}), Heard())
    assert images(await deployer.settled()) == {"api": good, "worker": bad}
    assert shop.began("worker") == before


async def test_as_many_containers_as_there_were_are_made_again(shop: Shop, good: str) -> None:
    shop.up("--scale", "api=3")
    deployer = shop.deployer()
    await deployer.deploy(wish({"api": good}), Heard())
    assert [one.image for one in (await deployer.settled()).instances if one.component == "api"] == [good] * 3


async def test_the_same_wish_twice_has_one_effect(shop: Shop, good: str) -> None:
    deployer = shop.deployer()
    await deployer.deploy(wish({"api": good}), Heard())
    before = shop.began("api")
    await deployer.deploy(wish({"api": good}), Heard())
    assert shop.began("api") == before


async def test_writers_are_stopped_and_started_again_as_they_were(shop: Shop, bad: str) -> None:
    deployer = shop.deployer()
    names = {shop.began(service)[0] for service in ("api", "worker")}
    for _ in range(2):
        await deployer.stop_writers(Heard(), 60)
    running = await deployer.settled()
    assert [one.trouble for one in running.instances] == ["has exited with code 137"] * 2
    for _ in range(2):
        await deployer.start_writers(Heard(), 60)
    assert images(await deployer.settled()) == {"api": bad, "worker": bad}
    assert {shop.began(service)[0] for service in ("api", "worker")} == names


async def test_a_container_that_exits_at_once_is_told_with_its_last_words(
    docker_engine: Engine, shop: Shop
) -> None:
    with image(docker_engine, "v1.4.9", EXITS) as sick:
        deployer = shop.deployer()
        words = r"api_1|api-1 has exited with code 3 at once: no such setting: GAS_CAP$"
        with pytest.raises(DeployError, match=words):
            await deployer.deploy(wish({"api": sick}), Heard())
        (one,) = [one for one in (await deployer.settled()).instances if one.component == "api"]
        assert one.trouble == "has exited with code 3"


async def test_an_image_that_is_gone_changes_nothing_and_nothing_is_pulled(shop: Shop, bad: str) -> None:
    gone = f"sha256:{'1' * 64}"
    before = shop.began("api")
    with pytest.raises(DeployError, match=f"the image of api, {gone}, is not on the Docker engine at"):
        await shop.deployer().deploy(wish({"api": gone}), Heard())
    assert shop.began("api") == before
    assert images(await shop.deployer().settled()) == {"api": bad, "worker": bad}
    (lacking,) = await shop.deployer().ready(wish({"api": gone, "worker": bad}), Heard())
    assert "nothing is pulled at the switch" in lacking


# -- what is found before the gate --------------------------------------------------------------------


async def test_nothing_is_lacking_where_all_is_well(shop: Shop, good: str) -> None:
    before = shop.began("api")
    assert await shop.deployer().ready(wish({"api": good, "worker": good}), Heard()) == []
    assert shop.began("api") == before


async def test_code_that_is_mounted_from_the_host_is_refused(shop: Shop, good: str) -> None:
    shop.services["api"]["volumes"] = ["./src:/app", "./config:/config:ro", "data:/data"]
    shop.write()
    (shop.folder / "src").mkdir()
    deployer = shop.deployer(kept=(shop.folder / "config",))
    (lacking,) = await deployer.ready(wish({"api": good}), Heard())
    assert lacking.startswith(f"{shop.folder}/src of the host is mounted into api at /app: what lies there")


async def test_code_that_is_mounted_is_served_from_a_checkout_of_the_release(
    shop: Shop, good: str, bad: str
) -> None:
    """The image alone proves nothing there: it may be the same in every release."""
    operator = made_repository(shop.folder)
    old, new = (operator.git("rev-parse", tag) for tag in ("v1.5.0", "v1.5.3"))
    shop.services["api"]["volumes"] = ["./config:/app/config"]
    shop.write()
    (shop.folder / "config").mkdir()
    (shop.folder / "config" / "gas.toml").write_text("cap = by hand\n")
    shop.up("--no-deps", "api")
    deployer = shop.deployer(code=("./config",))
    pinned = structs.replace(wish({"api": bad}), commit=old)
    assert await deployer.ready(pinned, Heard()) == []
    (api, _) = (await deployer.settled()).instances
    assert api.trouble == f"runs the code that lies at {shop.folder}/config, of no known release"

    await deployer.deploy(pinned, Heard())
    running = await deployer.settled()
    assert (images(running), running.commit) == ({"api": bad, "worker": bad}, old)
    assert shop.read("/app/config/gas.toml") == "cap = 9\n"
    assert shop.container("api").exec_run(["touch", "/app/config/x"]).exit_code
    await deployer.deploy(structs.replace(pinned, commit=new), Heard())
    assert (await deployer.settled()).commit == new
    assert shop.read("/app/config/gas.toml") == "cap = 0\n"


async def test_code_that_the_release_does_not_have_is_told(shop: Shop, good: str) -> None:
    operator = made_repository(shop.folder)
    shop.services["api"]["volumes"] = ["./gone:/app"]
    shop.write()
    pinned = structs.replace(wish({"api": good}), commit=operator.git("rev-parse", "v1.5.0"))
    before = shop.began("api")
    (lacking,) = await shop.deployer(code=("gone",)).ready(pinned, Heard())
    assert lacking == "the release has no gone, which is mounted into api at /app"
    with pytest.raises(DeployError, match="the release has no gone, .*: nothing was changed"):
        await shop.deployer(code=("gone",)).deploy(pinned, Heard())
    lost = structs.replace(pinned, commit="c" * 40)
    with pytest.raises(DeployError, match="the release's code cannot be checked out"):
        await shop.deployer(code=("gone",)).deploy(lost, Heard())
    assert shop.began("api") == before


async def test_a_wish_without_images_changes_nothing(shop: Shop) -> None:
    """`up` without a name would mean every service there is."""
    with pytest.raises(DeployError, match="no image is named for any component: nothing was changed"):
        await shop.deployer().deploy(wish({}), Heard())
    assert not any("up" in line for line in shop.programs.lines)


async def test_a_port_that_somebody_else_holds_is_found_and_ours_is_not(shop: Shop, good: str) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        shop.services["api"]["ports"] = [f"127.0.0.1:{port}:80"]
        shop.write()
        (lacking,) = await shop.deployer().ready(wish({"api": good}), Heard())
        assert (
            lacking
            == f"port {port}, which api publishes, is held by another program on this machine: free it"
        )
    shop.up("--no-deps", "api")
    assert await shop.deployer().ready(wish({"api": good}), Heard()) == []


async def test_a_port_of_another_container_is_told_by_its_name(
    docker_engine: Engine, shop: Shop, good: str
) -> None:
    other = docker_engine.run("serving", ("sleep", "infinity"), ports={"80/tcp": ("127.0.0.1", None)})
    other.reload()
    port = (other.ports["80/tcp"] or [{}])[0]["HostPort"]
    shop.services["worker"]["ports"] = [f"127.0.0.1:{port}:80"]
    shop.write()
    (lacking,) = await shop.deployer().ready(wish({"worker": good}), Heard())
    assert lacking == f"port {port}, which worker publishes, is held by container {other.name}: free it"
    docker_engine.remove(other)


async def test_what_the_application_needs_must_run_and_be_well(shop: Shop, good: str) -> None:
    shop.services["db"]["healthcheck"] = {"test": ["CMD", "false"], "interval": "1s", "retries": 1}
    shop.write()
    shop.up("db")
    (lacking,) = await shop.deployer().ready(wish({"api": good}), Heard())
    assert "db" in lacking
    assert "which the application needs, is " in lacking
    shop.container("db").stop(timeout=0)
    (lacking,) = await shop.deployer().ready(wish({"api": good}), Heard())
    assert lacking.endswith("which the application needs, has exited with code 137: start it")
    shop.engine.remove(shop.container("db"))
    (lacking,) = await shop.deployer(depends=("db",)).ready(wish({"api": good}), Heard())
    assert lacking == "db, which the application needs, has no container: start it"


async def test_a_variable_that_nobody_has_told_is_found(shop: Shop, good: str) -> None:
    """Compose would take it as empty, and make the container with less than the one that runs."""
    (shop.folder / ".env").unlink()
    (lacking,) = await shop.deployer().ready(wish({"api": good}), Heard())
    assert "COLOUR" in lacking
    assert "tell it in `deploy.environment`" in lacking


async def test_a_disk_without_room_is_found(shop: Shop, good: str) -> None:
    (lacking,) = await shop.deployer(room=10**18).ready(wish({"api": good}), Heard())
    assert "must be: make room" in lacking


async def test_a_service_that_the_files_do_not_have_is_found(shop: Shop, good: str) -> None:
    deployer = shop.deployer(services={"api": "web"})
    (lacking,) = await deployer.ready(wish({"api": good}), Heard())
    assert lacking == "the Compose files have no service web for api: mend `deploy.services`"


async def test_files_that_compose_refuses_are_one_line(shop: Shop, good: str) -> None:
    (shop.folder / "compose.yml").write_text("services: [api]\n")
    with pytest.raises(DeployError, match=r"^`docker(-| )compose config` failed: .+$"):
        await shop.deployer().ready(wish({"api": good}), Heard())


async def test_an_engine_that_is_stopped_in_the_middle_is_a_sentence_and_can_be_gone_on_with(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Nobody can say what runs while it is away; when it is back, the same wish comes true."""
    require("needs Docker Compose", found=bool(WAYS))
    require_dockerd()
    folder = Path(tempfile.mkdtemp(prefix="warroom-own-"))
    request.addfinalizer(lambda: shutil.rmtree(folder))
    own = Dockerd(folder).start()
    request.addfinalizer(own.stop)
    engine = Engine(own.url, folder, servers=False)
    with image(engine, "v1.5.3", LINGERS) as bad, image(engine, "v1.5.0") as good:
        shop = Shop(engine, tmp_path, WAYS[0], bad)
        shop.services["api"] |= {"stop_signal": "SIGUSR1", "stop_grace_period": "8s"}
        shop.write()
        shop.up()
        deployer = shop.deployer()
        deploying = asyncio.create_task(deployer.deploy(wish({"api": good}), Heard()))
        await until(lambda: asyncio.to_thread(shop.is_told_to_stop))
        await asyncio.to_thread(own.stop)
        with pytest.raises(DeployError, match=r"\S"):
            await deploying
        with pytest.raises(DeployError, match="^nobody can say what runs: "):
            await deployer.settled()
        own.start()
        assert {one.image for one in (await deployer.settled()).instances} == {bad}
        await deployer.deploy(wish({"api": good}), Heard())
        api = [one for one in (await deployer.settled()).instances if one.component == "api"]
        assert [(one.image, one.trouble) for one in api] == [(good, "")]
        shop.close()
        engine.close()


# -- the plan, the program, and the engine ------------------------------------------------------------


async def test_a_release_without_pinned_images_is_refused_in_the_plan(shop: Shop, good: str) -> None:
    deployer = shop.deployer()
    with pytest.raises(DeployError, match=r"v1\.5\.0 has no image of worker on record.*--image worker="):
        deployer.effect(RELEASE, "develop", {"api": good})
    with pytest.raises(DeployError, match=r"the image of api in v1\.5\.0, shop:1\.5\.0, can be moved"):
        deployer.effect(RELEASE, "develop", {"api": "shop:1.5.0", "worker": good})
    line = deployer.effect(RELEASE, "develop", {"api": good, "worker": good})
    assert line.startswith(f"{' '.join(shop.way)} -p {shop.name} ")
    assert line.endswith(" up -d --no-build --no-deps --scale api=1 --scale worker=1 api worker")


async def test_without_compose_it_says_what_to_install(tmp_path: Path) -> None:
    programs = Recorded(tmp_path)
    with pytest.raises(ComposeError, match="neither `no-such-compose` answers: install Docker Compose"):
        await find(programs, [("no-such-compose",)])


async def test_an_engine_that_is_gone_is_a_sentence_and_nobody_can_say_what_runs(
    shop: Shop, good: str, tmp_path: Path
) -> None:
    deployer = shop.deployer(url=f"unix://{tmp_path}/gone.sock")
    with pytest.raises(
        DeployError, match=r"^nobody can say what runs: the Docker engine at .* cannot be asked"
    ):
        await deployer.settled()
    with pytest.raises(DeployError, match=r"cannot be asked: .*; start it"):
        await deployer.deploy(wish({"api": good}), Heard())
    with pytest.raises(DeployError, match=r"^`docker(-| )compose stop` failed: .+$"):
        await deployer.stop_writers(Heard(), 60)
