"""What Alertmanager tells: read, cut to lengths that a line can hold, and what of it is news. Pure.

The messages are those of its webhook receiver, version 4 (prometheus.io/docs/alerting/latest/configuration,
`webhook_config`).
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from console.core import events as ev
from console.core.clock import Stamp
from console.core.errors import StatedError
from console.core.format import plain
from console.core.state import Alerted, State
from console.core.strategy import Environment

VERSION = "4"
LONGEST = 200
"""Characters that are kept of what an alert says of itself, and half as many of its name."""
OLDEST_S = 86_400.0
"""An onset is not put further back than this, whatever an alert says."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FINGERPRINT = re.compile(r"[0-9A-Za-z_-]{1,64}")
_SAYING = ("summary", "description", "message")
"""The annotations that say in words what fires; the first that there is counts."""


class MessageError(StatedError):
    """What came is no message of Alertmanager's; one line says why."""


class Told(Struct, frozen=True):
    """One alert of a message."""

    alert: str
    fingerprint: str
    firing: bool
    starts: int
    """UTC microseconds."""
    words: str


class _Alert(Struct, frozen=True):
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    starts: Annotated[datetime, Meta(tz=True)] = msgspec.field(name="startsAt")
    annotations: dict[str, str] = {}
    fingerprint: str = ""


class _Message(Struct, frozen=True):
    version: str
    alerts: list[_Alert]


_decoder = msgspec.json.Decoder(_Message)


def read(raw: bytes) -> tuple[Told, ...]:
    """The alerts of a message, in its order; MessageError when it is none."""
    try:
        message = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(f"no message of Alertmanager: {cut(str(error), LONGEST)}") from None
    if message.version != VERSION:
        raise MessageError(f"version {cut(message.version, 20)} of Alertmanager's messages, not {VERSION}")
    return tuple(map(_told, message.alerts))


def _told(alert: _Alert) -> Told:
    words = next((alert.annotations[name] for name in _SAYING if alert.annotations.get(name)), "")
    return Told(
        alert=cut(alert.labels.get("alertname", ""), LONGEST // 2) or "without a name",
        fingerprint=_fingerprint(alert),
        firing=alert.status == "firing",
        starts=(alert.starts - _EPOCH) // timedelta(microseconds=1),
        words=cut(words, LONGEST),
    )


def _fingerprint(alert: _Alert) -> str:
    """What Alertmanager tells it from others by; where it does not, its labels do."""
    if _FINGERPRINT.fullmatch(alert.fingerprint):
        return alert.fingerprint
    return hashlib.sha256(msgspec.json.encode(sorted(alert.labels.items()))).hexdigest()[:16]


def cut(text: str, most: int) -> str:
    """Text from outside as one line of at most so many characters, which a terminal can only show."""
    line = plain(" ".join(text[: 4 * most].split()))
    return line if len(line) <= most else f"{line[: most - 3]}..."


# -- what is news -----------------------------------------------------------------------------------


def news(
    state: State, environment: Environment, told: Iterable[Told], now: Stamp
) -> tuple[ev.AlertFired | ev.AlertEnded, ...]:
    """What of a message the journal does not say yet: an alert that is told again is no news."""
    known = dict(state.alerts)
    found: list[ev.AlertFired | ev.AlertEnded] = []
    for one in told:
        before, means = known.get(one.fingerprint), _means(environment, one)
        if one.firing and _is_new(before, one, means):
            starts = onset(one.starts, now)
            found.append(ev.AlertFired(one.alert, one.fingerprint, means, starts, one.starts, one.words))
            known[one.fingerprint] = Alerted(one.alert, means, starts, one.starts, one.words)
        elif not one.firing and before is not None and before.ended is None:
            found.append(ev.AlertEnded(one.alert, one.fingerprint))
            known[one.fingerprint] = msgspec.structs.replace(before, ended=now)
    return tuple(found)


def _means(environment: Environment, one: Told) -> str:
    return environment.webhook.alerts.get(one.alert, "") if environment.webhook else ""


def _is_new(before: Alerted | None, one: Told, means: str) -> bool:
    return before is None or before.means != means or one.starts > before.told


def onset(told: int, now: Stamp) -> Stamp:
    """When it began by our clock: not in the future, and not longer ago than an alert is believed."""
    oldest = now.utc_us - round(OLDEST_S * 1e6)
    return now.on_wall(min(now.utc_us, max(oldest, told)))


def suspects(environment: Environment, found: Iterable[ev.Body]) -> Iterator[tuple[str, Stamp]]:
    """What of it demands that somebody looks at once: in words, and since when.

    A trigger that is only to be considered does not. The words are the strategy's own, and no id of a
    declared trigger: that is raised by a person alone.
    """
    for body in found:
        if isinstance(body, ev.AlertFired) and (title := _title(environment, body.means)):
            yield f"alert {body.alert} ({title})", body.starts


def _title(environment: Environment, means: str) -> str:
    """What the metric or the trigger is called; empty where it decides nothing."""
    if metric := environment.metrics.get(means):
        return metric.title
    trigger = environment.triggers.get(means)
    return trigger.title if trigger and trigger.rung == "mandatory" else ""
