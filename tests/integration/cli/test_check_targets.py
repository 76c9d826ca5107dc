"""`warroom check` against real targets of which one is not as the strategy has it: each sentence."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ruamel.yaml import YAML

from console.config.check import init
from console.core.checked import Sign
from console.core.exits import Exit
from tests.integration.cli.checking import LIMIT_S, SMALL, Said, about, document, run, said, wrong
from tests.integration.targets.local_web import LocalWeb
from tests.servers import LOOPBACK, PostgresServer, RedisServer, free_port

Change = Callable[[dict[str, Any]], None]

HEALTH = '{"status": "ok", "version": "v1.5.0"}'
METRICS = """\
# TYPE errors_total counter
errors_total 1
# TYPE requests_total counter
requests_total 1000
# TYPE duration_seconds histogram
duration_seconds_bucket{le="1"} 10
duration_seconds_bucket{le="5"} 10
duration_seconds_bucket{le="+Inf"} 10
duration_seconds_sum 1
duration_seconds_count 10
"""
NOBODY_SAYS = "198.51.100.7"
"""An address of TEST-NET-2, which leads nowhere."""


GREETING = {f"cmdstat_{word}" for word in ("auth", "client|setinfo", "hello", "info", "ping", "select")}
"""What anybody asks a Redis who only looks."""


class Place:
    """A folder with a strategy whose every target is there, and as it should be."""

    def __init__(self, folder: Path, web: LocalWeb, dsn: str, cache: str) -> None:
        self.folder = folder
        self.path = folder / "strategy.yaml"
        self.environ = {"DSN": dsn, "CACHE": cache, "NO_PROXY": "*"}
        self._web = web
        self.commit = self._repository()
        self.releases("v1.5.0", self.commit)

    def write(self, change: Change | None = None) -> None:
        """The strategy, with one thing changed."""
        yaml = YAML()
        whole = yaml.load(SMALL)
        environment = whole["environments"]["testnet"]
        environment["repository"] |= {"remote": str(self.folder / "repo"), "branch": "main"}
        environment["service"] |= {"url": self._web.url("/"), "health": self._web.url("/health")}
        environment["sources"]["metrics"]["url"] = self._web.url("/metrics")
        environment["sources"]["health"]["url"] = self._web.url("/health")
        environment["cache"] = {"url": "env:CACHE"}
        environment["backups"] = {"folder": "backups"}
        environment["metrics"]["health_check_failures"]["rungs"]["mandatory"] = "health_check_failures > 0"
        if change:
            change(environment)
        with self.path.open("w") as file:
            yaml.dump(whole, file)

    def said(self, change: Change | None = None, **environ: str) -> list[Said]:
        """What is said once that is changed in the strategy, or in the variables."""
        self.write(change)
        return said(self.path, environ={**self.environ, **environ})

    def only(self, target: str, change: Change | None = None, **environ: str) -> Said:
        """The one thing that is wrong then, which is of that target."""
        (found,) = wrong(self.said(change, **environ))
        assert found.target == target
        assert found.to_do
        return found

    def releases(self, tag: str, commit: str, verdict: str = "good") -> None:
        """Record one release."""
        deployed = "2026-01-01T00:00:00Z"
        release = (
            f"{{tag: {tag}, commit: {commit}, verdict: {verdict}, said_by: eng-1, deployed: '{deployed}'}}"
        )
        (self.folder / "releases.yaml").write_text(f"releases:\n  - {release}\n")

    def git(self, *words: str) -> str:
        """What git says in the repository."""
        who = ("-c", "user.name=eng-1", "-c", "user.email=eng-1@example.org")
        argv = ["git", "-C", str(self.folder / "repo"), *who, *words]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

    def _repository(self) -> str:
        (self.folder / "repo").mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("commit", "--quiet", "--allow-empty", "-m", "first")
        self.git("tag", "-a", "-m", "v1.5.0", "v1.5.0")
        return self.git("rev-parse", "HEAD")


@pytest.fixture(scope="module")
def page() -> Iterator[LocalWeb]:
    with LocalWeb() as server:
        yield server


@pytest.fixture(scope="module")
def database(postgres_15: PostgresServer) -> Iterator[str]:
    yield postgres_15.create(
        "checked",
        "CREATE TABLE users (id bigint PRIMARY KEY, name text)",
        "CREATE TABLE orders (number text)",
    )
    postgres_15.drop("checked")


@pytest.fixture
def place(tmp_path: Path, page: LocalWeb, database: str, redis_7: RedisServer) -> Place:
    """Everything is well there."""
    page.text("/metrics", METRICS)
    page.text("/health", HEALTH)
    return Place(tmp_path, page, database, redis_7.url)


def test_all_is_well(place: Place) -> None:
    """With a page, an endpoint, a database, a cache, a repository and programs."""
    remarks = place.said()
    assert wrong(remarks) == []
    assert about(remarks, "repository", Sign.GOOD) == [f"{place.folder}/repo has main, at {place.commit[:8]}"]
    assert about(remarks, "releases", Sign.GOOD) == [
        "releases.yaml: 1 release, v1.5.0 is the newest good one"
    ]
    assert about(remarks, "source health", Sign.GOOD)[1:] == [
        "it runs v1.5.0",
        "health_check_failures: 0, ok",
    ]
    assert "database_unavailable: clear, ok" in about(remarks, "source database", Sign.GOOD)
    assert about(remarks, "database", Sign.GOOD)[1:3] == [
        "table users, by id",
        "keeper may do what the runbook does",
    ]


class TestSecrets:
    """What is not set is said once, and whatever waits for it says so."""

    def test_one_that_is_not_set(self, place: Place) -> None:
        place.write()
        remarks = said(
            place.path, environ={key: value for key, value in place.environ.items() if key != "DSN"}
        )
        (found,) = wrong(remarks)
        assert found[0:1] + found[2:] == (
            "secrets",
            "env:DSN: the variable is not set",
            "export DSN before starting",
        )
        assert about(remarks, "database") == ["waits for env:DSN"]
        assert about(remarks, "source database") == ["waits for env:DSN; `database_unavailable` with it"]

    def test_none_is_ever_printed(self, place: Place) -> None:
        """Not even by what a server repeats of it."""
        place.write()
        dsn = f"postgresql://postgres:hush-hush@{LOOPBACK}:1/hush-hush"
        cache = f"redis://:hush-hush@{LOOPBACK}:1/0"
        for words in ((), ("--json",)):
            done = run(place.path, *words, environ={**place.environ, "DSN": dsn, "CACHE": cache})
            assert "hush" not in done.stdout.replace("on_hush", "") + done.stderr
            assert f"{LOOPBACK}:1" in done.stdout


class TestRepository:
    """The remote, its branch, and the releases that lie in it."""

    def test_a_remote_that_is_not_there(self, place: Place) -> None:
        def away(environment: dict[str, Any]) -> None:
            environment["repository"]["remote"] = "nowhere"

        found = place.only("repository", away)
        assert found.words.startswith(
            f"{place.folder}/nowhere: git ls-remote: fatal: '{place.folder}/nowhere' does not"
        )
        assert found.to_do == "put the repository's address into `repository.remote`"

    def test_a_branch_that_is_not_there(self, place: Place) -> None:
        def other(environment: dict[str, Any]) -> None:
            environment["repository"]["branch"] = "mian"

        found = place.only("repository", other)
        assert found.words == f"{place.folder}/repo has no branch `mian`: did you mean `main`?"

    def test_a_release_that_the_remote_does_not_have(self, place: Place) -> None:
        place.releases("v1.4.0", "a" * 40)
        found = place.only("releases")
        assert found.words == "the remote has no tag v1.4.0, and no branch or tag at aaaaaaaa"

    def test_a_tag_that_was_moved(self, place: Place) -> None:
        place.git("commit", "--quiet", "--allow-empty", "-m", "second")
        place.git("tag", "--force", "v1.5.0")
        found = place.only("releases")
        assert found.sign == Sign.WARN
        assert found.words.startswith(f"tag v1.5.0 is on {place.git('rev-parse', 'HEAD')[:8]}, recorded was ")

    def test_no_release_was_ever_judged_good(self, place: Place) -> None:
        place.releases("v1.5.0", place.commit, "unproven")
        assert place.only("releases").words == "releases.yaml has no release that was judged good"


class TestPage:
    """A page of metrics: what is on it, and of which kind."""

    def test_a_series_that_is_not_there(self, place: Place, page: LocalWeb) -> None:
        page.text("/metrics", METRICS.replace("errors_total", "error_total"))
        found = place.only("source metrics")
        assert found.words == "error_rate: no series `errors_total`: did you mean `error_total`?"
        assert (
            found.to_do
            == "name the right series in the measure of `error_rate`, or have the service export it"
        )

    def test_a_summary_is_no_histogram(self, place: Place, page: LocalWeb) -> None:
        head, _, _ = METRICS.partition("# TYPE duration")
        page.text("/metrics", head + '# TYPE duration_seconds summary\nduration_seconds{quantile="0.99"} 1\n')
        assert place.only("source metrics").words == (
            "response_time_p99: `duration_seconds` is a summary, a histogram is wanted"
        )

    def test_a_histogram_is_no_counter(self, place: Place) -> None:
        """Its buckets added up count whatever is fast once in each of them; its `_count` counts."""

        def total(series: str) -> Change:
            def other(environment: dict[str, Any]) -> None:
                environment["metrics"]["error_rate"]["measure"]["total"] = series

            return other

        found = place.only("source metrics", total("duration_seconds_bucket"))
        assert found.words == "error_rate: `duration_seconds_bucket` is a histogram, a counter is wanted"
        assert wrong(place.said(total("duration_seconds_count"))) == []

    def test_what_is_below_zero_is_no_counter(self, place: Place, page: LocalWeb) -> None:
        page.text("/metrics", METRICS.replace("errors_total 1\n", "errors_total -1\n"))
        assert (
            place.only("source metrics").words
            == "error_rate: `errors_total` is below zero, so it is no counter"
        )

    def test_buckets_that_end_before_a_threshold(self, place: Place, page: LocalWeb) -> None:
        """The quantile never shows more than the last of them."""
        page.text("/metrics", METRICS.replace('le="5"', 'le="2"'))
        found = place.only("source metrics")
        assert found.words == (
            "response_time_p99: its last bucket ends at 2 s: warn, `response_time_p99 > 2s`, never holds"
        )
        assert found.to_do == "give `duration_seconds` buckets beyond 2 s, or lower the rung"

    def test_a_window_of_few_looks(self, place: Place) -> None:
        def short(environment: dict[str, Any]) -> None:
            environment["metrics"]["error_rate"]["measure"]["over"] = "8s"

        found = place.only("source metrics", short)
        assert (found.sign, found.words) == (
            Sign.WARN,
            "error_rate: `over` of 8 s holds fewer than 4 looks, 5 s apart",
        )

    def test_what_is_no_page(self, place: Place, page: LocalWeb) -> None:
        page.text("/metrics", "<html>")
        found = place.only("source metrics")
        assert (
            "not a page of metrics: line 1 is no sample: `<html>`; `error_rate`, `response_time_p99` with it"
            in (found.words)
        )


class TestHealth:
    """The endpoint, and what it says that runs."""

    def test_sick(self, place: Place, page: LocalWeb) -> None:
        page.text("/health", HEALTH, 503)
        assert place.only("source health").words == "answers 503, not 200"

    def test_without_a_version(self, place: Place, page: LocalWeb) -> None:
        page.text("/health", '{"status": "ok"}')
        found = place.only("source health")
        assert found.words == "its answer has no field `version`, so nobody can say which release runs"
        assert found.to_do == "name the field in `service.version`, or have the service tell it"

    def test_a_host_that_has_no_name(self, place: Place) -> None:
        def nowhere(environment: dict[str, Any]) -> None:
            for one in (environment["service"], environment["sources"]["health"]):
                one["health" if "health" in one else "url"] = "http://nowhere.invalid/health"

        found = place.only("source health", nowhere)
        assert found.words.startswith("http://nowhere.invalid/health: the host's name cannot be resolved (")


class TestDatabase:
    """What the service's data is, and what we may do with it."""

    def test_a_wrong_password(self, place: Place, postgres_15: PostgresServer) -> None:
        with psycopg.connect(postgres_15.dsn(), autocommit=True) as connection:
            connection.execute("DROP ROLE IF EXISTS closed")
            connection.execute("CREATE ROLE closed LOGIN PASSWORD 'right'")
        dsn = f"postgresql://closed:wrong@{LOOPBACK}:{postgres_15.port}/checked"
        remarks = place.said(DSN=dsn)
        told = [each for each in wrong(remarks) if each.target == "database"]
        assert 'password authentication failed for user "closed"' in told[0].words
        assert told[0].to_do == "look whether it runs and takes the credentials in `data.dsn`"

    def test_a_table_that_is_not_there(self, place: Place) -> None:
        def other(environment: dict[str, Any]) -> None:
            environment["data"]["tables"] = {"user": "id"}

        found = place.only("database", other)
        assert (found.words, found.to_do) == (
            "no table `user`: did you mean `users`?",
            "name the right one in `data.tables`",
        )

    def test_a_key_that_is_not_there(self, place: Place) -> None:
        def other(environment: dict[str, Any]) -> None:
            environment["data"]["tables"] = {"users": "nam"}

        assert (
            place.only("database", other).words == "table `users` has no column `nam`: did you mean `name`?"
        )

    def test_a_key_that_tells_nothing_apart(self, place: Place) -> None:
        def other(environment: dict[str, Any]) -> None:
            environment["data"]["tables"] = {"orders": "number"}

        assert place.only("database", other).words == (
            "column `number` of table `orders` is not unique, so rows cannot be told apart by it"
        )

    def test_a_role_of_few_rights(self, place: Place, postgres_15: PostgresServer) -> None:
        """Each right that a step of the runbook needs, with the words that grant it."""
        with psycopg.connect(postgres_15.dsn("checked"), autocommit=True) as connection:
            connection.execute("DROP ROLE IF EXISTS reader")
            connection.execute("CREATE ROLE reader LOGIN PASSWORD 'hush'")

        def swapping(environment: dict[str, Any]) -> None:
            step = {"phase": "switch", "authority": "matrix", "expected": "5s", "limit": "2m"}
            environment["runbook"].append({"id": "swap", "action": "swap-database", "title": "swap", **step})

        dsn = f"postgresql://reader:hush@{LOOPBACK}:{postgres_15.port}/checked"
        told = [each[2:] for each in wrong(place.said(swapping, DSN=dsn)) if each.target == "database"]
        who = "name whoever may in `data.admin`, or"
        assert told == [
            ("table `users` is not ours to read", "GRANT SELECT ON users to its role"),
            ("reader may not create or rename databases", f"{who} ALTER ROLE reader CREATEDB"),
            ("reader does not own the database, so it may not rename it", f"{who} make it the owner"),
            (
                "reader may not end the connections of others (pg_terminate_backend)",
                f"{who} GRANT pg_signal_backend TO reader",
            ),
            (
                "reader may not read `orders`, `users`, so nothing can be dumped",
                f"{who} GRANT pg_read_all_data TO reader",
            ),
        ]

    def test_programs_of_another_version(self, place: Place) -> None:
        def other(environment: dict[str, Any]) -> None:
            environment["data"]["programs"] = "/nowhere"

        told = [each.words for each in wrong(place.said(other))]
        assert told[0].startswith(
            "no pg_dump of PostgreSQL 15 on this machine: /nowhere/pg_dump is not there"
        )


class TestCache:
    """A Redis."""

    def test_a_wrong_password(self, place: Place, redis_7: RedisServer) -> None:
        found = place.only("cache", CACHE=f"redis://:hush@{LOOPBACK}:{redis_7.port}/0")
        assert "it does not accept our password" in found.words
        assert "hush" not in found.words
        assert found.to_do == "look whether it runs and takes the password in `cache.url`"


class TestPrograms:
    """Commands of the strategy."""

    def test_a_command_that_is_not_there(self, place: Place) -> None:
        def other(environment: dict[str, Any]) -> None:
            environment["commands"]["validate"]["argv"] = ["no-such-program"]

        found = place.only("commands", other)
        assert (found.sign, found.words, found.to_do) == (
            Sign.LACK,
            "validate: `no-such-program` is not on PATH",
            "install no-such-program on the engine's machine",
        )

    def test_a_script_that_package_json_does_not_have(self, place: Place, tmp_path: Path) -> None:
        bin_ = tmp_path / "bin"
        bin_.mkdir()
        (bin_ / "npm").symlink_to("/bin/true")
        (place.folder / "repo" / "package.json").write_text('{"scripts": {"test:smoke": "true"}}')

        def npm(environment: dict[str, Any]) -> None:
            environment["commands"]["validate"]["argv"] = ["npm", "run", "test:smok"]

        found = place.only("commands", npm, PATH=f"{bin_}:{os.environ['PATH']}")
        assert found.words == "validate: package.json has no script `test:smok`: did you mean `test:smoke`?"

    def test_paging(self, place: Place) -> None:
        def page(environment: dict[str, Any]) -> None:
            paging = {"command": ["no-such-pager"], "limit": "10s", "again": "1m", "deputy_after": "1m"}
            environment["authorisation"]["paging"] = paging

        assert place.only("programs", page).words == "`no-such-pager` is not on PATH: paging needs it"


class TestHanging:
    """Nothing is waited for without end."""

    def test_everything_hangs(self, place: Place) -> None:
        """Who takes the connection and says nothing, and who is not there at all: little more than 10 s."""
        with socket.create_server((LOOPBACK, 0)) as silent:
            port = silent.getsockname()[1]

            def hung(environment: dict[str, Any]) -> None:
                sources = environment["sources"]
                sources["metrics"] |= {"url": f"http://{NOBODY_SAYS}/metrics", "limit": "10m"}
                sources["health"] |= {"url": f"http://{LOOPBACK}:{port}/health", "limit": "10m"}
                sources["database"]["limit"] = "10m"
                environment["service"]["health"] = f"http://{LOOPBACK}:{port}/health"
                environment["repository"]["remote"] = f"git://{LOOPBACK}:{port}/repo"

            place.write(hung)
            began = time.monotonic()
            remarks = said(
                place.path,
                environ={
                    **place.environ,
                    "DSN": f"postgresql://a:b@{LOOPBACK}:{port}/x",
                    "CACHE": f"redis://{LOOPBACK}:{port}/0",
                },
            )
            assert time.monotonic() - began < 25
        silent_ones = {each.target for each in wrong(remarks)}
        assert silent_ones >= {
            "repository",
            "source metrics",
            "source health",
            "source database",
            "database",
            "cache",
        }

    def test_it_can_be_interrupted(self, place: Place) -> None:
        """Ctrl-C ends it with exit code 130, and without a word."""
        with socket.create_server((LOOPBACK, 0)) as silent:
            port = silent.getsockname()[1]
            place.write()
            dsn = f"postgresql://a:b@{LOOPBACK}:{port}/x"
            home = {"HOME": str(place.folder), "PATH": os.environ["PATH"], **place.environ, "DSN": dsn}
            # Who runs the tests in the background has the signal ignored, and children inherit that.
            argv = ["env", "--default-signal=INT", sys.executable, "-m", "console", "check", str(place.path)]
            with subprocess.Popen(argv, env=home, stdout=-1, stderr=-1, text=True) as process:
                silent.settimeout(LIMIT_S)
                connection, _ = silent.accept()
                with connection:
                    process.send_signal(signal.SIGINT)
                    out, err = process.communicate(timeout=LIMIT_S)
            assert (process.returncode, err) == (Exit.INTERRUPTED, "")
            assert "no mistake" in out


def test_nothing_is_changed(place: Place, postgres_15: PostgresServer, redis_7: RedisServer) -> None:
    """Neither a byte of the repository and the folder, nor a row of the database, nor a key."""
    place.write()

    def seen() -> tuple[Any, ...]:
        files = sorted(path for path in place.folder.rglob("*") if path.is_file())
        hashes = [(str(path), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]
        with psycopg.connect(postgres_15.dsn()) as connection:
            # Any transaction that writes is given a number.
            row = connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()
        with redis_7.client() as client:
            written = client.info("persistence")["rdb_changes_since_last_save"]  # type: ignore[index]
            asked = set(client.info("commandstats"))  # type: ignore[union-attr]
        return hashes, row, written, asked - GREETING

    before = seen()
    remarks = said(place.path, environ=place.environ)
    assert wrong(remarks) == []
    assert seen() == before


def test_offline_asks_nobody(place: Place) -> None:
    place.write()
    remarks = said(place.path, offline=True, environ=place.environ)
    assert {each.target for each in remarks} == {"secrets", "commands", "programs"}


def test_one_environment_is_asked_for(place: Place) -> None:
    place.write()
    done = run(place.path, "--env", "nowhere", environ=place.environ)
    assert done.returncode == Exit.USAGE
    assert done.stderr == f"{place.path}: no environment nowhere; there are testnet\n"


def test_mistakes_come_as_a_document_too(place: Place) -> None:
    place.write()
    place.path.write_text(place.path.read_text().replace("risk: low", "risk: none at all"))
    done = run(place.path, "--json", environ=place.environ)
    told = document(done)
    assert (done.returncode, told["schema"], told["environments"]) == (Exit.USAGE, "warroom.check/1", {})
    (mistake,) = told["mistakes"]
    assert (mistake["line"] > 0, "risk" in place.path.read_text().splitlines()[mistake["line"] - 1]) == (
        True,
        True,
    )


def test_straight_from_init(tmp_path: Path) -> None:
    """Nothing is reached and no secret is set: each of that is told once, and what to do first."""
    written = init(tmp_path)
    nowhere = f"http://{LOOPBACK}:{free_port()}"
    done = run(written[0], environ={"HTTPS_PROXY": nowhere})  # the bundled addresses are somebody's
    assert (done.returncode, done.stderr) == (Exit.DONE, "")
    lines = done.stdout.splitlines()
    testnet = lines[lines.index("") + 1 :]
    testnet = testnet[: testnet.index("")]
    assert testnet[0].startswith("testnet: 7 lacks, ")
    assert testnet[1:4] == [
        "  secrets",
        "    ✗ env:WARROOM_TESTNET_DSN: the variable is not set",
        "      → export WARROOM_TESTNET_DSN before starting",
    ]
    assert "      → put the repository's address into `repository.remote`" in testnet
    assert "    · NO SOURCE for security_audit_failed, memory_usage, cpu_usage, disk_usage" in testnet
    assert any("connection refused; `error_rate`, `connection_success_rate`" in line for line in testnet)
    assert "    · waits for env:WARROOM_TESTNET_DSN; `database_unavailable` with it" in testnet
    heads = [line.partition(":")[0] for line in lines if line.partition(",")[0].endswith(" lacks")]
    assert heads == ["testnet", "mainnet-staging", "production"]
    assert lines[-1] == (
        "begin with testnet, secrets: env:WARROOM_TESTNET_DSN: the variable is not set; "
        "export WARROOM_TESTNET_DSN before starting"
    )
