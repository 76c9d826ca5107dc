"""An engine behind TCP and TLS, as one that is asked from another machine."""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from console.targets.docker.endpoint import DockerError
from console.targets.docker.engine import Docker
from console.targets.docker.shell import ContainerShell
from tests.conftest import require_program
from tests.docker_engine import Dockerd, Engine, require_dockerd
from tests.integration.docker.kit import Taken, noise
from tests.servers import free_port

_OPENSSL = """
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca-key.pem -out ca.pem
openssl req -newkey rsa:2048 -nodes -subj /CN=engine -keyout server-key.pem -out server.csr
openssl req -newkey rsa:2048 -nodes -subj /CN=us -keyout key.pem -out client.csr
echo 'subjectAltName = IP:127.0.0.1' >server.ext
openssl x509 -req -days 2 -in server.csr -CA ca.pem -CAkey ca-key.pem -extfile server.ext -out server.pem
openssl x509 -req -days 2 -in client.csr -CA ca.pem -CAkey ca-key.pem -out cert.pem
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as DOCKER_CERT_PATH wants it, with the engine's own key beside."""
    require_program("openssl", "openssl")
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run(("sh", "-ec", _OPENSSL), cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def far(certificates: Path) -> Iterator[tuple[Engine, dict[str, str]]]:
    """An engine that asks for a certificate on a TCP port, and the environment to reach it with."""
    require_dockerd()
    folder = Path(tempfile.mkdtemp(prefix="warroom-docker-"))
    url = f"tcp://127.0.0.1:{free_port()}"
    words = {"tlscacert": "ca.pem", "tlscert": "server.pem", "tlskey": "server-key.pem"}
    tls = [f"--{option}={certificates / name}" for option, name in words.items()]
    daemon = Dockerd(folder).start(f"--host={url}", "--tlsverify", *tls)
    try:
        engine = Engine(daemon.url, folder, servers=False)
        try:
            yield (
                engine,
                {"DOCKER_HOST": url, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(certificates)},
            )
        finally:
            engine.close()
    finally:
        daemon.stop()
        shutil.rmtree(folder)


async def test_bytes_go_both_ways_through_tls_and_the_end_of_input_arrives(
    far: tuple[Engine, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an end of input a restore would wait for ever."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")  # it is not about engines
    engine, environment = far
    container = engine.run("tls", ("sleep", "infinity"))
    shell = ContainerShell(Docker(environment=environment), str(container.name), tmp_path)
    sent, taken, some = hashlib.sha256(), Taken(), Taken(wait_s=0.005)

    async def source() -> AsyncIterator[bytes]:
        async for piece in noise(20_000_000):
            sent.update(piece)
            yield piece

    finished = await shell.run(("cat",), limit_s=60, source=source(), sink=taken)
    assert (finished.code, taken.digest.digest()) == (0, sent.digest())
    late = await shell.run(("sh", "-c", "cat >/dev/null; echo after the end"), limit_s=30, source=noise(9))
    assert late.out == "after the end\n"
    words = ("sh", "-c", "head -c 3000000; exit 4")
    partly = await shell.run(words, limit_s=30, source=noise(20_000_000), sink=some)
    assert (partly.code, some.bytes) == (4, 3_000_000)


async def test_an_engine_that_cannot_show_who_it_is_is_not_asked(
    far: tuple[Engine, dict[str, str]], tmp_path: Path, certificates: Path
) -> None:
    for name in ("cert.pem", "key.pem"):
        shutil.copy(certificates / name, tmp_path)
    words = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=other")
    subprocess.run(
        (*words, "-keyout", "/dev/null", "-out", "ca.pem"), cwd=tmp_path, check=True, capture_output=True
    )
    docker = Docker(environment={**far[1], "DOCKER_CERT_PATH": str(tmp_path)})
    with pytest.raises(DockerError, match=r"cannot be asked: .*certificate verify failed"):
        await docker.container("tls")
