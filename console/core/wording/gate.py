"""The gate in words: who was asked, who said what, when it opened."""

from console.core import events as ev
from console.core.format import short
from console.core.wording.base import Said, Title, Tone, words_of


@words_of.register
def _(body: ev.ItemWaived, _event: ev.Event, title: Title) -> Said:
    again = "whoever said yes is asked again"
    return Said(f"waived: {title(body.item)}: {body.reason}; {again}", Tone.WARN)


@words_of.register
def _(body: ev.GateClaimed, _event: ev.Event, _title: Title) -> Said:
    roles = ", ".join(body.roles)
    return Said(f"said yes to plan {short(body.plan_hash)} as {roles} (a claim)", Tone.PERSON)


@words_of.register
def _(body: ev.GateSigned, event: ev.Event, _title: Title) -> Said:
    by = "" if event.actor == body.person else f", handed in by {event.actor}"
    key = f"key {body.key[:17]}"
    if body.because:
        no = f"{body.person} said no to plan {short(body.plan_hash)}: {body.because}"
        return Said(f"{no} ({key}{by})", Tone.BAD)
    roles = ", ".join(body.roles)
    return Said(f"{body.person} signed plan {short(body.plan_hash)} as {roles} ({key}{by})", Tone.PERSON)


@words_of.register
def _(body: ev.GateWithdrawn, _event: ev.Event, _title: Title) -> Said:
    return Said(f"the yes of {body.person} does not count any more: {body.reason}", Tone.BAD)


@words_of.register
def _(body: ev.GateOpened, _event: ev.Event, _title: Title) -> Said:
    if body.automatic:
        by = f"by standing authorisation {body.standing}" if body.standing else "as the strategy lets it"
        return Said(f"gate open for plan {short(body.plan_hash)}: automatic rollback, {by}", Tone.WARN)
    words = f"gate open for plan {short(body.plan_hash)}: {', '.join(body.approvers)} said yes"
    if not body.reviews:
        return Said(words, Tone.GOOD)
    return Said(f"{words}, breaking the glass; {', '.join(body.reviews)} review it", Tone.BAD)


@words_of.register
def _(body: ev.GateClosed, _event: ev.Event, _title: Title) -> Said:
    return Said(f"the gate is closed again: {body.reason}", Tone.BAD)


_ASKED = {
    "role": "as",
    "again": "again, as",
    "deputy": "as deputy for",
    "escalation": "because the time is over, as",
    "by hand": "once more, as",
}


@words_of.register
def _(body: ev.GateAsked, _event: ev.Event, _title: Title) -> Said:
    return Said(f"asked {body.person} {_ASKED[body.why]} {', '.join(body.roles)}", Tone.PLAIN)


@words_of.register
def _(body: ev.GatePaged, _event: ev.Event, _title: Title) -> Said:
    if body.delivered:
        return Said(f"paged {body.person}: {body.words}", Tone.PLAIN)
    return Said(f"the page of {body.person} failed: {body.words}", Tone.BAD)


@words_of.register
def _(body: ev.GateSeen, _event: ev.Event, _title: Title) -> Said:
    return Said(f"looked at plan {short(body.plan_hash)} (a claim)", Tone.PERSON)


@words_of.register
def _(body: ev.GateEscalated, _event: ev.Event, _title: Title) -> Said:
    who = ", ".join(body.people) or "nobody holds it"
    lacking = f"{', '.join(body.missing)} did not say yes in time"
    return Said(f"{lacking}: level {body.level} is told, {body.role} ({who})", Tone.BAD)
