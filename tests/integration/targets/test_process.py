"""Programs: streamed, limited, and ended with whoever started them."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from console.targets.process import ProgramError, Programs, end_orphans, orphans

ENVIRONMENT = {"PATH": os.environ["PATH"]}


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    """Programs that carry this test's folder as their tag."""
    return Programs(ENVIRONMENT, tag=tmp_path)


async def test_output_comes_line_by_line_and_the_code_is_kept(programs: Programs) -> None:
    lines: list[str] = []
    done = await programs.run(
        ["sh", "-c", "echo one; echo two >&2; exit 3"], limit_s=10, on_line=lines.append
    )
    assert (done.code, done.out, done.err) == (3, "one\n", "two\n")
    assert sorted(lines) == ["one", "two"]
    assert done.reason == "two"


async def test_what_is_fed_arrives(programs: Programs) -> None:
    assert (await programs.run(["cat"], limit_s=10, stdin=b"hello")).out == "hello"


async def test_only_the_given_environment_is_passed_on(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_CANARY", "1")
    assert "SECRET_CANARY" not in (await programs.run(["env"], limit_s=10)).out


async def test_a_program_over_its_limit_is_ended_with_its_children(
    programs: Programs, tmp_path: Path
) -> None:
    with pytest.raises(ProgramError, match="took longer than 0.3 s"):
        await programs.run(["sh", "-c", "sleep 60 & sleep 60"], limit_s=0.3)
    assert orphans(tmp_path) == []


async def test_what_has_left_the_programs_group_is_ended_too(programs: Programs, tmp_path: Path) -> None:
    """It holds the output open, and nobody waits a minute for that."""
    async with asyncio.timeout(10):
        with pytest.raises(ProgramError, match="took longer than 0.3 s"):
            await programs.run(["sh", "-c", "setsid sleep 60 & sleep 60"], limit_s=0.3)
    assert orphans(tmp_path) == []


async def test_a_sink_that_fails_ends_a_program_that_goes_on_talking(programs: Programs) -> None:
    """A full disk is told at once: what the program still says is not waited for, and not in the way."""

    async def full(_: bytes) -> None:
        await asyncio.sleep(0.2)  # so that more waits than any buffer takes
        raise OSError("no room")

    async with asyncio.timeout(10):
        with pytest.raises(OSError, match="no room"):
            await programs.run(("cat", "/dev/zero"), limit_s=60, sink=full)


async def test_a_program_that_is_not_there_is_one_line(programs: Programs) -> None:
    done = await programs.run(["no-such-program"], limit_s=10)
    assert done.code
    assert "no-such-program" in done.reason


async def test_a_line_longer_than_any_buffer_does_not_stop_the_program(programs: Programs) -> None:
    done = await programs.run(
        ["sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; echo; echo end"], limit_s=10
    )
    assert done.code == 0
    assert done.out.endswith("end\n")


async def test_kill_9_of_the_starter_ends_the_program(tmp_path: Path) -> None:
    """PR_SET_PDEATHSIG: nothing of a dead engine goes on working."""
    code = (
        "import asyncio, sys; from pathlib import Path; from console.targets.process import Programs\n"
        "p = Programs({'PATH': sys.argv[2]}, tag=Path(sys.argv[1]))\n"
        "def show(line): print(line, flush=True)\n"
        "asyncio.run(p.run(['sh', '-c', 'echo up; exec sleep 60'], limit_s=60, on_line=show))"
    )
    argv = [sys.executable, "-c", code, str(tmp_path), os.environ["PATH"]]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "up\n"
        (child,) = orphans(tmp_path)
        watched = os.pidfd_open(child)
        starter.send_signal(signal.SIGKILL)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(watched, ended.set)
    await asyncio.wait_for(ended.wait(), 5)
    asyncio.get_running_loop().remove_reader(watched)
    os.close(watched)


async def test_orphans_are_found_by_their_tag_and_ended(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], env={**ENVIRONMENT, "WARROOM_WORK": str(tmp_path)}) as orphan:
        assert end_orphans(tmp_path) == [orphan.pid]
        assert orphan.wait(5) == -signal.SIGKILL
