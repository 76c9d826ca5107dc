"""Rehearses the release in the working directory on a scratch database: its service and its own suite, alone.

Run as `python -m console.drill.rehearse` with the database in WARROOM_SCRATCH_DSN. The service has a port and
a cache of its own, and ends when this does, however that happens; nothing is written to disk. It never
migrates anything when it starts: that is the keeper's part, which is not asked here.
"""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from console.core.scratch_variables import DSN
from console.drill.binaries import redis_program
from console.drill.ports import LOOPBACK, free_port

_START_S = 15.0
_LOOK_S = 0.02
_END_S = 2.0


def main() -> None:
    """Exit with 0 when the release's own suite passes; else with what it says has failed."""
    with _cache() as cache, _service(os.environ[DSN], cache) as url:
        suite = (sys.executable, "-m", "walletconnect.validate", url)
        done = subprocess.run(suite, check=False, env=_environment(), stdout=subprocess.PIPE, text=True)
    sys.stdout.write(done.stdout)
    sys.stdout.flush()
    if done.returncode:
        failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
        sys.exit("; ".join(failed) or f"the suite ended with {done.returncode}")


@contextmanager
def _cache() -> Iterator[str]:
    """A cache that keeps nothing; its URL."""
    port, password = free_port(), secrets.token_hex(16)
    settings = f'port {port}\nbind {LOOPBACK}\nrequirepass {password}\nsave ""\nset-proc-title no\n'
    with _secret(settings) as told, _running((str(redis_program()), told), Path("/"), {}):
        yield f"redis://:{password}@{LOOPBACK}:{port}/0"


@contextmanager
def _service(database_url: str, cache_url: str) -> Iterator[str]:
    """The release, serving on a port that nobody knows; its URL."""
    port = free_port()
    argv = (sys.executable, "-m", "walletconnect", "--port", str(port))
    with _secret(database_url) as database, _secret(cache_url) as cache:
        stores = {"WALLETCONNECT_DATABASE_FILE": database, "WALLETCONNECT_CACHE_FILE": cache}
        with _running(argv, Path.cwd(), stores) as service:
            _until_healthy(service, port)
            yield f"http://{LOOPBACK}:{port}"


@contextmanager
def _secret(text: str) -> Iterator[str]:
    """A file that is nowhere but in memory, which the programs that we start can read; its path there."""
    number = os.memfd_create("secret", 0)
    try:
        os.write(number, text.encode())
        os.set_inheritable(number, True)  # noqa: FBT003 - its signature, not ours
        yield f"/proc/self/fd/{number}"
    finally:
        os.close(number)


def _until_healthy(service: subprocess.Popen[bytes], port: int) -> None:
    limit = time.monotonic() + _START_S
    while not _is_healthy(port):
        if service.poll() is not None:
            sys.exit(f"the release ended with {service.returncode} when it was started")
        if time.monotonic() > limit:
            sys.exit(f"the release is not healthy after {_START_S:g} s")
        time.sleep(_LOOK_S)


def _is_healthy(port: int) -> bool:
    connection = HTTPConnection(LOOPBACK, port, timeout=_END_S)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


@contextmanager
def _running(argv: tuple[str, ...], cwd: Path, extra: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A program for the block; the kernel ends it too when we are killed."""
    words = ("setpriv", "--pdeathsig", "KILL", "--", *argv)
    env = _environment() | dict(extra)
    process = subprocess.Popen(words, cwd=cwd, env=env, stdout=subprocess.DEVNULL, close_fds=False)
    try:
        yield process
    finally:
        process.kill()
        process.wait(_END_S)


def _environment() -> dict[str, str]:
    """Ours, but that the worktree stays what git says it is."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


if __name__ == "__main__":
    main()
