"""Alerts from outside, and who was paged to take command, in words."""

from console.core import events as ev
from console.core.format import clock
from console.core.wording.base import Said, Title, Tone, words_of


@words_of.register
def _(body: ev.AlertFired, _event: ev.Event, _title: Title) -> Said:
    means = f" ({body.means})" if body.means else " (not mapped)"
    words = f": {body.words}" if body.words else ""
    alert = f"alert {body.alert}{means} fires since {clock(body.starts)}{words}"
    return Said(alert, Tone.BAD if body.means else Tone.WARN)


@words_of.register
def _(body: ev.AlertEnded, _event: ev.Event, _title: Title) -> Said:
    return Said(f"alert {body.alert} does not fire any more", Tone.GOOD)


_ASKED = {
    "on call": "asked {person} to take command, on call {source}",
    "again": "asked {person} again to take command, as {role}",
    "escalation": "asked {person} to take command, because nobody did: level {level}, {role}",
    "by hand": "had {person} asked to take command, as {role}",
}


@words_of.register
def _(body: ev.CommandAsked, _event: ev.Event, _title: Title) -> Said:
    words = _ASKED[body.why].format(
        person=body.person, role=body.role, level=body.level, source=body.source or "by the roster"
    )
    return Said(words, Tone.WARN if body.why == "escalation" else Tone.PLAIN)


@words_of.register
def _(body: ev.CommandPaged, _event: ev.Event, _title: Title) -> Said:
    if body.delivered:
        return Said(f"paged {body.person}: {body.words}", Tone.PLAIN)
    return Said(f"the page of {body.person} failed: {body.words}", Tone.BAD)
