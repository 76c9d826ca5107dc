"""Reading a whole journal without holding it: page by page."""

from collections.abc import Iterator

from console.core.events import Event
from console.core.protocols import Reader

PAGE = 1000


def every_event(reader: Reader) -> Iterator[Event]:
    """All events of a journal, oldest first."""
    seq = 0
    while page := reader.read(seq, PAGE):
        yield from page
        seq = page[-1].seq
