"""A page of metrics from a real server, and every way in which there is none."""

import asyncio
import gzip
import socket
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from console.core.clock import Stamp
from console.core.counters import Page
from console.store.clock import SystemClock
from console.targets import scrape as scraping
from console.targets import web
from console.targets.scrape import Known, read, scrape
from console.targets.source import CannotAskError, SourceError
from tests.integration.targets.local_web import LocalWeb

NOW = Stamp(0, "boot", 0)


async def fetch(client: httpx.AsyncClient, server: LocalWeb, path: str = "/metrics") -> Page:
    return await scrape(client, server.url(path), 1.0, SystemClock())


async def trouble(client: httpx.AsyncClient, url: str, limit_s: float = 1.0) -> str:
    """The one line that is raised."""
    with pytest.raises(SourceError) as caught:
        await scrape(client, url, limit_s, SystemClock())
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestPages:
    async def test_names_are_those_that_were_exposed(
        self, client: httpx.AsyncClient, server: LocalWeb
    ) -> None:
        """A counter keeps its name, `_total` or not, because the strategy speaks of what is on the page."""
        registry = CollectorRegistry()
        Counter("requests", "r", ["path"], registry=registry).labels('a"b\\c\nd').inc(3)
        Gauge("signing_failures", "g", registry=registry).set(2)
        Histogram("wait_seconds", "h", buckets=(0.1, 1), registry=registry).observe(0.5)
        server.text("/metrics", generate_latest(registry) + b"# TYPE errors counter\nerrors 5\n")
        page = await fetch(client, server)
        assert page.series["requests_total"] == {(("path", 'a"b\\c\nd'),): 3}
        assert page.total("signing_failures") == 2
        assert page.series["errors"] == {(): 5}
        assert page.series["wait_seconds_bucket"][("le", "0.1"),] == 0
        assert page.series["wait_seconds_bucket"][("le", "+Inf"),] == 1

    async def test_it_is_stamped_with_the_moment_of_the_answer(
        self, client: httpx.AsyncClient, server: LocalWeb
    ) -> None:
        """A clock that is wrong at the other end changes nothing: timestamps on the page are not believed."""
        before = SystemClock().now()

        async def slow(_: Request) -> Response:
            await asyncio.sleep(0.2)
            return Response(b"up 1 1700000000000\n")

        server.answers["/metrics"] = slow
        page = await fetch(client, server)
        assert 0.2 <= page.at.seconds_since(before) < 1

    async def test_every_question_takes_a_new_connection(
        self, client: httpx.AsyncClient, server: LocalWeb
    ) -> None:
        """A kept one would go on asking an instance that users no longer reach."""
        server.text("/metrics", "up 1\n")
        await fetch(client, server)
        await fetch(client, server)
        ports = {request.client.port for request in server.seen if request.client}
        assert len(ports) == 2

    async def test_a_proxy_is_not_asked_for_loopback(
        self, server: LocalWeb, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The drill runs on loopback, also where the company has a proxy."""
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        server.text("/metrics", "up 1\n")
        async with web.new_client() as client:
            assert (await fetch(client, server)).total("up") == 1


class TestTrouble:
    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (b"", "there is not one sample in it"),
            (b"# HELP up u\n# TYPE up gauge\n", "there is not one sample in it"),
            (b"up 1\n<html><body>", "line 2 is no sample: `<html><body>`"),
            (b'{"status": "ok"}', 'line 1 is no sample: `{"status": "ok"}`'),
            (b"up one\n", "line 1 is no sample: `up one`"),
            (b"up " + b"9" * 400, "line 1 is no sample"),
            (b"up 1\n\xff\xfe", "byte 5 is not UTF-8"),
            (b"a" * 20_000 + b" 1", "line 1 is longer than 16384 characters"),
            (b"up \x1b[2J\n", r"line 1 is no sample: `up \x1b[2J`"),
        ],
    )
    async def test_garbage_is_no_page(
        self, client: httpx.AsyncClient, server: LocalWeb, body: bytes, reason: str
    ) -> None:
        """Half a page counts as none: what is missing from it would look like failures that stopped."""
        server.text("/metrics", body)
        assert f"{server.url('/metrics')}: not a page of metrics: {reason}" in await trouble(
            client, server.url("/metrics")
        )

    async def test_a_status_is_named(self, client: httpx.AsyncClient, server: LocalWeb) -> None:
        """A page under another status is not the page."""
        server.text("/metrics", "up 1\n", 503)
        assert await trouble(client, server.url("/metrics")) == (
            f"{server.url('/metrics')}: answers 503, not 200"
        )

    async def test_a_huge_page_is_cut_off(
        self, client: httpx.AsyncClient, server: LocalWeb, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An endless answer takes neither memory nor time beyond its limits."""
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            while True:
                sent += 1 << 16
                yield b"a_metric_of_some_length 1\n" * 2520
                await asyncio.sleep(0)

        async def answer(_: Request) -> Response:
            return StreamingResponse(endless())

        server.answers["/metrics"] = answer
        monkeypatch.setattr(scraping, "MAX_BYTES", 1 << 20)
        began = time.monotonic()
        assert "answers more than 1048576 bytes" in await trouble(client, server.url("/metrics"), 20)
        assert time.monotonic() - began < 10
        assert sent < 100 << 20

    async def test_a_compressed_answer_is_refused(self, client: httpx.AsyncClient, server: LocalWeb) -> None:
        """Nobody asked for it, and a small one can unfold into a huge one."""
        server.text("/metrics", gzip.compress(b"up 1\n"), content_encoding="gzip")
        assert "answers in `gzip` although asked not to" in await trouble(client, server.url("/metrics"))

    async def test_the_limit_is_one_for_the_whole_answer(
        self, client: httpx.AsyncClient, server: LocalWeb
    ) -> None:
        """A server that drips a byte now and then is late as a whole."""

        async def drip() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"#\n"
                await asyncio.sleep(0.05)

        async def answer(_: Request) -> Response:
            return StreamingResponse(drip())

        server.answers["/metrics"] = answer
        began = time.monotonic()
        assert await trouble(client, server.url("/metrics"), 0.4) == (
            f"{server.url('/metrics')}: no whole answer within 0.4 s"
        )
        assert 0.35 < time.monotonic() - began < 1

    async def test_a_server_that_accepts_and_says_nothing(self, client: httpx.AsyncClient) -> None:
        """A stopped process: its kernel still answers the handshake."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/metrics"
            assert "no whole answer within 0.3 s" in await trouble(client, url, 0.3)

    async def test_nobody_listens(self, client: httpx.AsyncClient, server: LocalWeb) -> None:
        """The reason is the system's, not the library's."""
        server.stop()
        assert await trouble(client, server.url("/metrics")) == (
            f"{server.url('/metrics')}: connection refused"
        )

    async def test_a_server_that_speaks_something_else(self, client: httpx.AsyncClient) -> None:
        """The wrong port."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]

            def talk() -> None:
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
                    connection.recv(4096)

            talking = asyncio.get_running_loop().run_in_executor(None, talk)
            assert f"http://127.0.0.1:{port}/: " in await trouble(client, f"http://127.0.0.1:{port}/")
            await talking

    async def test_what_is_secret_in_an_address_is_not_shown(
        self, client: httpx.AsyncClient, server: LocalWeb
    ) -> None:
        """Neither a password nor a token in the query."""
        server.stop()
        url = server.url("/m?token=hush").replace("//", "//bob:hunter2@")
        message = await trouble(client, url)
        assert "/m: connection refused" in message
        assert "hush" not in message
        assert "hunter2" not in message

    @pytest.mark.parametrize("url", ["http://[::bad/", "ftp://127.0.0.1/metrics"])
    async def test_an_address_that_cannot_be_asked_says_nothing_about_the_target(
        self, client: httpx.AsyncClient, url: str
    ) -> None:
        """It is the strategy that is wrong."""
        with pytest.raises(CannotAskError):
            await scrape(client, url, 1.0, SystemClock())


class TestRedirects:
    def send(self, server: LocalWeb, path: str, to: str) -> None:
        async def answer(_: Request) -> Response:
            return RedirectResponse(to)

        server.answers[path] = answer

    async def test_home_is_followed(self, client: httpx.AsyncClient, server: LocalWeb) -> None:
        """From `/metrics` to `/metrics/`, as many frameworks do."""
        server.text("/metrics/", "up 1\n")
        self.send(server, "/metrics", "/metrics/")
        assert (await fetch(client, server)).total("up") == 1

    async def test_another_host_is_not(self, client: httpx.AsyncClient, server: LocalWeb) -> None:
        """Nor another port of the same one: both answer for somebody else."""
        with LocalWeb() as other:
            other.text("/metrics", "up 1\n")
            for to in (other.url("/metrics"), server.url("/elsewhere", host="localhost")):
                self.send(server, "/metrics", to)
                assert "which is not followed" in await trouble(client, server.url("/metrics"))
            assert other.seen == []

    @pytest.mark.parametrize(
        ("here", "there", "same"),
        [
            ("http://a/x", "https://a/x", True),
            ("https://a/x", "https://a:443/y", True),
            ("https://a/x", "http://a/x", False),
            ("http://a:8000/x", "https://a/x", False),
            ("https://a/x", "https://a.b/x", False),
        ],
    )
    def test_encryption_may_be_added_and_never_taken_away(self, here: str, there: str, same: bool) -> None:  # noqa: FBT001 - a case
        """The usual redirect to https, on the usual ports, is still the same host."""
        assert web.same_host(httpx.URL(here), httpx.URL(there)) is same

    async def test_circles_end(self, client: httpx.AsyncClient, server: LocalWeb) -> None:
        """After three hops."""
        self.send(server, "/metrics", "/metrics")
        assert "redirected more than 3 times" in await trouble(client, server.url("/metrics"))
        assert len(server.seen) == 4


SCRAPS = st.text(alphabet='ab{}="\\,# 1.eNn\t\n_:\x00é+', max_size=40)
LINES = st.lists(
    st.sampled_from(
        [
            "up 1",
            "up 2",
            "up  3",
            "up\t4",
            "up 5 1700000000000",
            "up 6_0",
            "up one",
            "up",
            'up{a="x y"} 7',
            'up{a="x y"}8',
            'up{a="x 9',
            'up{a="x"} NaN',
            'up{a="x"} 1e3 ',
            "# up 1",
            "",
        ]
    ),
    max_size=6,
).map("\n".join)


@given(SCRAPS | LINES, SCRAPS | LINES)
def test_what_is_known_of_the_page_before_changes_nothing(before: str, now: str) -> None:
    """A page is read as if it were the first, whatever came before it."""
    known = Known()
    read_or_not(before, known)
    assert repr(read_or_not(now, known)) == repr(read_or_not(now, None))


def read_or_not(text: str, known: Known | None) -> Page | str:
    """The page, or why it is none."""
    try:
        return read(text.encode(), NOW, known)
    except ValueError as error:
        return str(error)


@given(SCRAPS | st.text(max_size=40))
def test_nothing_makes_reading_fail_but_a_line_that_says_why(text: str) -> None:
    """Whatever a page holds, it is a page or one clear error."""
    page, reason = None, ""
    try:
        page = read(text.encode("utf-8", "surrogatepass"), NOW)
    except ValueError as error:
        reason = str(error)
    assert page.series if page else reason.startswith(("line ", "byte ", "there is "))
