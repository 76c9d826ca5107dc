"""The shifts of a calendar: `python -m console.targets.shifts SECONDS ZONE`, the calendar on standard input.

It prints those that cover the moment of SECONDS since 1970, the one that counts first, as JSON. A program of
its own, because a rule of recurrence can take for ever to be followed: whoever starts it ends it.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import icalendar
import msgspec
import recurring_ical_events  # type: ignore[import-untyped]  # it brings no types

from console.core.on_duty import Shift

AROUND = timedelta(days=2)
"""Times without a zone are looked for so far around the moment; each is then judged in its own."""
MOST = 20


def shifts(raw: bytes, now: datetime, zone: ZoneInfo) -> list[Shift]:
    """The events of a calendar that cover `now`: what began last comes first, of several what ends first.

    A shift that is laid over another one begins later, or is the shorter. Days and times without a zone are
    meant in `zone`. ValueError for what is no calendar.
    """
    calendar = icalendar.Calendar.from_ical(raw)
    near = recurring_ical_events.of(calendar, components=["VEVENT"]).between(now - AROUND, now + AROUND)
    covering = [shift for event in near for shift in _shift(event, now, zone)]
    return sorted(covering, key=lambda shift: (-shift.began, shift.ends))[:MOST]


def _shift(event: Any, now: datetime, zone: ZoneInfo) -> Iterator[Shift]:
    begins, ends = _at(event.start, zone), _at(event.end, zone)
    if begins <= now < ends and str(event.get("STATUS", "")).upper() != "CANCELLED":
        attendees = event.get("ATTENDEE", [])
        named = attendees if isinstance(attendees, list) else [attendees]
        yield Shift(str(event.get("SUMMARY", "")), tuple(map(str, named)), _us(begins), _us(ends))


def _at(moment: date, zone: ZoneInfo) -> datetime:
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(), zone)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _us(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def main(words: list[str]) -> NoReturn:
    """Print the shifts; ends with 1 and a line on standard error where there is no calendar."""
    if len(words) != 2:
        sys.exit("usage: python -m console.targets.shifts SECONDS ZONE < CALENDAR")
    now = datetime.fromtimestamp(float(words[0]), tz=UTC)
    try:
        found = shifts(sys.stdin.buffer.read(), now, ZoneInfo(words[1]))
    except Exception as error:  # noqa: BLE001 - whatever its rules and zones bring up, it is the calendar's fault
        sys.exit(
            f"no calendar that can be read: {type(error).__name__}: {' '.join(str(error).split())[:150]}"
        )
    sys.stdout.write(msgspec.json.encode(found).decode())
    sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
