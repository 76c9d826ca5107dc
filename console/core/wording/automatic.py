"""Automatic rollback in words."""

from console.core import events as ev
from console.core.wording.base import Said, Title, Tone, words_of
from console.core.words import took

_DECIDED = {
    "runs": ("automatic rollback runs by itself", Tone.WARN),
    "arms": ("automatic rollback is armed, it waits at the gate", Tone.WARN),
    "held": ("automatic rollback is held", Tone.WARN),
    "validating": ("automatic rollback looks again", Tone.PLAIN),
}
_ENDED = {
    "rolled back": ("rolled back by itself", Tone.GOOD),
    "stopped": ("automatic rollback stopped, a person is needed", Tone.BAD),
    "taken": ("automatic rollback ends", Tone.PERSON),
    "off": ("automatic rollback ends, it is switched off", Tone.WARN),
}


@words_of.register
def _(body: ev.AutomaticBegan, event: ev.Event, _title: Title) -> Said:
    rules = ", ".join(body.rules)
    return Said(f"automatic rollback begins in {event.incident}, nobody commands yet: {rules}", Tone.BAD)


@words_of.register
def _(body: ev.StageBegan, _event: ev.Event, _title: Title) -> Said:
    return Said(f"automatic: {body.stage} begins, {took(body.budget_s)} at most")


@words_of.register
def _(body: ev.StageOverran, _event: ev.Event, _title: Title) -> Said:
    return Said(f"automatic: {body.stage} takes longer than its {took(body.budget_s)}", Tone.WARN)


@words_of.register
def _(body: ev.StageEnded, _event: ev.Event, _title: Title) -> Said:
    over = body.seconds > body.budget_s
    words = f"automatic: {body.stage} took {took(body.seconds)} of {took(body.budget_s)}: {body.words}"
    return Said(words, Tone.WARN if over else Tone.PLAIN)


@words_of.register
def _(body: ev.AutomaticDecided, _event: ev.Event, _title: Title) -> Said:
    words, tone = _DECIDED[body.mode]
    by = f" by standing authorisation {body.standing}" if body.standing else ""
    return Said(f"{words}{by}: {body.why}", tone)


@words_of.register
def _(body: ev.AutomaticEnded, _event: ev.Event, _title: Title) -> Said:
    words, tone = _ENDED[body.outcome]
    return Said(f"{words}: {body.words}", tone)


@words_of.register
def _(body: ev.AutomaticPaged, _event: ev.Event, _title: Title) -> Said:
    what = f"{body.person}, automatic rollback {body.about}"
    if body.delivered:
        return Said(f"paged {what}: {body.words}")
    return Said(f"the page of {what} failed: {body.words}", Tone.BAD)


@words_of.register
def _(body: ev.AutomaticSwitched, _event: ev.Event, _title: Title) -> Said:
    how = "by its file" if body.by == "file" else "by hand"
    words = f"automatic rollback switched {'on' if body.on else 'off'} {how}"
    tone = Tone.WARN if body.by == "file" else Tone.PERSON
    return Said(f"{words}: {body.reason}" if body.reason else words, tone)
