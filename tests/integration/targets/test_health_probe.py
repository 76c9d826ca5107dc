"""The health probe against a real server: healthy only where status and body both say so."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.core.clock import Stamp
from console.core.health_verdict import HealthRule
from console.store.clock import SystemClock
from console.targets.fleet import asking, together_of, wrong_with
from console.targets.health import Health, HealthProbe
from tests.integration.targets.local_web import LocalWeb


@pytest.fixture
def probe(server: LocalWeb, client: httpx.AsyncClient) -> HealthProbe:
    return HealthProbe(
        client,
        SystemClock(),
        server.url("/health"),
        limit_s=1.0,
        body={"status": "ok", "checks.database": "true"},
        version="build.version",
        commit="build.commit",
    )


GOOD: dict[str, Any] = {
    "status": "ok",
    "checks": {"database": True},
    "build": {"version": "v1.5.0", "commit": "3f9c" * 10},
}


def say(server: LocalWeb, body: Any, status: int = 200) -> None:
    server.text("/health", msgspec.json.encode(body), status)


async def test_status_and_body_together_are_healthy(server: LocalWeb, probe: HealthProbe) -> None:
    """And the answer says which release it is."""
    say(server, GOOD)
    before = SystemClock().now()
    health = await probe.ask()
    assert health == Health(
        ok=True,
        words="answers 200, status is ok, checks.database is true",
        version="v1.5.0",
        commit="3f9c" * 10,
        at=health.at,
        status=200,
        took_s=health.took_s,
    )
    assert 0 <= health.at.seconds_since(before) < 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "unhealthy"}, "status is `unhealthy`, not `ok`"),
        ({"status": None}, "its body has no `status`"),
        ({"status": ["ok"]}, "its body has no `status`"),
        ({"status": "OK\x1b[2J"}, r"status is `OK\x1b[2J`, not `ok`"),
        ({"checks": {"database": False}}, "checks.database is `false`, not `true`"),
        ({"checks": {}}, "its body has no `checks.database`"),
        ({"checks": "fine"}, "its body has no `checks.database`"),
    ],
)
async def test_a_200_that_says_unhealthy_is_unhealthy(
    server: LocalWeb, probe: HealthProbe, change: dict[str, Any], words: str
) -> None:
    """The words say what is wrong; the version is told all the same."""
    say(server, GOOD | change)
    health = await probe.ask()
    assert (health.ok, health.words, health.version) == (False, words, "v1.5.0")


async def test_a_good_body_under_a_bad_status_is_unhealthy(server: LocalWeb, probe: HealthProbe) -> None:
    """Load balancers look at the status alone, and send no users there."""
    say(server, GOOD, 503)
    assert (await probe.ask()).words == "answers 503, not 200"


@pytest.mark.parametrize("body", [b"", b"OK", b"<html>", b"[" * 100_000, b'{"status": "ok"', b'["ok"]'])
async def test_a_body_that_is_no_json_has_no_fields(
    server: LocalWeb, probe: HealthProbe, body: bytes
) -> None:
    """So it cannot be healthy where fields are asked for."""
    server.text("/health", body)
    health = await probe.ask()
    assert health.words == "its body has no `status`, its body has no `checks.database`"
    assert not health.ok
    assert health.version is None


async def test_without_fields_the_status_decides(server: LocalWeb, client: httpx.AsyncClient) -> None:
    """Where the strategy asks for no field, and none for the version."""
    server.text("/health", b"OK", 204)
    probe = HealthProbe(client, SystemClock(), server.url("/health"), limit_s=1.0, status=204)
    health = await probe.ask()
    assert (health.ok, health.words, health.version) == (True, "answers 204", None)


@pytest.mark.parametrize(
    ("version", "told"),
    [(None, None), ("", None), ({}, None), (7, "7"), ("v1\x1b[2J", r"v1\x1b[2J"), ("v" * 1000, "v" * 100)],
)
async def test_a_version_is_a_short_word_or_nothing(
    server: LocalWeb, probe: HealthProbe, version: Any, told: str | None
) -> None:
    """An answer without a version is an answer without a version, never an empty one."""
    say(server, GOOD | {"build": {"version": version}})
    health = await probe.ask()
    assert (health.version, health.commit) == (told, None)


async def test_a_service_that_is_gone_answers_that(server: LocalWeb, probe: HealthProbe) -> None:
    """Nobody has to catch anything."""
    server.stop()
    health = await probe.ask()
    assert (health.ok, health.words) == (False, f"{server.url('/health')}: connection refused")


async def test_a_service_that_hangs_is_unhealthy(server: LocalWeb, client: httpx.AsyncClient) -> None:
    """After its time limit."""
    server.hang("/health")
    probe = HealthProbe(client, SystemClock(), server.url("/health"), limit_s=0.2)
    assert (await probe.ask()).words == f"{server.url('/health')}: no whole answer within 0.2 s"


async def test_a_huge_body_is_unhealthy(server: LocalWeb, probe: HealthProbe) -> None:
    """Even where it begins well."""
    server.text("/health", msgspec.json.encode(GOOD) + b" " * (2 << 20))
    health = await probe.ask()
    assert not health.ok
    assert "answers more than 1048576 bytes" in health.words


async def test_another_host_does_not_speak_for_this_one(server: LocalWeb, probe: HealthProbe) -> None:
    """A maintenance page elsewhere says 200."""
    with LocalWeb() as other:
        say(other, GOOD)

        async def answer(_: Request) -> Response:
            return RedirectResponse(other.url("/health"))

        server.answers["/health"] = answer
        health = await probe.ask()
        assert not health.ok
        assert "which is not followed" in health.words
        assert other.seen == []


async def test_what_runs_is_asked_again_after_a_restart(server: LocalWeb, probe: HealthProbe) -> None:
    """The next release on the same port is seen at the next question."""
    say(server, GOOD)
    assert (await probe.ask()).version == "v1.5.0"
    server.stop()
    assert not (await probe.ask()).ok
    say(server, GOOD | {"build": {"version": "v1.5.3"}})
    server.start()
    assert (await probe.ask()).version == "v1.5.3"


@pytest.mark.parametrize(
    ("worker", "release"),
    [("v1.5.0", "v1.5.0"), ("v1.5.3", "v1.5.0 (worker v1.5.3)"), (None, "v1.5.0 (worker unknown)")],
)
async def test_a_component_of_another_version_makes_another_release(
    worker: str | None, release: str, server: LocalWeb, client: httpx.AsyncClient
) -> None:
    """Whoever asks whether the good release runs is told that it does not."""
    say(server, {"version": "v1.5.0", "parts": {"worker": worker, "web": "v1.5.0"}})
    rule = HealthRule(server.url("/health"), components={"worker": "parts.worker", "web": "parts.web"})
    health = await HealthProbe.by(rule, client, SystemClock()).ask()
    assert (health.ok, health.version) == (True, release)
    assert (wrong_with(health, "v1.5.0") == "") == (worker == "v1.5.0")


async def test_all_instances_are_asked_at_the_same_time(server: LocalWeb, client: httpx.AsyncClient) -> None:
    """Each waits until all have been asked: one after the other, none would ever be answered."""
    together, names = asyncio.Barrier(6), [f"app-{number}" for number in range(6)]

    async def answer(_: Request) -> Response:
        await together.wait()
        return Response(msgspec.json.encode({"version": "v1.5.0"}))

    for name in names:
        server.answers[f"/{name}"] = answer
    rule = HealthRule(server.url("/health"), instances={name: server.url(f"/{name}") for name in names})
    health = await asking(rule, client, SystemClock()).ask()
    assert (health.ok, health.version, list(health.each)) == (True, "v1.5.0", names)
    assert wrong_with(health, "v1.5.0", named=names) == ""


ONE = st.builds(
    Health,
    ok=st.booleans(),
    words=st.just("answers"),
    version=st.sampled_from(["v1.5.0", "v1.5.3", None]),
    commit=st.none(),
    at=st.just(Stamp(1, "boot", 1)),
)


@given(st.dictionaries(st.sampled_from([f"app-{number}" for number in range(6)]), ONE, min_size=1), st.data())
def test_nothing_is_wrong_with_a_fleet_only_if_nothing_is_with_any_of_those_that_are_named(
    each: dict[str, Health], data: st.DataObject
) -> None:
    """Never 4 of 6, whichever the four."""
    named = data.draw(st.lists(st.sampled_from([f"app-{number}" for number in range(6)]), unique=True))
    all_right = all(one.ok and one.version == "v1.5.0" for one in each.values()) and set(named) <= set(each)
    assert (wrong_with(together_of(each), "v1.5.0", named=named) == "") == all_right
    versions = {one.version for one in each.values()}
    one_release = all(one.ok for one in each.values()) and len(versions) == 1
    assert (wrong_with(together_of(each), "") == "") == one_release
