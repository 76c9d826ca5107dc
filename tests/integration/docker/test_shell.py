"""Programs inside a container: bytes both ways, how they end, and that nothing is left running behind us."""

import asyncio
import hashlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from docker.models.containers import Container

from console.targets.docker.endpoint import DockerError
from console.targets.docker.engine import ContainerError, Docker
from console.targets.docker.shell import ContainerShell
from console.targets.process import ProgramError
from tests.docker_engine import Engine
from tests.integration.docker.kit import PIECE, Taken, noise, relay, running, until

SIZE = 50_000_000


@pytest.fixture
def shell(docker: Docker, idle: Container, tmp_path: Path) -> ContainerShell:
    return ContainerShell(docker, str(idle.name), tmp_path)


async def test_what_goes_in_comes_out_byte_for_byte(shell: ContainerShell) -> None:
    """Fifty megabytes of every byte value, through a program and back."""
    sent, taken = hashlib.sha256(), Taken()

    async def source() -> AsyncIterator[bytes]:
        async for piece in noise(SIZE):
            sent.update(piece)
            yield piece

    finished = await shell.run(("cat",), limit_s=60, source=source(), sink=taken)
    assert (finished.code, finished.out, finished.err) == (0, "", "")
    assert (taken.bytes, taken.digest.digest()) == (SIZE, sent.digest())


async def test_a_slow_taker_holds_the_giver_back(shell: ContainerShell) -> None:
    """What is under way stays small, however much goes through: it lies in pipes and sockets, not with us."""
    taken, ahead, given = Taken(wait_s=0.002), 0, 0

    async def source() -> AsyncIterator[bytes]:
        nonlocal ahead, given
        async for piece in noise(SIZE // 2):
            given += len(piece)
            ahead = max(ahead, given - taken.bytes)
            yield piece

    await shell.run(("cat",), limit_s=60, source=source(), sink=taken)
    assert taken.bytes == SIZE // 2
    assert ahead < 16 * PIECE


async def test_a_program_that_takes_only_some_of_its_input_is_heard_to_its_end(
    shell: ContainerShell,
) -> None:
    """It may end before we have given everything, with much yet to be read: nothing of that is lost."""
    taken = Taken(wait_s=0.005)
    words = ("sh", "-c", "head -c 3000000; echo enough >&2; exit 7")
    finished = await shell.run(words, limit_s=60, source=noise(SIZE), sink=taken)
    assert (taken.bytes, finished.err, finished.code) == (3_000_000, "enough\n", 7)


async def test_the_two_outputs_are_kept_apart_with_the_exit_code(shell: ContainerShell) -> None:
    lines: list[str] = []
    script = "echo one; echo two >&2; printf three; exit 3"
    finished = await shell.run(("sh", "-c", script), limit_s=10, on_line=lines.append)
    assert (finished.code, finished.out, finished.err) == (3, "one\nthree", "two\n")
    assert sorted(lines) == ["one", "three", "two"]


async def test_with_a_sink_only_the_errors_are_lines(shell: ContainerShell) -> None:
    lines: list[str] = []
    taken = Taken()
    script = "echo to the sink; echo told >&2"
    finished = await shell.run(("sh", "-c", script), limit_s=10, on_line=lines.append, sink=taken)
    assert (finished.out, finished.err, lines, taken.bytes) == ("", "told\n", ["told"], 12)


async def test_a_secret_is_in_the_environment_and_in_no_argument(shell: ContainerShell) -> None:
    script = 'echo "$SECRET"; tr "\\0" " " </proc/$$/cmdline >&2'
    finished = await shell.run(("sh", "-c", script), limit_s=10, environment={"SECRET": "open sesame"})
    assert finished.out == "open sesame\n"
    assert "sesame" not in finished.err


async def test_a_program_that_is_not_there_is_told_in_one_line(shell: ContainerShell) -> None:
    for path in ("pg_nothing", "/opt/pg_nothing", "/tmp"):  # noqa: S108 - a folder is no program either
        with pytest.raises(ProgramError, match=f"cannot run `{path} --version` in container .*-idle-"):
            await shell.run((path, "--version"), limit_s=10)


async def test_a_limit_ends_the_program_and_what_it_started(shell: ContainerShell) -> None:
    """Ending only what we started would leave the workers of a parallel dump at work."""
    with pytest.raises(ProgramError, match=r"^`sh` took longer than 1 s in container \S+ and was ended$"):
        await shell.run(("sh", "-c", "sleep 901 & sleep 901"), limit_s=1)
    assert not await running(shell, "sleep 901")


async def test_cancelling_ends_the_program(shell: ContainerShell) -> None:
    work = asyncio.create_task(shell.run(("sleep", "902"), limit_s=60))
    await until(lambda: running(shell, "sleep 902"))
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert not await running(shell, "sleep 902")


async def test_cancelling_in_the_very_beginning_leaves_nothing(shell: ContainerShell) -> None:
    """A program may start after we have given it up: it is waited for, so that it can be ended."""
    for wait_s in (0.0, 0.005, 0.01, 0.015, 0.02, 0.03):
        work = asyncio.create_task(shell.run(("sleep", "903"), limit_s=60))
        await asyncio.sleep(wait_s)
        work.cancel()
        await asyncio.wait({work})
        assert work.cancelled()
    await asyncio.sleep(0.3)
    assert not await running(shell, "sleep 903")


async def test_a_sink_that_fails_ends_the_program(shell: ContainerShell) -> None:
    async def full(_: bytes) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        await shell.run(("sh", "-c", "echo begun; exec sleep 904"), limit_s=60, sink=full)
    assert not await running(shell, "sleep 904")


async def test_a_source_that_fails_ends_the_program(shell: ContainerShell) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"begun"
        raise RuntimeError("the dump cannot be read")

    with pytest.raises(RuntimeError, match="cannot be read"):
        await shell.run(("sh", "-c", "cat; exec sleep 905"), limit_s=60, source=broken())
    assert not await running(shell, "sleep 905")


async def test_what_a_killed_engine_left_inside_is_found_and_ended(
    docker_engine: Engine, docker: Docker, idle: Container, tmp_path: Path
) -> None:
    """Kill -9 ends us and our connection; the program inside does not notice."""
    shell = ContainerShell(docker, str(idle.name), tmp_path / "a")
    other = ContainerShell(docker, str(idle.name), tmp_path / "ab")
    living = asyncio.create_task(other.run(("sleep", "907"), limit_s=60))
    ours = asyncio.create_task(shell.run(("sleep", "911"), limit_s=60))
    code = f"""
import asyncio
from pathlib import Path
from console.targets.docker.engine import Docker
from console.targets.docker.shell import ContainerShell
shell = ContainerShell(Docker({docker_engine.url!r}), {idle.name!r}, Path({str(tmp_path / "a")!r}))
asyncio.run(shell.run(("sh", "-c", "sleep 906 & sleep 906"), limit_s=60))
"""
    with subprocess.Popen((sys.executable, "-c", code)) as engine:
        await until(lambda: running(other, "sleep 906"))
        await until(lambda: running(other, "sleep 911"))
        engine.send_signal(signal.SIGKILL)
    assert len(await running(other, "sleep 906")) == 2
    assert len(await shell.end_orphans()) == 3
    assert not await running(other, "sleep 906")
    assert await shell.end_orphans() == []
    assert await running(other, "sleep 907"), "another engine's program is not ours to end"
    assert await running(other, "sleep 911"), "nor is what we run ourselves meanwhile"
    living.cancel()
    ours.cancel()
    await asyncio.wait({living, ours})


async def test_where_nothing_can_be_found_and_ended_that_is_told(
    docker_engine: Engine, docker: Docker, tmp_path: Path
) -> None:
    """An image may hold a server and nothing else: then we do not claim to have ended anything."""
    bare = docker_engine.run("bare", ("/usr/bin/sleep", "infinity"), environment={"PATH": "/nowhere"})
    shell = ContainerShell(docker, str(bare.name), tmp_path)
    words = rf"container {bare.name} lacks sh, grep or tr, without which nothing in it can be found$"
    with pytest.raises(ProgramError, match=words):
        await shell.end_orphans()
    with pytest.raises(ProgramError, match=rf"took longer than 1 s in .* and could not be ended: {words}"):
        await shell.run(("/usr/bin/sleep", "910"), limit_s=1)
    docker_engine.remove(bare)


async def test_half_of_an_output_is_no_end_even_when_the_program_did_well(
    docker_engine: Engine, idle: Container, tmp_path: Path
) -> None:
    """Half a dump with exit code 0 would be the worst of all ends."""
    async with relay(tmp_path, docker_engine.url, at_most=20_000) as (url, _):
        far = ContainerShell(Docker(url), str(idle.name), tmp_path)
        with pytest.raises(DockerError, match=r"cut the connection: it was ended, or the way to it$"):
            await far.run(("head", "-c", "30000", "/dev/zero"), limit_s=30)


async def test_what_runs_behind_a_connection_that_is_cut_is_ended(
    docker_engine: Engine, shell: ContainerShell, idle: Container, tmp_path: Path
) -> None:
    async with relay(tmp_path, docker_engine.url) as (url, cut):
        far = ContainerShell(Docker(url), str(idle.name), tmp_path)
        words = ("sh", "-c", "yes & exec sleep 908")
        work = asyncio.create_task(far.run(words, limit_s=60, sink=Taken(0.001)))
        await until(lambda: running(shell, "sleep 908"))
        cut()
        with pytest.raises((DockerError, ProgramError), match="cut"):
            await work
        assert not await running(shell, "sleep 908")
        assert not await running(shell, "yes")


async def test_a_container_that_stops_ends_what_runs_in_it(docker_engine: Engine, tmp_path: Path) -> None:
    container = docker_engine.run("short", ("sleep", "infinity"))
    shell = ContainerShell(Docker(docker_engine.url), str(container.name), tmp_path)
    work = asyncio.create_task(shell.run(("sleep", "909"), limit_s=60))
    await until(lambda: running(shell, "sleep 909"))
    await asyncio.to_thread(container.kill)
    assert (await work).code == 137
    with pytest.raises(
        ContainerError, match=rf"container {container.name} is exited, not running: .* runs?$"
    ):
        await shell.run(("true",), limit_s=10)
    docker_engine.remove(container)
    with pytest.raises(ContainerError, match=rf"has no container {container.name}: .*-idle-.* runs?$"):
        await shell.run(("true",), limit_s=10)
