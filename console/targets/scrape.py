"""A page of metrics in Prometheus' text format, fetched once and read whole."""

import asyncio
import re
from collections.abc import Iterator, Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

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


async def scrape(client: httpx.AsyncClient, url: str, limit_s: float, clock: Clock) -> Page:
    """The page at `url`, stamped with the moment it was there.

    Timestamps on the page are ignored, as are types. Raises SourceError when it does not come whole within
    `limit_s` seconds, or is not a page of metrics.
    """
    page, _ = await described(client, url, limit_s, clock)
    return page


async def described(
    client: httpx.AsyncClient, url: str, limit_s: float, clock: Clock
) -> tuple[Page, Mapping[str, str]]:
    """The same, and the types of series as the page tells them: `gauge`, by the name that it has there."""
    answer = await web.get(client, url, limit_s=limit_s, max_bytes=MAX_BYTES, accept=ACCEPT)
    at = clock.now()
    where = web.place(httpx.URL(url))
    if answer.status != httpx.codes.OK:
        raise SourceError(f"{where}: answers {answer.status}, not 200")
    try:
        page = await asyncio.to_thread(read, answer.body, at)
    except ValueError as error:
        raise SourceError(f"{where}: not a page of metrics: {error}") from None
    return page, dict(_TYPE.findall(answer.body.decode()))


def read(body: bytes, at: Stamp) -> Page:
    """The page that those bytes hold; ValueError with the line when they hold none.

    Of a series that is there twice the first counts, as in Prometheus.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8") from None
    series: dict[str, dict[Labels, float]] = {}
    for name, labels, value in _samples(text):
        series.setdefault(name, {}).setdefault(labels, value)
    if not series:
        raise ValueError("there is not one sample in it")
    return Page(at, series)


def _samples(text: str) -> Iterator[tuple[str, Labels, float]]:
    """Name, labels and value of each line.

    Lines are read one by one and without their comments, because the parser adds `_total` to the name of
    a counter whose TYPE it knows, and the strategy speaks of the names that were exposed.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("#") or not line.strip():
            continue
        if len(line) > MAX_LINE:
            raise ValueError(f"line {number} is longer than {MAX_LINE} characters")
        try:
            for family in text_string_to_metric_families(line):
                for sample in family.samples:
                    yield sample.name, tuple(sorted(sample.labels.items())), float(sample.value)
        except (ValueError, OverflowError, IndexError):
            raise ValueError(f"line {number} is no sample: {quoted(line.strip())}") from None
