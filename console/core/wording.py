"""Every kind of event in a line of plain words, for timeline and report. Total: no event is silent."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import singledispatch

import msgspec
from msgspec import Struct

from console.core import events as ev
from console.core.format import clock, count, short, value
from console.core.metrics import Rung
from console.core.plan import thaw
from console.core.plan_words import way, wish_words
from console.core.requests import Choice
from console.core.watched import Unit
from console.core.words import took


class Tone(StrEnum):
    """How a line of the timeline is meant."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    PERSON = "person"
    """Somebody decided or said something."""


class Said(Struct, frozen=True):
    """An event in words."""

    words: str
    """One line, without time and actor; may hold text from outside as it came."""
    tone: Tone = Tone.PLAIN


Names = Mapping[str, str]
"""Titles of steps, of prerequisites and of checklist items, by id."""


def said(event: ev.Event, names: Names) -> Said:
    """What the timeline says of an event; ids without a title are said as they are."""
    return _words(event.body, event, lambda key: names.get(key, key))


Title = Callable[[str], str]


@singledispatch
def _words(body: ev.Body, event: ev.Event, _title: Title) -> Said:
    raw = body.raw if isinstance(body, ev.Unknown) else msgspec.json.encode(body)
    return Said(f"{event.kind} version {event.version}: {raw.decode('utf-8', 'backslashreplace')}")


# -- engine and metrics -----------------------------------------------------------------------------


@_words.register
def _(body: ev.EngineStarted, _event: ev.Event, _title: Title) -> Said:
    return Said(f"engine started: process {body.pid}, epoch {body.epoch}, {body.mode}")


@_words.register
def _(body: ev.EngineStopped, _event: ev.Event, _title: Title) -> Said:
    return Said(f"engine ended: {body.reason}", Tone.WARN)


_RUNG_TONE = {
    Rung.MANDATORY: Tone.BAD,
    Rung.AUTOMATIC: Tone.BAD,
    Rung.WARN: Tone.WARN,
    Rung.STALE: Tone.WARN,
    Rung.RECOVERED: Tone.GOOD,
    Rung.OK: Tone.GOOD,
}


@_words.register
def _(body: ev.RungChanged, _event: ev.Event, _title: Title) -> Said:
    unit: Unit = "count"
    if body.unit in ("%", "s", "flag"):
        unit = body.unit  # type: ignore[assignment]  # just compared with every unit there is
    rule = f" ({body.rule})" if body.rule else ""
    words = f"{body.title} {value(body.value, unit)}: {body.after}, was {body.before}{rule}"
    return Said(words, _RUNG_TONE.get(body.after, Tone.PLAIN))


@_words.register
def _(body: ev.ReleaseSeen, _event: ev.Event, _title: Title) -> Said:
    commit = f", commit {short(body.commit)}" if body.commit else ""
    return Said(f"the service answers {body.release}{commit}", Tone.WARN)


# -- the incident -----------------------------------------------------------------------------------


@_words.register
def _(body: ev.IncidentSuspected, event: ev.Event, _title: Title) -> Said:
    fires = ", ".join(body.triggers) or "a rule fires"
    return Said(f"suspected {event.incident}: {fires}; since {clock(body.onset)}", Tone.BAD)


@_words.register
def _(body: ev.IncidentDeclared, event: ev.Event, _title: Title) -> Said:
    note = f": {body.note}" if body.note else ""
    words = f"declared {event.incident} {body.severity}, {body.commander} commands{note}"
    return Said(words, Tone.PERSON)


@_words.register
def _(body: ev.IncidentResolved, event: ev.Event, _title: Title) -> Said:
    note = f": {body.note}" if body.note else ""
    return Said(f"resolved {event.incident}: {body.outcome}{note}", Tone.GOOD)


@_words.register
def _(body: ev.NoteAdded, _event: ev.Event, _title: Title) -> Said:
    return Said(f"note: {body.text}", Tone.PERSON)


@_words.register
def _(body: ev.ItemTicked, _event: ev.Event, title: Title) -> Said:
    what = "ticked" if body.done else "took the tick back"
    proof = f", proven by {title(body.step)}" if body.step else ""
    note = f": {body.note}" if body.note else ""
    return Said(f"{what}: {title(body.item)}{proof}{note}", Tone.GOOD if body.done else Tone.WARN)


@_words.register
def _(body: ev.ItemWaived, _event: ev.Event, title: Title) -> Said:
    again = "whoever said yes is asked again"
    return Said(f"waived: {title(body.item)}: {body.reason}; {again}", Tone.WARN)


@_words.register
def _(body: ev.RequestRefused, _event: ev.Event, _title: Title) -> Said:
    return Said(f"refused {body.ask}: {body.reason}", Tone.BAD)


# -- plan and gate ----------------------------------------------------------------------------------


@_words.register
def _(body: ev.PlanningStarted, _event: ev.Event, _title: Title) -> Said:
    return Said(f"plans {wish_words(body.wish)}")


@_words.register
def _(body: ev.OnsetMoved, _event: ev.Event, _title: Title) -> Said:
    return Said(f"onset moved to {clock(body.onset)}: {body.reason}", Tone.PERSON)


@_words.register
def _(body: ev.ErrandBegun, event: ev.Event, title: Title) -> Said:
    told = " ".join(body.wish.options.values())
    return Said(f"{event.incident}: {title(body.wish.verb or '')}{f' {told}' if told else ''}")


@_words.register
def _(body: ev.ErrandEnded, event: ev.Event, _title: Title) -> Said:
    tone = Tone.GOOD if body.outcome == "done" else Tone.BAD
    return Said(f"{event.incident} {body.outcome}: {body.words}", tone)


@_words.register
def _(body: ev.PlanningFailed, _event: ev.Event, _title: Title) -> Said:
    return Said(f"no plan: {body.reason}", Tone.BAD)


@_words.register
def _(body: ev.PlanFrozen, _event: ev.Event, _title: Title) -> Said:
    frozen = f"plan {short(body.digest)} frozen"
    try:
        plan = thaw(bytes(body.plan))
    except msgspec.DecodeError:
        return Said(f"{frozen}, in a form that this warroom cannot read", Tone.WARN)
    steps = count(len(plan.steps), "step")
    void = f"; void, and asked again: the yes of {', '.join(body.voids)}" if body.voids else ""
    return Said(f"{frozen}: {way(plan)}, {steps}{void}", Tone.WARN if void else Tone.PLAIN)


@_words.register
def _(body: ev.GateClaimed, _event: ev.Event, _title: Title) -> Said:
    roles = ", ".join(body.roles)
    return Said(f"said yes to plan {short(body.plan_hash)} as {roles} (a claim)", Tone.PERSON)


@_words.register
def _(body: ev.GateSigned, event: ev.Event, _title: Title) -> Said:
    by = "" if event.actor == body.person else f", handed in by {event.actor}"
    key = f"key {body.key[:17]}"
    if body.because:
        no = f"{body.person} said no to plan {short(body.plan_hash)}: {body.because}"
        return Said(f"{no} ({key}{by})", Tone.BAD)
    roles = ", ".join(body.roles)
    return Said(f"{body.person} signed plan {short(body.plan_hash)} as {roles} ({key}{by})", Tone.PERSON)


@_words.register
def _(body: ev.GateWithdrawn, _event: ev.Event, _title: Title) -> Said:
    return Said(f"the yes of {body.person} does not count any more: {body.reason}", Tone.BAD)


@_words.register
def _(body: ev.GateOpened, _event: ev.Event, _title: Title) -> Said:
    words = f"gate open for plan {short(body.plan_hash)}: {', '.join(body.approvers)} said yes"
    if not body.reviews:
        return Said(words, Tone.GOOD)
    return Said(f"{words}, breaking the glass; {', '.join(body.reviews)} review it", Tone.BAD)


@_words.register
def _(body: ev.EvidenceRecorded, _event: ev.Event, _title: Title) -> Said:
    verdict = "holds" if body.holds else "does not hold"
    return Said(f"evidence {body.slot} {verdict}: {body.words}", Tone.PLAIN if body.holds else Tone.WARN)


# -- steps ------------------------------------------------------------------------------------------


@_words.register
def _(body: ev.StepIntent, _event: ev.Event, title: Title) -> Said:
    again = f", attempt {body.attempt}" if body.attempt > 1 else ""
    return Said(f"{title(body.step)}: begun{again}")


@_words.register
def _(body: ev.StepOutcome, _event: ev.Event, title: Title) -> Said:
    words = f": {body.words}" if body.words else ""
    if body.status == "failed":
        return Said(f"{title(body.step)}: FAILED after {took(body.seconds)}{words}", Tone.BAD)
    return Said(f"{title(body.step)}: done in {took(body.seconds)}{words}", Tone.GOOD)


@_words.register
def _(body: ev.StepProbed, _event: ev.Event, title: Title) -> Said:
    return Said(f"{title(body.step)}: looked into, {body.finding}: {body.words}", Tone.WARN)


_CHOSEN = {
    Choice.CONTINUE: "counts as done",
    Choice.RETRY: "is tried again",
    Choice.SKIP: "is skipped",
    Choice.ABORT: "stops the run",
}


@_words.register
def _(body: ev.StepDecided, _event: ev.Event, title: Title) -> Said:
    reason = f": {body.reason}" if body.reason else ""
    return Said(f"decided: {title(body.step)} {_CHOSEN[body.choice]}{reason}", Tone.PERSON)


@_words.register
def _(body: ev.GateClosed, _event: ev.Event, _title: Title) -> Said:
    return Said(f"the gate is closed again: {body.reason}", Tone.BAD)


_ASKED = {
    "role": "as",
    "again": "again, as",
    "deputy": "as deputy for",
    "escalation": "because the time is over, as",
    "by hand": "once more, as",
}


@_words.register
def _(body: ev.GateAsked, _event: ev.Event, _title: Title) -> Said:
    return Said(f"asked {body.person} {_ASKED[body.why]} {', '.join(body.roles)}", Tone.PLAIN)


@_words.register
def _(body: ev.GatePaged, _event: ev.Event, _title: Title) -> Said:
    if body.delivered:
        return Said(f"paged {body.person}: {body.words}", Tone.PLAIN)
    return Said(f"the page of {body.person} failed: {body.words}", Tone.BAD)


@_words.register
def _(body: ev.GateSeen, _event: ev.Event, _title: Title) -> Said:
    return Said(f"looked at plan {short(body.plan_hash)} (a claim)", Tone.PERSON)


@_words.register
def _(body: ev.GateEscalated, _event: ev.Event, _title: Title) -> Said:
    who = ", ".join(body.people) or "nobody holds it"
    lacking = f"{', '.join(body.missing)} did not say yes in time"
    return Said(f"{lacking}: level {body.level} is told, {body.role} ({who})", Tone.BAD)


@_words.register
def _(body: ev.StandingSigned, event: ev.Event, _title: Title) -> Said:
    by = "" if event.actor == body.person else f", handed in by {event.actor}"
    roles = ", ".join(body.roles)
    words = f"{body.person} signed standing authorisation {body.id} as {roles} (key {body.key[:17]}{by})"
    return Said(words, Tone.PERSON)


@_words.register
def _(body: ev.StandingRevoked, _event: ev.Event, _title: Title) -> Said:
    return Said(f"revoked standing authorisation {body.id}: {body.reason}", Tone.WARN)


@_words.register
def _(body: ev.StandingEnded, _event: ev.Event, _title: Title) -> Said:
    return Said(f"standing authorisation {body.id} is {body.why}: {body.reason}", Tone.WARN)


@_words.register
def _(body: ev.ReviewSigned, event: ev.Event, _title: Title) -> Said:
    by = "" if event.actor == body.person else f", handed in by {event.actor}"
    words = f"{body.person} reviewed {body.incident}, {body.verdict}: {body.remark} (key {body.key[:17]}{by})"
    return Said(words, Tone.PERSON if body.verdict == "agreed" else Tone.BAD)


@_words.register
def _(body: ev.ReviewOverdue, _event: ev.Event, _title: Title) -> Said:
    lacking = ", ".join(body.missing)
    return Said(f"{body.incident} broke the glass, and {lacking} did not review it in time", Tone.BAD)


@_words.register
def _(body: ev.RunAborted, _event: ev.Event, _title: Title) -> Said:
    return Said(f"stopped the run: {body.reason}", Tone.WARN)


@_words.register
def _(_body: ev.RunResumed, _event: ev.Event, _title: Title) -> Said:
    return Said("goes on with the run", Tone.PERSON)
