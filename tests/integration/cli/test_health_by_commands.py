"""`warroom health` against real servers: what a pipeline gets to know from its exit code."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console.core.exits import Exit
from tests.conftest import require_program
from tests.integration.targets.local_web import LocalWeb
from tests.servers import free_port

SMALL = Path(__file__).parents[2] / "unit" / "strategies" / "small.yaml"
GOOD = {"status": "ok", "version": "v1.5.0"}
QUICK = ("--every", "10ms")


@pytest.fixture(scope="module")
def running() -> Iterator[LocalWeb]:
    with LocalWeb() as server:
        yield server


@pytest.fixture
def server(running: LocalWeb) -> LocalWeb:
    """Listening and healthy."""
    running.start()
    running.text("/health", msgspec.json.encode(GOOD))
    running.seen.clear()
    return running


@pytest.fixture
def folder(server: LocalWeb, tmp_path: Path) -> Path:
    """With a strategy in it that demands a word of the body, six tries, and an answer within 300 ms."""
    text = SMALL.read_text().replace("http://localhost:8080", server.url(""))
    source = 'health", every: 5s'
    check = "tries: 30, every: 2s, in_a_row: 3, limit: 2s"
    assert source in text
    assert check in text
    text = text.replace(source, 'health", body: {status: ok}, every: 5s')
    (tmp_path / "strategy.yaml").write_text(
        text.replace(check, "tries: 6, every: 10ms, in_a_row: 3, limit: 300ms")
    )
    return tmp_path


def environ(**extra: str) -> dict[str, str]:
    """Of a pipeline: a home that is not there, and nothing of ours."""
    return {"HOME": "/nonexistent", "PATH": os.environ["PATH"], **extra}


def health(folder: Path, *words: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """The command in that folder, to its end, with `extra` in its environment."""
    return subprocess.run(
        [sys.executable, "-m", "console", "health", *words],
        cwd=folder,
        env=environ(**extra),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def judged(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Its exit code and its one document."""
    done = health(folder, *words, "--json")
    assert done.stdout, done.stderr
    return done.returncode, msgspec.json.decode(done.stdout, type=dict[str, Any])


def answers(server: LocalWeb, *drawn: dict[str, Any]) -> None:
    """One body after the other, and again from the beginning."""
    count = iter(range(1000))

    async def answer(_: Request) -> Response:
        return JSONResponse(drawn[next(count) % len(drawn)])

    server.answers["/health"] = answer


class TestByTheStrategy:
    """The endpoint of the strategy, judged by what the strategy says."""

    def test_healthy(self, folder: Path, server: LocalWeb) -> None:
        """Three good answers are enough; a line a probe beside the verdict; and nothing is written."""
        before = sorted(folder.rglob("*"))
        done = health(folder)
        assert (done.returncode, done.stdout) == (0, "healthy: 3 good answers in a row, v1.5.0\n"), done
        lines = done.stderr.splitlines()
        assert len(lines) == len(server.seen) == 3
        assert " 1/6 good: answers 200, status is ok, v1.5.0, " in lines[0]
        assert sorted(folder.rglob("*")) == before

    def test_a_status_that_is_sick(self, folder: Path, server: LocalWeb) -> None:
        """A good body does not help."""
        server.text("/health", msgspec.json.encode(GOOD), 503)
        done = health(folder)
        assert done.returncode == Exit.UNHEALTHY
        assert done.stdout.startswith("sick: the last 3 of 6 probes brought no good answer; ")
        assert done.stdout.endswith("answers 503, not 200\n")

    def test_a_200_that_says_unhealthy(self, folder: Path, server: LocalWeb) -> None:
        """What the document's own snippet took for healthy."""
        server.text("/health", msgspec.json.encode({"status": "unhealthy\x1b[2J", "version": "v1.5.0"}))
        done = health(folder)
        assert done.returncode == Exit.UNHEALTHY
        assert r"status is `unhealthy\x1b[2J`, not `ok`" in done.stdout
        assert "\x1b" not in done.stdout + done.stderr

    def test_several_instances(self, folder: Path, server: LocalWeb) -> None:
        """Healthy is every one of them, and one release: never 4 of 6, whatever each says of itself."""
        path = folder / "strategy.yaml"
        names = [f"app-{number}" for number in range(1, 7)]
        told = "".join(f", {name}: '{server.url(f'/{name}')}'" for name in names)
        written = path.read_text().replace("version: version", f"version: version, instances: {{{told[2:]}}}")
        assert written != path.read_text()
        path.write_text(written)
        for name in names:
            server.text(f"/{name}", msgspec.json.encode(GOOD))
        done = health(folder)
        assert (done.returncode, done.stdout) == (0, "healthy: 3 good answers in a row, v1.5.0\n"), done
        for name in names[4:]:
            server.text(f"/{name}", msgspec.json.encode({**GOOD, "version": "v1.5.3"}))
        for words in ((), ("--release", "v1.5.0")):
            code, found = judged(folder, *words)
            assert (code, found["verdict"], len(found["probes"])) == (Exit.UNHEALTHY, "sick", 6)
            assert {one["words"] for one in found["probes"]} == {"4 of 6 on v1.5.0: app-5, app-6 on v1.5.3"}
            assert found["probes"][0]["instances"]["app-6"]["release"] == "v1.5.3"
        assert health(folder, "--url", server.url("/app-1")).returncode == Exit.DONE, "that one alone"

    def test_the_wrong_version(self, folder: Path) -> None:
        """Healthy, but not what was deployed; the version alone makes the difference."""
        code, told = judged(folder, "--release", "v1.5.3")
        assert (code, told["verdict"], told["wanted"]) == (Exit.UNHEALTHY, "sick", "v1.5.3")
        assert {one["words"] for one in told["probes"]} == {"answers v1.5.0, not v1.5.3"}
        assert {(one["status"], one["release"], one["answer"]) for one in told["probes"]} == {
            (200, "v1.5.0", "bad")
        }
        assert judged(folder, "--release", "v1.5.0")[0] == Exit.DONE

    def test_nobody_listens(self, folder: Path, server: LocalWeb) -> None:
        """A refusal comes from the machine itself: the service is not there."""
        server.stop()
        code, told = judged(folder)
        assert (code, told["verdict"], len(told["probes"])) == (Exit.UNHEALTHY, "sick", 6)
        assert told["probes"][0]["words"].endswith("connection refused")
        assert told["probes"][0]["status"] is None

    def test_one_that_hangs(self, folder: Path, server: LocalWeb) -> None:
        """It took the connection and never answered: given up after the strategy's limit, each time."""
        server.hang("/health")
        code, told = judged(folder, "--probes", "3")
        assert (code, told["verdict"], len(told["probes"])) == (Exit.UNHEALTHY, "sick", 3)
        assert all(0.29 <= one["latency_s"] < 2 for one in told["probes"])

    def test_one_that_flaps(self, folder: Path, server: LocalWeb) -> None:
        """Neither three good ones in a row nor three bad ones: somebody has to look."""
        answers(server, GOOD, GOOD, GOOD | {"status": "no"})
        code, told = judged(folder)
        assert (code, told["verdict"], len(told["probes"])) == (Exit.INCOMPLETE, "unknown", 6)
        assert [one["answer"] for one in told["probes"]] == ["good", "good", "bad"] * 2
        done = health(folder)
        assert "the last 3 of 6 probes do not agree (good, good, bad)" in done.stdout

    def test_one_that_comes_up(self, folder: Path, server: LocalWeb) -> None:
        """What has just been deployed is given the strategy's tries."""
        starting = GOOD | {"status": "starting"}
        answers(server, starting, starting, GOOD, GOOD, GOOD)
        code, told = judged(folder)
        assert (code, len(told["probes"])) == (Exit.DONE, 5)

    def test_another_address_by_the_same_rule(self, folder: Path, server: LocalWeb) -> None:
        """`--url` changes where, not what counts as good; what may be secret in it is not shown."""
        server.text("/inside", b'{"status": "no"}')
        code, told = judged(folder, "--url", server.url("/inside?token=canary"))
        assert (code, told["environment"]) == (Exit.UNHEALTHY, "testnet")
        assert told["url"] == server.url("/inside")
        assert told["probes"][0]["words"] == "status is `no`, not `ok`"

    def test_a_host_that_takes_no_connection(self, folder: Path) -> None:
        """Whose queue is full, or who is behind a wall: the question did not get there."""
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            with contextlib.ExitStack() as waiting:
                for _ in range(4):
                    one = waiting.enter_context(socket.socket())
                    one.settimeout(0)
                    one.connect_ex(("127.0.0.1", port))
                code, told = judged(folder, "--url", f"http://127.0.0.1:{port}/")
        assert (code, told["verdict"]) == (Exit.INCOMPLETE, "unknown")
        assert "no whole answer within 0.3 s" in told["probes"][0]["words"]


class TestWithoutAStrategy:
    """A pipeline may have none: the address alone will do."""

    def test_the_status_decides(self, server: LocalWeb, tmp_path: Path) -> None:
        """200 three times in a row, whatever the body."""
        server.text("/health", b"fine")
        code, told = judged(tmp_path, "--url", server.url("/health"), *QUICK)
        assert (code, told["verdict"], told["environment"]) == (Exit.DONE, "healthy", None)
        assert (told["in_a_row"], told["tries"], len(told["probes"])) == (3, 5, 3)
        server.text("/health", b"fine", 500)
        assert judged(tmp_path, "--url", server.url("/health"), *QUICK)[0] == Exit.UNHEALTHY

    def test_the_version_is_looked_for_in_the_body(self, server: LocalWeb, tmp_path: Path) -> None:
        """In its field `version`."""
        address = ("--url", server.url("/health"), *QUICK)
        assert judged(tmp_path, *address, "--release", "v1.5.0")[0] == Exit.DONE
        assert judged(tmp_path, *address, "--release", "v1.5.3")[0] == Exit.UNHEALTHY

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("--url", "ftp://example.test/"), "begins with http:// or https://"),
            (("--url", "http://a:b/"), "not an address to ask: Invalid port"),
            (
                ("--url", "http://127.0.0.1/", "--probes", "2"),
                "2 probes cannot bring 3 good answers in a row",
            ),
            (("--url", "http://127.0.0.1/", "--every", "2"), "--every 2: no length of time"),
            ((), "which environment?"),
            (("--strategy", "gone.yaml", "--url", "http://127.0.0.1/"), "gone.yaml"),
        ],
    )
    def test_what_means_nothing_is_refused(self, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
        """In one line, before anything is asked: a pipeline must not take it for a sick service."""
        done = health(tmp_path, *words)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (Exit.USAGE, "", 1), done.stderr
        assert said in done.stderr

    def test_a_name_that_nobody_knows(self, tmp_path: Path) -> None:
        """It says nothing about the service."""
        code, told = judged(tmp_path, "--url", "http://nobody.invalid/", *QUICK)
        assert (code, told["verdict"]) == (Exit.INCOMPLETE, "unknown")
        assert {one["answer"] for one in told["probes"]} == {"unreached"}

    def test_a_proxy_that_is_not_there_is_not_the_service(self, tmp_path: Path) -> None:
        """Its refusal is the proxy's, or that of the machine where it should be."""
        proxy = f"http://127.0.0.1:{free_port()}"
        done = health(tmp_path, "--url", "http://service.invalid/", *QUICK, http_proxy=proxy)
        assert done.returncode == Exit.INCOMPLETE, done.stderr
        assert "connection refused" in done.stdout

    def test_ctrl_c(self, server: LocalWeb, tmp_path: Path) -> None:
        """Interrupted is no verdict."""
        server.text("/health", b"", 503)
        asked = ("health", "--url", server.url("/health"), "--every", "60s")
        # Whoever runs the tests in the background has the signal ignored, and children would inherit that.
        argv = ["env", "--default-signal=INT", sys.executable, "-m", "console", *asked]
        with subprocess.Popen(
            argv,
            cwd=tmp_path,
            env=environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            assert "1/5 bad" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            out, said = process.communicate(timeout=20)
        assert (process.returncode, out, said) == (Exit.INTERRUPTED, "", "")


class _Fine(BaseHTTPRequestHandler):
    """Answers 200 to everybody."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the base class
        """Nothing: this goes to stderr."""


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[int]:
    """The port of a server whose certificate it has signed itself."""
    require_program("openssl", "openssl")
    words = (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(
        ["openssl", *words.split(), "-keyout", "key.pem", "-out", "certificate.pem"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    with _Quiet(("127.0.0.1", 0), _Fine) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


class _Quiet(HTTPServer):
    """Says nothing about clients that do not trust it."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


def test_a_certificate_that_is_not_trusted(sealed: int, tmp_path: Path) -> None:
    """Whoever answers may be anybody: neither healthy nor sick; the same one trusted is healthy."""
    address = ("--url", f"https://127.0.0.1:{sealed}/", *QUICK)
    code, told = judged(tmp_path, *address)
    assert (code, told["verdict"]) == (Exit.INCOMPLETE, "unknown")
    assert "its certificate cannot be verified (self-signed certificate)" in told["probes"][0]["words"]
    done = health(tmp_path, *address, SSL_CERT_FILE=str(tmp_path / "certificate.pem"))
    assert (done.returncode, done.stdout) == (Exit.DONE, "healthy: 3 good answers in a row\n"), done.stderr
