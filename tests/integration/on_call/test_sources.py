"""Who is on call, asked of a real command, a real calendar, and a server that looks at what it is asked."""

import textwrap
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console.core.clock import Stamp
from console.core.errors import StatedError
from console.core.on_call import AnyOnCall
from console.core.on_duty import Answer
from console.targets import web
from console.targets.on_call import Means, ask
from tests.integration.targets.local_web import LocalWeb
from tests.integration.watch.kit import programs_of

SOURCE: TypeAdapter[AnyOnCall] = TypeAdapter(AnyOnCall)
HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\n"


class AtTime:
    """A clock that stands."""

    def __init__(self, moment: str) -> None:
        self._utc_us = round(datetime.fromisoformat(moment).timestamp() * 1e6)

    def now(self) -> Stamp:
        return Stamp(self._utc_us, "boot", self._utc_us)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


@pytest.fixture
async def means(tmp_path: Path) -> AsyncIterator[Means]:
    """What is asked with, on a Monday."""
    async with web.new_client() as client:
        clock = AtTime("2026-11-23T12:00:00Z")
        programs = programs_of(tmp_path)
        yield Means(
            client, lambda _: "CANARY", clock, programs, tmp_path, lambda t: t.replace("CANARY", "***")
        )


async def said(means: Means, **described: Any) -> Answer:
    return await ask(SOURCE.validate_python(described), means)


async def refused(means: Means, **described: Any) -> str:
    with pytest.raises(StatedError) as caught:
        await said(means, **described)
    assert "\n" not in str(caught.value)
    assert "CANARY" not in str(caught.value)
    return str(caught.value)


def us(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1e6)


class TestCommand:
    async def test_it_prints_a_name_in_the_strategys_folder(self, means: Means, tmp_path: Path) -> None:
        (tmp_path / "who").write_text("eng-1\n")
        assert await said(means, kind="command", argv=["cat", "who"]) == Answer(("eng-1",))

    async def test_what_fails_is_slow_or_not_there(self, means: Means) -> None:
        fails = ["sh", "-c", "echo no rota CANARY >&2; exit 3"]
        assert await refused(means, kind="command", argv=fails) == "no rota ***"
        slow = await refused(means, kind="command", argv=["sleep", "60"], limit="300ms")
        assert slow == "`sleep` took longer than 0.3 s and was ended"
        assert "no-such-program" in await refused(means, kind="command", argv=["no-such-program"])
        assert await refused(means, kind="command", argv=["true"]) == "it printed nothing"


class TestHttp:
    async def test_it_is_asked_with_the_token_and_answers_in_json(self, means: Means) -> None:
        with LocalWeb() as server:

            async def answer(request: Request) -> Response:
                assert request.headers["authorization"] == "Bearer CANARY"
                assert request.method == "GET"
                return JSONResponse({"now": [{"who": "one@example.org", "end": "2026-11-23T18:00:00Z"}]})

            server.answers["/now"] = answer
            source = {"kind": "http", "url": server.url("/now"), "field": "now.0.who", "until": "now.0.end"}
            found = await said(means, token="env:TOKEN", **source)  # noqa: S106 - where it is, not what
        assert found == Answer(("one@example.org",), us("2026-11-23T18:00:00Z"))

    async def test_without_a_token_none_is_sent(self, means: Means) -> None:
        with LocalWeb() as server:
            server.text("/now", '{"who": "eng-1"}')
            await said(means, kind="http", url=server.url("/now"), field="who")
            assert "authorization" not in server.seen[0].headers

    async def test_an_error_a_redirect_elsewhere_no_json_and_silence(self, means: Means) -> None:
        with LocalWeb() as server:
            server.text("/down", "", 500)
            server.text("/away", "", 302, location="http://elsewhere.invalid/")
            server.text("/page", "<html>")
            server.hang("/hangs")
            source = {"kind": "http", "field": "who"}
            assert "500, not 200" in await refused(means, url=server.url("/down"), **source)
            assert "redirects to" in await refused(means, url=server.url("/away"), **source)
            assert "no JSON" in await refused(means, url=server.url("/page"), **source)
            hangs = await refused(means, url=server.url("/hangs"), limit="300ms", **source)
            assert "no whole answer within 0.3 s" in hangs


def event(summary: str, *lines: str, uid: str = "") -> str:
    return "\r\n".join(
        [
            "BEGIN:VEVENT",
            f"UID:{uid or summary}",
            f"SUMMARY:{summary}",
            "DTSTAMP:20260101T000000Z",
            *lines,
            "END:VEVENT",
            "",
        ]
    )


BERLIN = textwrap.dedent("""\
    BEGIN:VTIMEZONE
    TZID:Europe/Berlin
    BEGIN:DAYLIGHT
    TZOFFSETFROM:+0100
    TZOFFSETTO:+0200
    TZNAME:CEST
    DTSTART:19700329T020000
    RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
    END:DAYLIGHT
    BEGIN:STANDARD
    TZOFFSETFROM:+0200
    TZOFFSETTO:+0100
    TZNAME:CET
    DTSTART:19701025T030000
    RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
    END:STANDARD
    END:VTIMEZONE
    """).replace("\n", "\r\n")
DAILY = (
    "DTSTART;TZID=Europe/Berlin:20260302T090000",
    "DTEND;TZID=Europe/Berlin:20260302T170000",
    "RRULE:FREQ=DAILY",
)
WEEKLY = ("DTSTART;TZID=Europe/Berlin:20260302T090000", "DTEND;TZID=Europe/Berlin:20260309T090000")


class TestCalendar:
    async def of(self, means: Means, moment: str, *parts: str, **changes: Any) -> Answer:
        """What a calendar of these parts says at a moment."""
        (means.folder / "on-call.ics").write_text(f"{HEAD}{''.join(parts)}END:VCALENDAR\r\n", newline="")
        then = Means(means.client, means.secret, AtTime(moment), means.programs, means.folder, means.redact)
        return await said(then, kind="calendar", file="on-call.ics", **changes)

    async def test_the_event_of_now_names_somebody_until_its_end(self, means: Means) -> None:
        shift = event(
            "eng-1", "DTSTART:20261123T080000Z", "DTEND:20261123T200000Z", "ATTENDEE:mailto:one@example.org"
        )
        found = await self.of(means, "2026-11-23T12:00:00Z", shift)
        assert found == Answer(("eng-1", "mailto:one@example.org"), us("2026-11-23T20:00:00Z"))

    @pytest.mark.parametrize(
        ("moment", "on"),
        [
            ("2026-03-28T07:59:59Z", False),
            ("2026-03-28T08:00:00Z", True),  # 09:00 in winter
            ("2026-03-30T07:00:00Z", True),  # 09:00 in summer
            ("2026-03-30T15:00:00Z", False),  # 17:00: an end is not within
            ("2026-10-26T07:59:59Z", False),
            ("2026-10-26T08:00:00Z", True),  # 09:00 in winter again
        ],
    )
    async def test_a_shift_keeps_its_time_of_day_across_the_change_of_the_clocks(
        self,
        means: Means,
        moment: str,
        on: bool,  # noqa: FBT001 - a row of a table
    ) -> None:
        rota = (BERLIN, event("eng-1", *DAILY))
        if on:
            assert (await self.of(means, moment, *rota)).names == ("eng-1",)
        else:
            with pytest.raises(StatedError, match="no event of it is of now"):
                await self.of(means, moment, *rota)

    async def test_people_take_turns_by_weeks(self, means: Means) -> None:
        turns = (
            event("eng-1", *WEEKLY, "RRULE:FREQ=WEEKLY;INTERVAL=2"),
            event(
                "eng-2",
                "DTSTART;TZID=Europe/Berlin:20260309T090000",
                "DTEND;TZID=Europe/Berlin:20260316T090000",
                "RRULE:FREQ=WEEKLY;INTERVAL=2",
            ),
        )
        names = [
            (await self.of(means, f"{day}T12:00:00Z", BERLIN, *turns)).names[0]
            for day in ("2026-03-04", "2026-03-11", "2026-03-18", "2026-11-23")
        ]
        assert names == ["eng-1", "eng-2", "eng-1", "eng-1"]

    async def test_an_override_lies_over_a_shift(self, means: Means) -> None:
        """As an event of its own, or as another version of one of the series; a cancelled one is none."""
        rota = event(
            "eng-1", "DTSTART:20261123T000000Z", "DTEND:20261124T000000Z", "RRULE:FREQ=DAILY", uid="rota"
        )
        over = event("eng-2", "DTSTART:20261123T100000Z", "DTEND:20261123T140000Z")
        same = event("eng-2", "DTSTART:20261123T000000Z", "DTEND:20261123T140000Z")
        gone = event("eng-2", "DTSTART:20261123T100000Z", "DTEND:20261123T140000Z", "STATUS:CANCELLED")
        version = event(
            "eng-3",
            "RECURRENCE-ID:20261123T000000Z",
            "DTSTART:20261123T000000Z",
            "DTEND:20261124T000000Z",
            uid="rota",
        )
        noon = "2026-11-23T12:00:00Z"
        assert (await self.of(means, noon, rota, over)).names == ("eng-2",)
        assert (await self.of(means, noon, over, rota)).until == us("2026-11-23T14:00:00Z")
        assert (await self.of(means, noon, rota, same)).names == ("eng-2",)
        assert (await self.of(means, noon, rota, gone)).names == ("eng-1",)
        assert (await self.of(means, noon, rota, version)).names == ("eng-3",)
        assert (await self.of(means, "2026-11-24T12:00:00Z", rota, version)).names == ("eng-1",)

    async def test_an_excluded_day_and_the_end_of_a_series(self, means: Means) -> None:
        rule = (
            "DTSTART:20261120T000000Z",
            "DTEND:20261121T000000Z",
            "RRULE:FREQ=DAILY;UNTIL=20261124T000000Z",
        )
        rota = event("eng-1", *rule, "EXDATE:20261123T000000Z")
        assert (await self.of(means, "2026-11-22T12:00:00Z", rota)).names == ("eng-1",)
        for nobody in ("2026-11-23T12:00:00Z", "2026-11-25T12:00:00Z"):
            with pytest.raises(StatedError, match="no event of it is of now"):
                await self.of(means, nobody, rota)

    async def test_whole_days_and_times_without_a_zone_are_meant_in_the_strategys(self, means: Means) -> None:
        """In New York the 23rd begins at 05:00 UTC."""
        days = event("eng-1", "DTSTART;VALUE=DATE:20261123", "DTEND;VALUE=DATE:20261124")
        hours = event("eng-2", "DTSTART:20261122T200000", "DTEND:20261123T000000")
        for moment, zone, name in (
            ("2026-11-24T04:59:00Z", "America/New_York", "eng-1"),
            ("2026-11-23T00:30:00Z", "UTC", "eng-1"),
            ("2026-11-23T04:59:00Z", "America/New_York", "eng-2"),
        ):
            assert (await self.of(means, moment, days, hours, zone=zone)).names == (name,)

    async def test_over_http_with_a_token(self, means: Means) -> None:
        shift = event("eng-1", "DTSTART:20261123T080000Z", "DTEND:20261123T200000Z")
        with LocalWeb() as server:
            server.text("/rota.ics", f"{HEAD}{shift}END:VCALENDAR\r\n")
            url = server.url("/rota.ics")
            found = await said(means, kind="calendar", url=url, token="file:token")  # noqa: S106 - where it is
            assert server.seen[0].headers["authorization"] == "Bearer CANARY"
        assert found.names == ("eng-1",)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "nobody today",
            "\x00\xff",
            HEAD,
            "BEGIN:VEVENT\r\nEND:VEVENT\r\n",
            f"{HEAD}BEGIN:VEVENT\r\nDTSTART:yesterday\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            f"{HEAD}{event('eng-1', 'DTSTART:20261123T080000Z', 'RRULE:FREQ=NEVER')}END:VCALENDAR\r\n",
            f"{HEAD}END:VCALENDAR\r\n",
        ],
        ids=["empty", "text", "binary", "cut", "an event alone", "no date", "no rule", "no event"],
    )
    async def test_what_is_no_calendar_or_an_empty_one(self, means: Means, tmp_path: Path, text: str) -> None:
        (tmp_path / "on-call.ics").write_text(text, encoding="latin-1", newline="")
        why = await refused(means, kind="calendar", file="on-call.ics")
        assert "no calendar that can be read" in why or why == "no event of it is of now"

    async def test_one_that_is_not_there_and_one_that_takes_for_ever(
        self, means: Means, tmp_path: Path
    ) -> None:
        """Every second for centuries: it is read by a child, which is ended at the limit."""
        assert "No such file" in await refused(means, kind="calendar", file="on-call.ics")
        rule = (
            "DTSTART:10000101T000000Z",
            "DTEND:10000101T000001Z",
            "RRULE:FREQ=SECONDLY;BYHOUR=25;BYMONTH=2",
        )
        bomb = f"{HEAD}{event('eng-1', *rule)}END:VCALENDAR\r\n"
        (tmp_path / "on-call.ics").write_text(bomb, newline="")
        why = await refused(means, kind="calendar", file="on-call.ics", limit="2s")
        assert "took longer than 2 s and was ended" in why or "no calendar that can be read" in why


def test_the_clock_of_these_tests_shows_what_it_says() -> None:
    shown = AtTime("2026-11-23T12:00:00Z").now().utc_us
    assert datetime.fromtimestamp(shown / 1e6, tz=UTC).isoformat() == "2026-11-23T12:00:00+00:00"
