"""What a health endpoint tells beside its health: how long it took, how long its certificate is good for."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from console.core.strategy import Service
from console.core.watched import Probe, Stat
from console.drill.certificates import EXPIRED, Certificates
from console.engine.watchers import ProbeWatcher
from console.store.clock import SystemClock
from console.targets import web
from tests.conftest import require_program

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
DAYS = 12
LATENCY = Stat(kind="stat", source="health", stat="latency")
TLS_DAYS = Stat(kind="stat", source="health", stat="tls_days")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """One for 127.0.0.1 that is good for some days; its key lies beside it."""
    require_program("openssl", "openssl")
    words = f"req -x509 -newkey rsa:2048 -nodes -days {DAYS} -subj /CN=127.0.0.1"
    named = ("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "certificate.pem")
    subprocess.run(["openssl", *words.split(), *named], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path / "certificate.pem"


@pytest.fixture
async def sealed(certificate: Path) -> AsyncIterator[int]:
    """The port of an endpoint that shows that certificate, and takes a moment to answer."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.1)  # what is measured
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def watch(client: httpx.AsyncClient, url: str) -> ProbeWatcher:
    service = Service(url="http://127.0.0.1:1", health="http://127.0.0.1:1/health", version="version")
    source = Probe(kind="http", url=url, every="1s", limit="3s")
    return ProbeWatcher(source, service, client, SystemClock())


async def test_latency_and_days_of_the_certificate(sealed: int, certificate: Path) -> None:
    """As the certificate says, not as anybody hopes."""
    trusted = ssl.create_default_context(cafile=str(certificate))
    async with httpx.AsyncClient(verify=trusted) as client:
        watcher = watch(client, f"https://127.0.0.1:{sealed}/health")
        await watcher.ask()
        took, days = watcher.reader(LATENCY)(), watcher.reader(TLS_DAYS)()
    assert watcher.trouble == ""
    assert took.value is not None
    assert 0.1 <= took.value < 3
    assert days.value is not None
    assert DAYS - 0.1 < days.value <= DAYS


async def test_without_an_answer_or_a_certificate_neither_is_known(sealed: int) -> None:
    """One that cannot be verified may be anybody's."""
    async with httpx.AsyncClient() as client:
        watcher = watch(client, f"https://127.0.0.1:{sealed}/health")
        await watcher.ask()
    assert "its certificate cannot be verified" in watcher.trouble
    assert watcher.reader(LATENCY)().value is None
    assert watcher.reader(TLS_DAYS)().value is None


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_certificate_that_has_expired_says_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, trusted: bool
) -> None:
    """Of an authority that is trusted; of any other, it may be anybody's."""
    require_program("openssl", "openssl")
    files = Certificates(tmp_path / "made")
    files.begin()
    files.issue(*EXPIRED)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
    async with server, web.new_client() as client:
        watcher = watch(client, f"https://127.0.0.1:{port}/health")
        await watcher.ask()
    days = watcher.reader(TLS_DAYS)().value
    if trusted:
        assert "certificate has expired), since 20" in watcher.trouble
        assert days is not None
        assert -2.01 < days < -1.99
    else:
        assert "its certificate cannot be verified" in watcher.trouble
        assert days is None
