"""The way back of single steps, and how far one key goes, in words."""

from console.core import events as ev
from console.core.wording.base import Said, Title, Tone, words_of
from console.core.words import took


@words_of.register
def _(body: ev.RunPaced, _event: ev.Event, _title: Title) -> Said:
    how = "each step waits for its key" if body.pace == "step" else "a phase goes on by itself"
    return Said(f"pace {body.pace}: {how}", Tone.PERSON)


@words_of.register
def _(body: ev.RunReleased, _event: ev.Event, title: Title) -> Said:
    return Said(f"starts {', '.join(title(step) for step in body.steps)}", Tone.PERSON)


@words_of.register
def _(body: ev.StepFound, _event: ev.Event, title: Title) -> Said:
    facts = ", ".join(f"{name} {fact}" for name, fact in body.facts.items())
    return Said(f"{title(body.step)}: found before it changes anything: {facts}")


@words_of.register
def _(body: ev.UndoAsked, _event: ev.Event, title: Title) -> Said:
    reason = f": {body.reason}" if body.reason else ""
    return Said(f"takes back {', then '.join(title(step) for step in body.steps)}{reason}", Tone.WARN)


@words_of.register
def _(body: ev.UndoIntent, _event: ev.Event, title: Title) -> Said:
    again = f", attempt {body.attempt}" if body.attempt > 1 else ""
    return Said(f"{title(body.step)}: taking it back{again}")


@words_of.register
def _(body: ev.UndoOutcome, _event: ev.Event, title: Title) -> Said:
    words = f": {body.words}" if body.words else ""
    if body.status == "failed":
        return Said(f"{title(body.step)}: NOT TAKEN BACK after {took(body.seconds)}{words}", Tone.BAD)
    return Said(f"{title(body.step)}: taken back in {took(body.seconds)}{words}", Tone.GOOD)
