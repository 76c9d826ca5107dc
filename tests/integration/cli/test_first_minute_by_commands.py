"""An alert comes to an engine of its own: a suspected incident, the page of whoever is on call, `go`."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from console.config.paths import BUNDLED
from console.core.events import CommandAsked, CommandPaged, Event, IncidentDeclared, IncidentSuspected
from console.core.exits import Exit
from console.core.paging import every_event
from console.drill.pager import PAGES
from console.store.journal import SqliteReader
from console.store.layout import Layout
from tests.integration.cli.test_watch_by_commands import LIMIT_S, SMALL, Manager
from tests.integration.targets.local_web import LocalWeb
from tests.integration.webhook.kit import SECRET, alert, message
from tests.servers import LOOPBACK, free_port

SHIFT = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//tests//EN\r
BEGIN:VEVENT\r
UID:rota\r
DTSTAMP:20200101T000000Z\r
SUMMARY:on call: eng-2\r
DTSTART:20200101T000000Z\r
DTEND:20200102T000000Z\r
RRULE:FREQ=DAILY\r
END:VEVENT\r
END:VCALENDAR\r
"""


class Post(Manager):
    """An engine with a webhook, a calendar of who is on call, and somebody to page."""

    def __init__(self, folder: Path, web: LocalWeb) -> None:
        super().__init__(folder, web)
        self.port = free_port()
        yaml, path = YAML(), folder / "strategy.yaml"
        document = yaml.load(path)
        environment = document["environments"]["testnet"]
        environment["webhook"] = {
            "listen": f"{LOOPBACK}:{self.port}",
            "secret": "env:HOOK",
            "alerts": {"KeysOut": "keys_exposed"},
        }
        environment["on_call"] = {"kind": "calendar", "file": "on-call.ics", "every": "5m", "limit": "20s"}
        page = [sys.executable, "-m", "console.drill.pager", str(folder), "{handle}", "{contact}"]
        environment["authorisation"] |= {
            "within": "5m",
            "paging": {"command": page, "limit": "20s", "again": "2m", "deputy_after": "5m"},
            "escalation": {"roles": ["on-call-engineer", "team-lead"], "every": "5m"},
        }
        yaml.dump(document, path)
        (folder / "on-call.ics").write_text(SHIFT, newline="")
        people = yaml.load(BUNDLED / "roster.yaml")
        for person in people["people"]:
            person["contact"] = f"{person['handle']}@example.org"
        yaml.dump(people, folder / "roster.yaml")

    @property
    def environ(self) -> dict[str, str]:
        return {**super().environ, "HOOK": SECRET}

    def send(self, body: bytes) -> httpx.Response:
        """As Alertmanager does; the engine has said that it is ready, and may just begin to listen."""
        headers = {"authorization": f"Bearer {SECRET}", "content-type": "application/json"}
        ends = time.monotonic() + LIMIT_S
        while True:
            try:
                url = f"http://{LOOPBACK}:{self.port}/alerts"
                return httpx.post(url, content=body, headers=headers, timeout=LIMIT_S)
            except httpx.ConnectError:
                assert time.monotonic() < ends
                time.sleep(0.05)

    def events(self) -> list[Event]:
        reader = SqliteReader(Layout(self.folder / "warroom" / "testnet").journal, "testnet")
        try:
            return list(every_event(reader))
        finally:
            reader.close()

    def wait_for(self, holds: Callable[[list[Event]], bool]) -> list[Event]:
        """Every event, once they are like that."""
        ends = time.monotonic() + LIMIT_S
        while not holds(events := self.events()):
            assert time.monotonic() < ends, [event.body for event in events]
            time.sleep(0.05)
        return events

    def run(self, *words: str, actor: str = "eng-1") -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "console", *words, "--strategy", str(self.folder / "strategy.yaml")]
        done = subprocess.run(
            [*argv, "--as", actor],
            env=self.environ,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == Exit.DONE, done.stderr
        return done

    def pages(self) -> list[dict[str, str]]:
        lines = (self.folder / PAGES).read_text().splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    with LocalWeb() as server:
        server.text("/health", b'{"version": "v1.5.0"}')
        server.text("/metrics", b"")
        made = Post(tmp_path, server)
        yield made
        made.socket.close()


def paged(*people: str) -> Callable[[list[Event]], bool]:
    def holds(events: list[Event]) -> bool:
        return {e.body.person for e in events if isinstance(e.body, CommandPaged)} >= set(people)

    return holds


def test_from_an_alert_to_somebody_who_commands(post: Post) -> None:
    assert SMALL.exists()
    with post.started("watch"):
        assert post.send(message(alert("KeysOut", ago_s=42))).status_code == 200
        events = post.wait_for(paged("eng-2"))
        suspected = next(event for event in events if isinstance(event.body, IncidentSuspected))
        body: Any = suspected.body
        assert suspected.at.seconds_since(body.onset) == pytest.approx(42, abs=20)
        asked = next(event.body for event in events if isinstance(event.body, CommandAsked))
        assert (asked.person, asked.why) == ("eng-2", "on call")
        assert asked.source.startswith("(calendar, ")
        ended = next(event.body for event in events if isinstance(event.body, CommandPaged))
        assert ended.delivered
        (page,) = post.pages()
        assert page["contact"] == "eng-2@example.org"
        assert f"take command: warroom go {suspected.incident} --env testnet --as eng-2\n" in page["message"]
        assert "fires: alert KeysOut (keys exposed); since " in page["message"]
        assert "pass it on:   warroom page oncall-1 --env testnet --as eng-2\n" in page["message"]

        status = json.loads(post.run("status", "--json").stdout)
        assert (status["on_call"]["people"], status["on_call"]["source"]) == (["eng-2"], "calendar")
        assert (status["webhook"]["why_not"], status["webhook"]["taken"]) == ("", 1)
        assert "p asks" not in status["next"] or "oncall-1" in status["next"]
        assert "on call eng-2 (calendar, " in post.run("status").stdout

        post.run("page", "oncall-1", actor="eng-2")
        post.wait_for(paged("eng-2", "oncall-1"))
        listed = post.run("page").stdout
        assert "eng-2" in listed
        assert "asked somebody else" in listed
        people = json.loads(post.run("page", "--json").stdout)["people"]
        assert [person["person"] for person in people] == ["eng-2", "oncall-1"]

        post.run("go", str(suspected.incident), actor="oncall-1")
        declared = [event for event in post.events() if isinstance(event.body, IncidentDeclared)]
        assert [(event.actor, event.incident) for event in declared] == [("oncall-1", suspected.incident)]


def test_where_the_calendar_does_not_answer_the_roster_says_who_is_on_call(post: Post) -> None:
    (post.folder / "on-call.ics").unlink()
    with post.started("watch"):
        post.send(message(alert("KeysOut")))
        events = post.wait_for(paged("oncall-1"))
        asked = next(event.body for event in events if isinstance(event.body, CommandAsked))
        assert asked.person == "oncall-1"
        assert "because the calendar did not say it: " in asked.source
        assert "No such file" in json.loads(post.run("status", "--json").stdout)["trouble"]["on call"]
