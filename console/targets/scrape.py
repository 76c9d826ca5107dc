"""A page of metrics in Prometheus' text format, fetched once and read whole."""

import asyncio
import re
from collections.abc import Iterator, Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from console.core.clock import Clock, Stamp
from console.core.counters import Labels, Page
from console.core.naming import quoted
from console.targets import web
from console.targets.source import SourceError

MAX_BYTES = 8 << 20
"""A page larger than this is refused."""
MAX_LINE = 1 << 14
"""A longer line is refused: reading one takes time that grows faster than its length."""
ACCEPT = "text/plain;version=0.0.4"
_TYPE = re.compile(r"^# TYPE ([^ ]+) ([a-z]+)\s*$", re.MULTILINE)


class Known:
    """The series of the page before, by their text: of a line that was there then, only the number is new."""

    def __init__(self) -> None:
        self.series: dict[str, tuple[str, Labels]] = {}


async def scrape(
    client: httpx.AsyncClient, url: str, limit_s: float, clock: Clock, known: Known | None = None
) -> Page:
    """The page at `url`, stamped with the moment it was there.

    Timestamps on the page are ignored, as are types. Raises SourceError when it does not come whole within
    `limit_s` seconds, or is not a page of metrics. Whoever asks again and again hands the same `known` in.
    """
    page, _ = await _fetched(client, url, limit_s, clock, known)
    return page


async def described(
    client: httpx.AsyncClient, url: str, limit_s: float, clock: Clock
) -> tuple[Page, Mapping[str, str]]:
    """The same, and the types of series as the page tells them: `gauge`, by the name that it has there."""
    page, body = await _fetched(client, url, limit_s, clock)
    return page, dict(_TYPE.findall(body.decode()))


async def _fetched(
    client: httpx.AsyncClient, url: str, limit_s: float, clock: Clock, known: Known | None = None
) -> tuple[Page, bytes]:
    """The page, and the bytes that it was read from."""
    answer = await web.get(client, url, limit_s=limit_s, max_bytes=MAX_BYTES, accept=ACCEPT)
    at = clock.now()
    where = web.place(httpx.URL(url))
    if answer.status != httpx.codes.OK:
        raise SourceError(f"{where}: answers {answer.status}, not 200")
    try:
        return await asyncio.to_thread(read, answer.body, at, known), answer.body
    except ValueError as error:
        raise SourceError(f"{where}: not a page of metrics: {error}") from None


def read(body: bytes, at: Stamp, known: Known | None = None) -> Page:
    """The page that those bytes hold; ValueError with the line when they hold none.

    Of a series that is there twice the first counts, as in Prometheus.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8") from None
    known = known or Known()
    before, known.series = known.series, {}
    series: dict[str, dict[Labels, float]] = {}
    for name, labels, value in _samples(text, before, known.series):
        series.setdefault(name, {}).setdefault(labels, value)
    if not series:
        raise ValueError("there is not one sample in it")
    return Page(at, series)


def _samples(
    text: str, before: Mapping[str, tuple[str, Labels]], now: dict[str, tuple[str, Labels]]
) -> Iterator[tuple[str, Labels, float]]:
    """Name, labels and value of each line; `now` is filled with the series that are on this page."""
    for number, line in enumerate(text.split("\n"), 1):
        written, _, told = line.rpartition(" ")
        series, value = before.get(written), _value(told)
        if series is not None and value is not None:
            now[written] = series
            yield *series, value
            continue
        for sample in _parsed(number, line):
            labels = tuple(sorted(sample.labels.items()))
            # Only where all that follows the series is the one number that was read.
            if written and sample.timestamp is None and value is not None:
                now[written] = sample.name, labels
            yield sample.name, labels, float(sample.value)


def _value(told: str) -> float | None:
    """The number that stands there as the parser takes it; None where there is none."""
    try:
        return None if "_" in told else float(told)
    except ValueError:
        return None


def _parsed(number: int, line: str) -> list[Sample]:
    """What stands in a line; nothing in a comment.

    Lines are read one by one and without their comments, because the parser adds `_total` to the name of
    a counter whose TYPE it knows, and the strategy speaks of the names that were exposed.
    """
    if line.lstrip().startswith("#") or not line.strip():
        return []
    if len(line) > MAX_LINE:
        raise ValueError(f"line {number} is longer than {MAX_LINE} characters")
    try:
        samples = [sample for family in text_string_to_metric_families(line) for sample in family.samples]
        for sample in samples:
            float(sample.value)  # an integer can be too large for one
    except (ValueError, OverflowError, IndexError):
        raise ValueError(f"line {number} is no sample: {quoted(line.strip())}") from None
    return samples
