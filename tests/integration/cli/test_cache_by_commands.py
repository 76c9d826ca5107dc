"""The cache goes back to a backup with nothing but commands, in a world whose users keep writing sessions."""

import asyncio
from collections.abc import Iterator

import pytest
import redis

from console.core.exits import Exit
from console.core.state import Status
from console.drill.world import stop_world
from tests.faults import world
from tests.integration.cli.commands import APPROVERS, CommandLine, healthy, planned

WRONG = 300


@pytest.fixture(scope="module")
def warroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line on a world that is well, with an engine that watches it."""
    folder = tmp_path_factory.mktemp("cache").resolve()
    try:
        asyncio.run(healthy(folder))
        yield CommandLine(folder)
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
    assert world.left_running(folder) == []


def cache(warroom: CommandLine) -> "redis.Redis":
    """A client of the world's cache."""
    return redis.Redis.from_url(world.world(warroom.folder).redis.url)


@pytest.fixture(scope="module")
def saved(warroom: CommandLine) -> str:
    """Id of a backup whose cache has keys that are gone since, and lacks others."""
    with cache(warroom) as client:
        client.mset({f"known:{number}": "good" for number in range(WRONG)})
        client.expire("known:7", 3600)
    backup = str(warroom.json("backup")["facts"]["backup"])
    with cache(warroom) as client:
        client.delete(*(f"known:{number}" for number in range(WRONG)))
        client.mset({f"wrong:{number}": "bad" for number in range(WRONG)})
    return backup


@pytest.fixture(scope="module")
def incident(warroom: CommandLine, saved: str) -> str:
    """Id of an incident that somebody has declared, its plan made, and prepared."""
    declared = warroom("declare", "sessions of others are shown")
    assert declared.returncode == Exit.DONE, declared.stderr
    warroom.wait_for(planned)
    warroom.prepare()
    return str(warroom.json("status")["incident"]["id"])


def test_what_nobody_has_verified_is_not_planned(warroom: CommandLine, saved: str, incident: str) -> None:
    refused = warroom("cache", "restore", saved)
    assert (refused.returncode, refused.stdout) == (Exit.FAILED, "")
    assert f"backup {saved} was never verified: verify it first" in refused.stderr


def test_the_cache_goes_back_behind_the_gate(warroom: CommandLine, saved: str, incident: str) -> None:
    """With the release; what was in the cache by then is a backup that is proven."""
    assert warroom("verify-backup", saved).returncode == Exit.DONE
    made = warroom("cache", "restore", saved)
    assert made.returncode == Exit.DONE, made.stderr
    assert f" of {saved}, and no other" in made.stdout
    warroom.prepare()
    warroom.wait_for(lambda s: s.live is not None and s.live.gate.endswith("must say yes"))
    for person in APPROVERS:
        done = warroom("go", incident, "--type", "production", actor=person)
        assert done.returncode == Exit.DONE, done.stderr
    ended = warroom.wait_for(lambda s: s.state.open_incident is not None and s.state.open_incident.finished)
    assert ended.state.open_incident is not None
    step = ended.state.open_incident.step("restore-cache")
    assert step.status is Status.DONE
    assert step.facts["way"] == "live"
    with cache(warroom) as client:
        assert client.mget([f"known:{number}" for number in range(WRONG)]) == [b"good"] * WRONG
        assert 0 < client.ttl("known:7") < 3600
        assert client.exists(*(f"wrong:{number}" for number in range(WRONG))) == 0
        assert client.info("replication")["role"] == "master"
    listed = {one["id"]: one for one in warroom.json("backup", "list")["backups"]}
    assert listed[step.facts["kept"]]["proof"] != ""
