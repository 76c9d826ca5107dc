"""Whatever comes in by the webhook leads to a suspicion, a note or a refusal, and to nothing else."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from console.core import events as ev
from console.core.alerting import Webhook
from console.core.alerts import MessageError, Told, read
from console.core.clock import Stamp
from console.engine.alarms import Alarms, Allowance, Rate
from console.engine.book import Book
from tests.unit.core.kit import ENV
from tests.unit.engine.kit import HandClock, Journal, environment

WEBHOOK = Webhook.model_validate(
    {
        "listen": "127.0.0.1:9911",
        "secret": "env:HOOK",
        "alerts": {"Down": "health_check", "Keys": "keys_exposed"},
    }
)
MAY_SAY = (ev.IncidentSuspected, ev.AlertFired, ev.AlertEnded)
_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_labels = st.dictionaries(
    st.sampled_from(["alertname", "instance", "severity"]) | st.text(max_size=4),
    st.sampled_from(["Down", "Keys", "keys_exposed", "Other", "deploy", "; rm -rf /", "{handle}"])
    | st.text(max_size=20),
    max_size=3,
)
_times = st.sampled_from(
    ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00", "2025-10-09T09:00:00.123456789Z"]
)
_alerts = st.fixed_dictionaries(
    {"status": st.sampled_from(["firing", "resolved"]), "labels": _labels, "startsAt": _times},
    optional={
        "annotations": st.dictionaries(st.sampled_from(["summary", "description"]), st.text(max_size=20)),
        "fingerprint": st.text(max_size=20) | st.just("f" * 16),
        "endsAt": _times,
        "generatorURL": st.text(max_size=10),
    },
)
MESSAGES = st.fixed_dictionaries(
    {"version": st.just("4"), "alerts": st.lists(_alerts, max_size=4)},
    optional={"status": st.text(max_size=9), "x": st.none()},
)


class Door:
    """The alarms of an environment with triggers and rules."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.clock = HandClock()
        self.environment = environment(webhook=WEBHOOK)
        self.book = Book(self.journal, ENV, self.clock, lambda _seq: None)
        self.alarms = Alarms(self.book, self.environment, self.clock)
        self.refusals: list[str] = []

    def hear(self, raw: bytes) -> bool:
        """Whether it was a message."""
        try:
            told = read(raw)
        except MessageError as error:
            self.refusals.append(str(error))
            return False
        self.alarms.hear(told)
        return True


def holds(door: Door) -> None:
    """What must be so whatever came."""
    assert all(why.isprintable() and len(why) < 400 for why in door.refusals)
    assert all(isinstance(body, MAY_SAY) for body in door.journal.bodies())
    incident = door.book.state.open_incident
    assert incident is None or (incident.status == "suspected" and incident.plan is None)
    assert incident is None or not set(incident.triggers) & set(door.environment.triggers)
    for event in door.journal.read(0, 1000):
        assert event.actor == "engine"
        if isinstance(event.body, ev.AlertFired):
            assert len(event.body.alert) <= 100
            assert len(event.body.words) <= 200
            assert (event.body.alert + event.body.words).isprintable()
            assert event.body.starts.utc_us <= event.at.utc_us


@given(st.lists(MESSAGES | _json, max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_json_leads_to_a_suspicion_a_note_or_a_refusal(messages: list[Any]) -> None:
    door = Door()
    for message in messages:
        door.hear(json.dumps(message).encode())
    holds(door)


@given(st.lists(MESSAGES, min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_the_same_messages_again_are_no_news(messages: list[Any]) -> None:
    door = Door()
    raw = [json.dumps(message).encode() for message in messages]
    assert all(door.hear(each) for each in raw)
    last = [(one.fingerprint, one.firing) for one in read(raw[-1])]
    before = len(door.journal.bodies())
    if len(dict(last)) == len(last):  # else the message contradicts itself
        door.hear(raw[-1])
        assert len(door.journal.bodies()) == before


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_message_or_a_refusal(raw: bytes) -> None:
    door = Door()
    door.hear(raw)
    holds(door)


def test_what_fires_and_ends_in_one_message_has_ended() -> None:
    door = Door()
    alert = {
        "labels": {"alertname": "Down"},
        "startsAt": "2025-10-09T09:00:00Z",
        "fingerprint": "f" * 16,
    }
    both = [{**alert, "status": "firing"}, {**alert, "status": "resolved"}]
    assert door.hear(json.dumps({"version": "4", "alerts": both}).encode())
    assert [body.kind for body in door.journal.bodies()] == [
        "incident.suspected",
        "alert.fired",
        "alert.ended",
    ]
    assert door.alarms.dropped == 0


def test_without_a_fingerprint_the_labels_tell_alerts_apart() -> None:
    def one(**labels: str) -> Told:
        alert = {"status": "firing", "labels": labels, "startsAt": "2025-10-09T09:00:00Z"}
        (told,) = read(json.dumps({"version": "4", "alerts": [alert]}).encode())
        return told

    assert one(alertname="Down", a="1").fingerprint == one(a="1", alertname="Down").fingerprint
    assert one(alertname="Down", a="1").fingerprint != one(alertname="Down", a="2").fingerprint
    assert one().alert == "without a name"


def test_an_allowance_lets_so_much_through_and_then_so_much_in_a_while() -> None:
    clock = HandClock()
    some = Allowance(Rate(at_once=2, every_s=10.0), clock)
    assert [some.take() for _ in range(3)] == [True, True, False]
    clock.seconds = 10
    assert [some.take() for _ in range(2)] == [True, False]
    clock.seconds = 1000
    assert [some.take() for _ in range(3)] == [True, True, False]


def test_a_moment_on_the_wall_is_as_long_ago_by_both_clocks() -> None:
    now = Stamp(1_000_000_000, "boot", 500_000_000)
    assert now.seconds_since(now.on_wall(940_000_000)) == 60.0
