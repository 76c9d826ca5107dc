"""A rehearsal world is real: servers that ask for passwords, users who are served, releases that fail."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from ruamel.yaml import YAML

from console.drill.users import Second
from console.drill.world import World
from console.targets.keeper import DeployRecord, Keeper, KeeperError
from tests.integration.drill.kit import unheard, within

EXPECTED_METRICS = {
    "walletconnect_requests_total",
    "walletconnect_errors_total",
    "walletconnect_request_duration_seconds_bucket",
    "walletconnect_connections_total",
    "walletconnect_connection_failures_total",
    "walletconnect_sessions_total",
    "walletconnect_session_failures_total",
    "walletconnect_transaction_signings_total",
    "walletconnect_transaction_signing_failures",
    "walletconnect_transactions_sent_total",
    "walletconnect_transactions_confirmed_total",
    "walletconnect_gas_estimation_errors",
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
}
LIMIT_S = 60.0


@pytest.fixture
def keeper(world: World) -> Keeper:
    return Keeper(Path(world.socket))


@pytest.fixture
def http(world: World) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=world.service_url, trust_env=False, timeout=10) as client:
        yield client


def commit_of(world: World, tag: str) -> str:
    """Full id, from the list of releases."""
    listed = YAML(typ="safe").load(Path(world.releases))["releases"]
    return str(next(entry["commit"] for entry in listed if entry["tag"] == tag))


def records(world: World, token: str) -> list[DeployRecord]:
    """The lines that a token has left in deploys.jsonl."""
    lines = Path(world.deploys).read_bytes().splitlines()
    found = [msgspec.json.decode(line, type=DeployRecord) for line in lines]
    return [record for record in found if record.token == token]


def counters(http: httpx.Client) -> dict[str, float]:
    """All samples without labels."""
    lines = http.get("/metrics").text.splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def signings(http: httpx.Client, count: int) -> float:
    """Share of the users' next `count` or more signings that fails, by one page of counters at the end."""
    before = counters(http)
    after = before

    def enough() -> bool:
        nonlocal after
        after = counters(http)
        return after[_SIGNINGS] - before[_SIGNINGS] >= count

    assert within(LIMIT_S, enough)
    return (after[_FAILURES] - before[_FAILURES]) / (after[_SIGNINGS] - before[_SIGNINGS])


_SIGNINGS = "walletconnect_transaction_signings_total"
_FAILURES = "walletconnect_transaction_signing_failures"


async def health(http: httpx.Client) -> dict[str, str]:
    """What the service says of itself."""
    answer: dict[str, str] = (await asyncio.to_thread(http.get, "/health")).json()
    return answer


def connected(http: httpx.Client) -> str:
    return str(http.post("/connect", json={"user": "0xtest"}).json()["session"])


async def validate(keeper: Keeper) -> subprocess.CompletedProcess[str]:
    """The deployed release's own validation, from its worktree."""
    status = await keeper.status()
    argv = [sys.executable, "-m", "walletconnect.validate", str(status.service_url)]
    return await asyncio.to_thread(
        subprocess.run, argv, cwd=status.worktree, capture_output=True, text=True, check=False
    )


async def deploy(world: World, keeper: Keeper, tag: str, token: str) -> None:
    answer = await keeper.deploy(commit_of(world, tag), token, unheard, LIMIT_S)
    assert not answer.repeated


def test_files_with_passwords_are_for_their_owner_alone(world: World) -> None:
    folder = Path(world.releases).parent
    for path in (folder / "world.json", *(folder / "secrets").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (folder / "secrets" / "postgres.dsn").read_text() == world.postgres.dsn
    assert (folder / "secrets" / "redis.url").read_text() == world.redis.url


def test_postgres_asks_for_a_password(world: World) -> None:
    with psycopg.connect(world.postgres.dsn) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("walletconnect",)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(world.postgres.dsn, password="not this one")  # noqa: S106 - it is wrong on purpose


def test_redis_asks_for_a_password(world: World) -> None:
    with redis.Redis.from_url(world.redis.url) as cache:
        assert cache.dbsize() > 0
    at_once = Retry(NoBackoff(), 0)
    stranger = redis.Redis(port=world.redis.port, retry=at_once)
    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_servers_listen_on_loopback_only(world: World) -> None:
    listening = subprocess.run(["cat", "/proc/net/tcp"], capture_output=True, text=True, check=True).stdout
    service_port = httpx.URL(world.service_url).port
    for port in (world.postgres.port, world.redis.port, service_port):
        rows = [line for line in listening.splitlines() if f":{port:04X} 00000000:0000 0A" in line]
        assert len(rows) == 1
        assert "0100007F:" in rows[0]


async def test_service_answers_as_the_commit_and_tree_that_git_has_checked_out(
    world: World, keeper: Keeper, http: httpx.Client
) -> None:
    status = await keeper.status()
    argv = ["git", "-C", str(status.worktree), "rev-parse", "HEAD", "HEAD^{tree}"]
    commit, tree = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    assert await health(http) == {
        "status": "ok",
        "version": "v1.5.0",
        "commit": commit,
        "tree": tree,
        "database": "ok",
        "cache": "ok",
    }
    assert commit == status.commit == commit_of(world, "v1.5.0")


def test_metrics_have_the_names_that_the_alert_rules_expect(http: httpx.Client) -> None:
    names = {name.split("{")[0] for name in counters(http)}
    assert names >= EXPECTED_METRICS


def test_users_keep_connecting_and_signing_and_nobody_fails(world: World, http: httpx.Client) -> None:
    path = Path(world.users)
    assert within(10, lambda: path.exists() and len(path.read_bytes().splitlines()) >= 4)
    seconds = [msgspec.json.decode(line, type=Second) for line in path.read_bytes().splitlines()]
    assert all(not second.failures for second in seconds)
    tries = sum(sum(second.tries.values()) for second in seconds[1:])
    assert 25 <= tries / len(seconds[1:]) <= 50
    assert all(second.tries.keys() >= {"connect", "small", "large"} for second in seconds[1:])
    assert counters(http)["walletconnect_errors_total"] == 0


def test_what_users_sign_is_in_the_database(world: World, http: httpx.Client) -> None:
    session = connected(http)
    body = {"session": session, "to": "0xabc", "value": 7, "data": "00ff"}
    signed = http.post("/sign", json=body)
    assert signed.status_code == 201
    with psycopg.connect(world.postgres.dsn) as connection:
        row = connection.execute(
            "SELECT address, recipient, value, data FROM transactions JOIN users ON users.id = user_id "
            "WHERE hash = %s",
            (signed.json()["hash"],),
        ).fetchone()
    assert row == ("0xtest", "0xabc", 7, b"\x00\xff")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/sign", {"session": "nobody's", "to": "0xabc", "value": 1}, 401),
        ("/sign", {"session": "x", "to": "0xabc", "value": -1}, 400),
        ("/sign-message", {"session": "nobody's", "message": "hello"}, 401),
        ("/connect", {"name": "no address"}, 400),
    ],
)
def test_an_error_that_a_user_sees_is_said_in_a_line_and_counted(
    http: httpx.Client, path: str, body: dict[str, object], status: int
) -> None:
    before = counters(http)["walletconnect_errors_total"]
    answer = http.post(path, json=body)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert counters(http)["walletconnect_errors_total"] == before + 1


async def test_a_dead_cache_makes_the_service_unhealthy_until_it_is_back(
    keeper: Keeper, http: httpx.Client
) -> None:
    pid = (await keeper.status()).parts["redis"].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        answer = await asyncio.to_thread(http.get, "/health")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert answer.status_code == 503
    assert answer.json()["status"] == "unhealthy"
    assert answer.json()["database"] == "ok"
    assert answer.json()["cache"] != "ok"
    assert within(10, lambda: http.get("/health").status_code == 200)


def test_the_service_outlives_its_connections_to_the_database(world: World, http: httpx.Client) -> None:
    with psycopg.connect(world.postgres.dsn) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'walletconnect'"
        )
    assert within(10, lambda: http.get("/health").json()["database"] == "ok")
    assert connected(http)


async def test_the_good_release_passes_its_own_validation(keeper: Keeper) -> None:
    finished = await validate(keeper)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert all(line.startswith("ok   ") for line in finished.stdout.splitlines())
    assert "ok   signs large transactions" in finished.stdout


async def test_v1_5_1_adds_a_nullable_column_and_fails_nobody(
    world: World, keeper: Keeper, http: httpx.Client
) -> None:
    await deploy(world, keeper, "v1.5.1", "to-1")
    assert signings(http, 40) == 0
    with psycopg.connect(world.postgres.dsn) as connection:
        nullable = connection.execute(
            "SELECT is_nullable FROM information_schema.columns "
            "WHERE table_name = 'transactions' AND column_name = 'wallet'"
        ).fetchone()
        filled = connection.execute("SELECT count(*) FROM transactions WHERE wallet IS NOT NULL").fetchone()
    assert nullable == ("YES",)
    assert filled is not None
    assert filled[0] > 0
    assert (await validate(keeper)).returncode == 0


async def test_v1_5_2_fails_a_part_of_the_signings(world: World, keeper: Keeper, http: httpx.Client) -> None:
    await deploy(world, keeper, "v1.5.2", "to-2")
    assert 0.07 <= signings(http, 80) <= 0.25
    finished = await validate(keeper)
    assert finished.returncode == 1
    assert "FAIL signs large transactions: /sign answered 502: out of gas" in finished.stdout
    assert "ok   signs small transactions" in finished.stdout


async def test_v1_5_3_fails_every_signing_and_nothing_else(
    world: World, keeper: Keeper, http: httpx.Client
) -> None:
    await deploy(world, keeper, "v1.5.3", "to-3")
    assert signings(http, 40) == 1
    now = counters(http)
    assert now["walletconnect_errors_total"] / now["walletconnect_requests_total"] > 0.6
    assert now["walletconnect_gas_estimation_errors"] == now["walletconnect_transaction_signing_failures"]
    assert now["walletconnect_connection_failures_total"] == 0
    assert (await health(http))["status"] == "ok"
    finished = await validate(keeper)
    assert finished.returncode == 1
    assert "ok   signs a message" in finished.stdout


async def test_the_good_release_works_on_the_schema_of_the_newer_ones(
    world: World, keeper: Keeper, http: httpx.Client
) -> None:
    await deploy(world, keeper, "v1.5.0", "back-to-0")
    assert signings(http, 40) == 0
    assert (await validate(keeper)).returncode == 0
    with psycopg.connect(world.postgres.dsn) as connection:
        names = connection.execute("SELECT name, commit FROM schema_migrations ORDER BY name").fetchall()
    assert [name for name, _ in names] == [
        "0001_users.sql",
        "0002_transactions.sql",
        "0003_contacts.sql",
        "0004_transactions_wallet.sql",
    ]
    assert names[3][1] == commit_of(world, "v1.5.1")


async def test_the_same_token_again_has_no_second_effect(world: World, keeper: Keeper) -> None:
    good = commit_of(world, "v1.5.0")
    first = await keeper.deploy(good, "once", unheard, LIMIT_S)
    service = (await keeper.status()).parts["service"].pid
    again = await keeper.deploy(good, "once", unheard, LIMIT_S)
    assert (await keeper.status()).parts["service"].pid == service
    assert (first.repeated, again.repeated) == (False, True)
    assert first.record == again.record == records(world, "once")[-1]
    assert [record.ended is None for record in records(world, "once")] == [True, False]


async def test_askers_with_one_token_share_the_deploy_under_way(world: World, keeper: Keeper) -> None:
    good = commit_of(world, "v1.5.0")
    heard: list[str] = []
    asked = [keeper.deploy(good, "shared", heard.append, LIMIT_S) for _ in range(3)]
    answers = await asyncio.gather(*asked)
    assert sorted(answer.repeated for answer in answers) == [False, True, True]
    assert len(records(world, "shared")) == 2
    assert any(words.startswith("stopping v1.5.0, starting") for words in heard)


async def test_a_deploy_goes_on_when_its_asker_leaves(world: World, keeper: Keeper) -> None:
    good = commit_of(world, "v1.5.0")
    with pytest.raises(KeeperError, match="has not answered within"):
        await keeper.deploy(good, "left", unheard, 0.05)
    answer = await keeper.deploy(good, "left", unheard, LIMIT_S)
    assert answer.repeated
    assert len(records(world, "left")) == 2


async def test_one_deploy_at_a_time(world: World, keeper: Keeper) -> None:
    good = commit_of(world, "v1.5.0")
    outcomes = await asyncio.gather(
        keeper.deploy(good, "race-a", unheard, LIMIT_S),
        keeper.deploy(good, "race-b", unheard, LIMIT_S),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, KeeperError)]
    assert len(refused) == 1
    assert "is under way (token race-" in str(refused[0])


async def test_a_token_stands_for_one_commit(world: World, keeper: Keeper) -> None:
    with pytest.raises(KeeperError, match="was used to deploy"):
        await keeper.deploy(commit_of(world, "v1.5.3"), "start", unheard, LIMIT_S)


@pytest.mark.parametrize(
    ("commit", "reason"),
    [
        ("v1.5.3", "is not a full commit id"),
        ("--help", "is not a full commit id"),
        ("0" * 40, "push it first"),
    ],
)
async def test_a_commit_that_cannot_be_deployed_leaves_the_service_alone(
    keeper: Keeper, http: httpx.Client, commit: str, reason: str
) -> None:
    before = (await keeper.status()).parts["service"]
    with pytest.raises(KeeperError, match=reason) as refused:
        await keeper.deploy(commit, f"never {commit}", unheard, LIMIT_S)
    assert "\n" not in str(refused.value)
    assert (await keeper.status()).parts["service"] == before
    assert (await health(http))["version"] == "v1.5.0"


def push_commit(world: World, tmp_path: Path, name: str, content: str) -> str:
    """A commit on a branch of its own in the remote, on top of v1.5.0; its full id."""
    clone = tmp_path / "clone"

    def git(*words: str) -> str:
        who = ("-c", "user.name=eng-1", "-c", "user.email=eng-1@drill.invalid")
        argv = ["git", "-C", str(clone), *who, *words]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

    clone.mkdir()
    git("clone", "--quiet", world.remote, ".")
    git("checkout", "--quiet", "-b", "attempt", "v1.5.0")
    (clone / name).write_text(content)
    git("add", name)
    git("commit", "--quiet", "-m", "An attempt")
    git("push", "--quiet", "--force", "origin", "attempt")
    return git("rev-parse", "HEAD")


async def test_a_release_that_does_not_start_is_answered_with_its_last_words(
    world: World, keeper: Keeper, http: httpx.Client, tmp_path: Path
) -> None:
    broken = push_commit(world, tmp_path, "walletconnect/gas.py", "raise RuntimeError('no gas today')\n")
    with pytest.raises(KeeperError, match="RuntimeError: no gas today") as failed:
        await keeper.deploy(broken, "broken", unheard, LIMIT_S)
    assert "\n" not in str(failed.value)
    status = await keeper.status()
    assert (status.commit, status.parts["service"].pid) == (None, None)
    assert records(world, "broken")[-1].ok is False
    with pytest.raises(KeeperError, match="no gas today"):
        await keeper.deploy(broken, "broken", unheard, LIMIT_S)
    await deploy(world, keeper, "v1.5.0", "repaired")
    assert (await health(http))["version"] == "v1.5.0"


async def test_a_migration_that_fails_leaves_the_old_release_running(
    world: World, keeper: Keeper, http: httpx.Client, tmp_path: Path
) -> None:
    bad = "CREATE TABLE half (); ALTER TABLE nowhere ADD COLUMN x text;"
    commit = push_commit(world, tmp_path, "migrations/0009_bad.sql", bad)
    with pytest.raises(KeeperError, match=r'relation "nowhere" does not exist'):
        await keeper.deploy(commit, "bad-migration", unheard, LIMIT_S)
    assert (await health(http))["commit"] == commit_of(world, "v1.5.0")
    with psycopg.connect(world.postgres.dsn) as connection:
        assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)


async def test_a_service_that_dies_is_seen_to_be_gone(world: World, keeper: Keeper) -> None:
    pid = (await keeper.status()).parts["service"].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    log = Path(world.releases).with_name("keeper.log")
    await asyncio.to_thread(within, 5, lambda: "service has ended by itself" in log.read_text())
    assert (await keeper.status()).parts["service"].pid is None
    await deploy(world, keeper, "v1.5.0", "risen")


async def test_what_is_no_request_is_answered_in_a_line(world: World) -> None:
    reader, writer = await asyncio.open_unix_connection(world.socket)
    writer.write(b'{"verb": "dance"}\n')
    answer = msgspec.json.decode(await reader.readline())
    assert answer["error"].startswith("the keeper does not understand the request")
    writer.close()


async def test_break_deploys_the_head_of_develop_and_notes_the_moment(
    world: World, keeper: Keeper, http: httpx.Client
) -> None:
    with pytest.raises(KeeperError, match="there is no scenario"):
        await keeper.break_("meteor")
    broken = await keeper.break_("bad-config", limit_s=LIMIT_S)
    assert (await health(http))["version"] == "v1.5.3"
    assert broken.record.commit == commit_of(world, "v1.5.3")
    began, ended = broken.record.began, broken.record.ended
    assert ended is not None
    assert began <= broken.fault.utc_us <= ended
    now = World.load(Path(world.releases).parent)
    assert now.fault == broken.fault == (await keeper.status()).fault
    with pytest.raises(KeeperError, match="was broken already"):
        await keeper.break_("bad-config")
