"""A plan and its steps in words."""

import msgspec

from console.core import events as ev
from console.core.format import count, short
from console.core.plan import thaw
from console.core.plan_words import way, wish_words
from console.core.requests import Choice
from console.core.wording.base import Said, Title, Tone, words_of
from console.core.words import took


@words_of.register
def _(body: ev.PlanningStarted, _event: ev.Event, _title: Title) -> Said:
    return Said(f"plans {wish_words(body.wish)}")


@words_of.register
def _(body: ev.PlanningFailed, _event: ev.Event, _title: Title) -> Said:
    return Said(f"no plan: {body.reason}", Tone.BAD)


@words_of.register
def _(body: ev.PlanFrozen, _event: ev.Event, _title: Title) -> Said:
    frozen = f"plan {short(body.digest)} frozen"
    try:
        plan = thaw(bytes(body.plan))
    except msgspec.DecodeError:
        return Said(f"{frozen}, in a form that this warroom cannot read", Tone.WARN)
    steps = count(len(plan.steps), "step")
    void = f"; void, and asked again: the yes of {', '.join(body.voids)}" if body.voids else ""
    return Said(f"{frozen}: {way(plan)}, {steps}{void}", Tone.WARN if void else Tone.PLAIN)


@words_of.register
def _(body: ev.EvidenceRecorded, _event: ev.Event, _title: Title) -> Said:
    verdict = "holds" if body.holds else "does not hold"
    return Said(f"evidence {body.slot} {verdict}: {body.words}", Tone.PLAIN if body.holds else Tone.WARN)


@words_of.register
def _(body: ev.StepIntent, _event: ev.Event, title: Title) -> Said:
    again = f", attempt {body.attempt}" if body.attempt > 1 else ""
    return Said(f"{title(body.step)}: begun{again}")


@words_of.register
def _(body: ev.StepOutcome, _event: ev.Event, title: Title) -> Said:
    words = f": {body.words}" if body.words else ""
    if body.status == "failed":
        return Said(f"{title(body.step)}: FAILED after {took(body.seconds)}{words}", Tone.BAD)
    return Said(f"{title(body.step)}: done in {took(body.seconds)}{words}", Tone.GOOD)


@words_of.register
def _(body: ev.StepProbed, _event: ev.Event, title: Title) -> Said:
    return Said(f"{title(body.step)}: looked into, {body.finding}: {body.words}", Tone.WARN)


_CHOSEN = {
    Choice.CONTINUE: "counts as done",
    Choice.RETRY: "is tried again",
    Choice.REDEPLOY: "is tried again, after another deployment",
    Choice.SKIP: "is skipped",
    Choice.ABORT: "stops the run",
}


@words_of.register
def _(body: ev.StepDecided, _event: ev.Event, title: Title) -> Said:
    reason = f": {body.reason}" if body.reason else ""
    return Said(f"decided: {title(body.step)} {_CHOSEN[body.choice]}{reason}", Tone.PERSON)


@words_of.register
def _(body: ev.StepAllowed, _event: ev.Event, title: Title) -> Said:
    return Said(f"said yes, as commander, to: {title(body.step)}", Tone.PERSON)


@words_of.register
def _(body: ev.RunAborted, _event: ev.Event, _title: Title) -> Said:
    return Said(f"stopped the run: {body.reason}", Tone.WARN)


@words_of.register
def _(_body: ev.RunResumed, _event: ev.Event, _title: Title) -> Said:
    return Said("goes on with the run", Tone.PERSON)
