"""The inventory: what the containers were, what they said, and what they were made from; no secret of it."""

import time
from pathlib import Path

import msgspec
import pytest
from docker.models.containers import Container

from console.targets.docker.endpoint import DockerError
from console.targets.docker.engine import Docker
from console.targets.docker.facts import ContainerFacts
from console.targets.docker.inventory import Inventory, InventoryError, take
from console.targets.docker.logs import save_log
from tests.docker_engine import Engine
from tests.docker_servers import PostgresContainer, RedisContainer
from tests.servers import wait_until

_CHATTER = "while true; do echo out; echo err >&2; sleep 0.1; done"


def one(inventory: Inventory, container: Container) -> ContainerFacts:
    (found,) = [facts for facts in inventory.containers if facts.name == container.name]
    return found


def now() -> int:
    return time.time_ns() // 1000


async def test_it_tells_images_health_mounts_and_names_of_variables_but_no_value(
    docker: Docker,
    docker_engine: Engine,
    postgres_15_container: PostgresContainer,
    redis_7_container: RedisContainer,
    tmp_path: Path,
) -> None:
    wait_until(lambda: postgres_15_container.health() == "healthy", "PostgreSQL is not found healthy")
    inventory = await take(docker, tmp_path, since=now())
    image_id = docker_engine.client.images.get(docker_engine.image).id
    facts = one(inventory, postgres_15_container.container)
    assert (facts.image, facts.image_id, facts.digests) == (docker_engine.image, image_id, ())
    assert (facts.state, facts.health, facts.restarts) == ("running", "healthy", 0)
    assert facts.started is not None
    assert 0 < now() - facts.started < 600_000_000
    assert {"POSTGRES_USER", "POSTGRES_PASSWORD"} <= set(facts.variables)
    redis = one(inventory, redis_7_container.container)
    assert redis.health is None
    assert [(mount.kind, mount.source, mount.target) for mount in redis.mounts] == [
        ("volume", redis_7_container.volume.name, "/data")
    ]
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert postgres_15_container.password.encode() not in everything
    assert redis_7_container.password.encode() not in everything
    assert msgspec.json.decode((tmp_path / "containers.json").read_bytes(), type=Inventory) == inventory


async def test_it_tells_published_ports_and_what_has_stopped(
    docker: Docker, docker_engine: Engine, tmp_path: Path
) -> None:
    container = docker_engine.run("serving", ("sleep", "infinity"), ports={"80/tcp": ("127.0.0.1", None)})
    container.reload()
    bound = (container.ports["80/tcp"] or [{}])[0]
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
    facts = one(await take(docker, tmp_path / "before", since=now()), container)
    assert (facts.state, facts.ports) == ("running", (f"127.0.0.1:{bound['HostPort']}->80/tcp",))
    container.kill()
    container.wait()
    facts = one(await take(docker, tmp_path / "after", since=now()), container)
    assert (facts.state, facts.ports) == ("exited", ())
    docker_engine.remove(container)


async def test_logs_begin_at_the_moment_asked_for_and_have_both_outputs(
    docker: Docker, docker_engine: Engine, tmp_path: Path
) -> None:
    container = docker_engine.run("chatter", ("sh", "-c", _CHATTER))
    wait_until(lambda: container.logs().count(b"\n") > 4, "it says nothing")
    since = now()
    before = container.logs().count(b"\n")
    wait_until(lambda: container.logs().count(b"\n") > before + 4, "it says no more")
    inventory = await take(docker, tmp_path, since=since)
    log = one(inventory, container).log
    assert log is not None
    lines = (tmp_path / "logs" / log.path).read_text().splitlines()
    stamps = [line.partition(" ")[0] for line in lines]
    assert {line.partition(" ")[2] for line in lines} == {"out", "err"}
    assert stamps == sorted(stamps)
    began = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since // 1_000_000))
    assert f"{began}.{since % 1_000_000:06}" <= stamps[0]
    assert len(lines) <= container.logs().count(b"\n") - 4, "what was said before was not asked for"
    assert (log.cut, log.bytes) == (False, (tmp_path / "logs" / log.path).stat().st_size)
    docker_engine.remove(container)


async def test_of_a_long_log_the_newest_lines_are_kept(
    docker: Docker, docker_engine: Engine, tmp_path: Path
) -> None:
    container = docker_engine.run("wordy", ("seq", "1", "200000"))
    container.wait()
    told = await docker.call(lambda api: api.inspect_container(str(container.id)))
    path = tmp_path / "wordy.log"
    log, trouble = await save_log(docker, told, path, since=0, limit_s=30, largest=1_000_000)
    assert (trouble, log.cut) == ("", True)
    assert 999_000 < log.bytes == path.stat().st_size <= 1_000_000
    lines = path.read_text().splitlines()
    numbers = [int(line.split()[1]) for line in lines]
    assert {len(line.split()[0]) for line in lines} == {len("2026-01-01T00:00:00.000000000Z")}
    assert numbers == list(range(200_001 - len(numbers), 200_001))
    docker_engine.remove(container)


async def test_a_log_that_takes_too_long_is_told(
    docker: Docker, docker_engine: Engine, tmp_path: Path
) -> None:
    container = docker_engine.run("endless", ("seq", "1", "200000"))
    container.wait()
    inventory = await take(docker, tmp_path, since=0, log_s=0.05)
    words = f"the log of {container.name} was not read to its end within 0.05 s"
    assert words in inventory.missing
    docker_engine.remove(container)


async def test_compose_files_are_copied_and_nothing_else_that_a_label_names(
    docker: Docker, docker_engine: Engine, tmp_path: Path
) -> None:
    """Labels are written by whoever starts a container; we may read what they may not."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "compose.yml").write_text("services: {}\n")
    (tmp_path / "secret").write_text("mine\n")
    files = f"compose.yml,{tmp_path}/secret,{tmp_path}/gone.yml"
    labels = {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": "web",
        "com.docker.compose.project.config_files": files,
        "com.docker.compose.project.working_dir": str(tmp_path / "site"),
    }
    container = docker_engine.run("composed", ("sleep", "infinity"), labels=labels)
    folder = tmp_path / "inventory"
    folder.mkdir()
    inventory = await take(docker, folder, since=now(), project="shop")
    assert [(facts.name, facts.service) for facts in inventory.containers] == [(container.name, "web")]
    ((copy, path),) = inventory.compose.items()
    assert (folder / copy).read_text() == "services: {}\n"
    assert path == str(tmp_path / "site" / "compose.yml")
    assert [words.partition(" ")[0] for words in inventory.missing] == [
        str(tmp_path / "gone.yml"),
        str(tmp_path / "secret"),
    ]
    docker_engine.remove(container)


async def test_without_an_engine_there_is_no_inventory(tmp_path: Path) -> None:
    with pytest.raises(DockerError, match="cannot be asked"):
        await take(Docker(f"unix://{tmp_path}/none.sock"), tmp_path, since=0)
    assert not list(tmp_path.iterdir())


async def test_a_folder_that_cannot_be_written_to_is_one_line(docker: Docker, tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match=rf"^cannot write {tmp_path}/nowhere/logs: No such file"):
        await take(docker, tmp_path / "nowhere", since=now())
