"""Whatever becomes of a keeper, its client says so in one line."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from console.targets.keeper import DeployRecord, Keeper, KeeperError

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(path: Path, answer: Answer) -> AsyncIterator[Keeper]:
    """A socket where each request is read and then answered by `answer`."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer(reader, writer)
        writer.close()

    async with await asyncio.start_unix_server(converse, path):
        yield Keeper(path)


def saying(text: bytes) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(text)

    return answer


async def test_progress_is_heard_before_the_answer(tmp_path: Path) -> None:
    lines = (
        b'{"progress":"fetching","utc_us":1}\n{"progress":"starting","utc_us":2}\n'
        b'{"ok":true,"repeated":false,"record":'
        b'{"token":"t","commit":"c","requested":1,"began":2,"ended":3,"ok":true,"words":"runs"}}\n'
    )
    heard: list[str] = []
    async with listening(tmp_path / "s", saying(lines)) as keeper:
        deployed = await keeper.deploy("c", "t", heard.append, 5)
    assert heard == ["fetching", "starting"]
    assert deployed.record == DeployRecord(
        token="t",  # noqa: S106 - it names a deploy
        commit="c",
        requested=1,
        began=2,
        ended=3,
        ok=True,
        words="runs",
    )


async def test_a_refusal_is_raised_as_it_was_said(tmp_path: Path) -> None:
    async with listening(tmp_path / "s", saying(b'{"error":"push it first"}\n')) as keeper:
        with pytest.raises(KeeperError, match="^push it first$"):
            await keeper.status()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "ended without an answer"),
        (b'{"progress":"fetching","utc_us":1}\n', "ended without an answer"),
        (b"hello\n", "speaks another protocol"),
        (b'{"ok":true}\n', "speaks another protocol"),
    ],
)
async def test_an_answer_that_is_none_is_said_to_be_none(tmp_path: Path, text: bytes, reason: str) -> None:
    async with listening(tmp_path / "s", saying(text)) as keeper:
        with pytest.raises(KeeperError, match=reason) as failed:
            await keeper.status()
    assert "\n" not in str(failed.value)


async def test_a_keeper_that_says_nothing_is_waited_for_no_longer_than_asked(tmp_path: Path) -> None:
    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()

    async with listening(tmp_path / "s", silent) as keeper:
        with pytest.raises(KeeperError, match=r"has not answered within 0\.1 s"):
            await keeper.status(limit_s=0.1)
        await asyncio.wait_for(gone.wait(), 5)


async def test_no_keeper_at_all_is_said_with_the_place_that_was_asked(tmp_path: Path) -> None:
    with pytest.raises(KeeperError, match=f"no keeper answers at {tmp_path}/none"):
        await Keeper(tmp_path / "none").stop()
