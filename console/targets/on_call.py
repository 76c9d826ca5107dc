"""Who is on call, asked of whoever keeps that: a command, a calendar, an address that answers in JSON."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
from msgspec import Struct

from console.core.clock import Clock
from console.core.on_call import ByCalendar, ByCommand, ByHttp
from console.core.on_duty import Answer, NobodyError, Shift, of_json, of_output
from console.targets.process import Finished, ProgramError, Programs
from console.targets.source import SourceError
from console.targets.web import get

MOST_BYTES = 4 << 20
"""Of a calendar, or of an answer."""
_SHIFTS = msgspec.json.Decoder(list[Shift])


class Means(Struct, frozen=True):
    """What it is asked with."""

    client: httpx.AsyncClient
    secret: Callable[[str], str]
    """Resolves a reference to a secret."""
    clock: Clock
    programs: Programs
    folder: Path
    """What paths in the strategy are relative to."""
    redact: Callable[[str], str]
    """Takes secrets out of what is told."""


async def ask(source: ByCommand | ByCalendar | ByHttp, means: Means) -> Answer:
    """What the source says now, within its limit; StatedError with one line where it says nothing of use."""
    match source:
        case ByCommand():
            return await _command(source, means)
        case ByCalendar():
            return await _calendar(source, means)
        case ByHttp():
            raw = await _fetched(source.url, source.token, source.limit, means)
            return of_json(raw, source.field, source.until)


async def _command(source: ByCommand, means: Means) -> Answer:
    done = await _run(source.argv, source.limit, means)
    return of_output(done.out)


async def _calendar(source: ByCalendar, means: Means) -> Answer:
    """Read by a child: what a calendar says can take for ever, and must not hold the engine up."""
    raw = await _text(source, means)
    seconds = f"{means.clock.now().utc_us / 1e6:.6f}"
    # Isolated: what lies in the strategy's folder is no code of ours.
    argv = [sys.executable, "-I", "-m", "console.targets.shifts", seconds, source.zone]
    done = await _run(argv, source.limit, means, raw)
    found = _SHIFTS.decode(done.out)
    if not found:
        raise NobodyError("no event of it is of now")
    first = found[0]
    return Answer(tuple(filter(None, (first.summary, *first.attendees))), first.ends)


async def _text(source: ByCalendar, means: Means) -> bytes:
    if source.url is not None:
        return await _fetched(source.url, source.token, source.limit, means)
    path = means.folder / (source.file or "")
    try:
        return await asyncio.to_thread(_read, path)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise SourceError(f"{path}: larger than {MOST_BYTES} bytes")
    return raw


async def _fetched(url: str, token: str | None, limit_s: float, means: Means) -> bytes:
    secret = means.secret(token) if token else None
    answer = await get(means.client, url, limit_s=limit_s, max_bytes=MOST_BYTES, token=secret)
    if answer.status != 200:
        raise SourceError(f"it answers {answer.status}, not 200")
    return answer.body


async def _run(argv: list[str], limit_s: float, means: Means, stdin: bytes | None = None) -> Finished:
    try:
        done = await means.programs.run(argv, limit_s=limit_s, cwd=means.folder, stdin=stdin)
    except ProgramError as error:
        raise SourceError(str(error)) from None
    if done.code:
        raise SourceError(means.redact(done.reason))
    return done
