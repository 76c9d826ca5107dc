"""Bells: who waits is woken; who is gone, or does not listen, holds nobody up."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console.store.bell import Bell, BellError, Ringer
from console.store.layout import Runtime

LONG_S = 20.0
SHORT_S = 0.01


@pytest.fixture
def bells(tmp_path: Path) -> Path:
    return Runtime(tmp_path / "run").bells


@pytest.fixture
async def bell(bells: Path) -> AsyncIterator[Bell]:
    bell = Bell.of_reader(bells)
    yield bell
    bell.close()


@pytest.fixture
async def ringer() -> AsyncIterator[Ringer]:
    ringer = Ringer()
    yield ringer
    ringer.close()


async def test_a_ring_wakes_who_waits(bells: Path, bell: Bell, ringer: Ringer) -> None:
    """At once, with the number that was rung."""
    waiting = asyncio.create_task(bell.wait(LONG_S))
    await asyncio.sleep(0)
    assert ringer.ring_all(bells, 7) == 1
    assert await asyncio.wait_for(waiting, 2) == 7


async def test_silence_ends_the_wait(bell: Bell) -> None:
    """After the time that was given."""
    assert await bell.wait(SHORT_S) is None


async def test_a_ring_before_the_wait_is_not_lost(bells: Path, bell: Bell, ringer: Ringer) -> None:
    """Nothing happens between two waits that the second would not tell."""
    ringer.ring_all(bells, 3)
    assert await bell.wait(LONG_S) == 3
    ringer.ring_all(bells, 4)
    assert await bell.wait(LONG_S) == 4


async def test_a_burst_is_one_ring(bells: Path, bell: Bell, ringer: Ringer) -> None:
    """However often it was rung, the reader looks once."""
    for seq in range(1, 6):
        ringer.ring_all(bells, seq)
    assert await bell.wait(LONG_S) == 5
    assert await bell.wait(SHORT_S) is None


async def test_everybody_hears(bells: Path, bell: Bell, ringer: Ringer) -> None:
    """Each reader has a bell of its own; so has each of two who wait for the same."""
    other = Bell.of_reader(bells)
    waiting = [asyncio.create_task(one.wait(LONG_S)) for one in (bell, bell, other)]
    await asyncio.sleep(0)
    assert ringer.ring_all(bells, 9) == 2
    assert await asyncio.wait_for(asyncio.gather(*waiting), 2) == [9, 9, 9]
    other.close()
    assert ringer.ring_all(bells, 10) == 1


async def test_a_bell_whose_reader_was_killed_is_removed(bells: Path, bell: Bell, ringer: Ringer) -> None:
    """Its socket file refuses; it is rung no more."""
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    dead.bind(str(bells / "999999-0.sock"))
    dead.close()
    assert ringer.ring_all(bells, 1) == 1
    assert [path.name.split("-")[0] for path in bells.iterdir()] == [str(os.getpid())]


async def test_a_reader_that_stands_still_holds_nobody_up(bells: Path, bell: Bell, ringer: Ringer) -> None:
    """A stopped console's socket fills up; ringing goes on for everybody else, and never waits."""
    for seq in range(5000):
        assert ringer.ring_all(bells, seq) == 1
    assert await bell.wait(LONG_S) is not None


async def test_what_is_no_bell_is_passed_over(bells: Path, bell: Bell, ringer: Ringer) -> None:
    """A file that looks like one stays where it is, a bell that is not there is not heard."""
    (bells / "notes.sock").write_text("hello")
    assert ringer.ring_all(bells, 1) == 1
    assert (bells / "notes.sock").exists()
    assert not ringer.ring(bells / "none.sock")


async def test_any_datagram_is_a_ring(bells: Path, bell: Bell) -> None:
    """Nothing that is sent there can break the reader."""
    (path,) = bells.iterdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        for said in (b"", b"-1", b"x" * 1000, "²".encode(), b"9" * 30):
            stranger.sendto(said, str(path))
            assert await bell.wait(LONG_S) is not None


async def test_the_engines_bell_replaces_that_of_a_dead_engine(tmp_path: Path, ringer: Ringer) -> None:
    """A console rings whichever engine there is, and learns when there is none."""
    path = Runtime(tmp_path / "run").engine_bell
    assert not ringer.ring(path)
    path.parent.mkdir()
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    dead.bind(str(path))
    dead.close()
    engine = Bell(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert ringer.ring(path)
    assert await engine.wait(LONG_S) == 0
    engine.close()
    assert not path.exists()


def test_a_place_without_room_for_sockets_is_told(tmp_path: Path) -> None:
    """Paths of sockets end at 107 bytes."""
    with pytest.raises(BellError, match="no socket can be made there: AF_UNIX path too long"):
        Bell(tmp_path / ("x" * 107))
