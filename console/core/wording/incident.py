"""An incident, or a verb by itself, in words."""

from console.core import events as ev
from console.core.format import clock
from console.core.wording.base import Said, Title, Tone, words_of


@words_of.register
def _(body: ev.IncidentSuspected, event: ev.Event, _title: Title) -> Said:
    fires = ", ".join(body.triggers) or "a rule fires"
    return Said(f"suspected {event.incident}: {fires}; since {clock(body.onset)}", Tone.BAD)


@words_of.register
def _(body: ev.IncidentDeclared, event: ev.Event, _title: Title) -> Said:
    note = f": {body.note}" if body.note else ""
    words = f"declared {event.incident} {body.severity}, {body.commander} commands{note}"
    return Said(words, Tone.PERSON)


@words_of.register
def _(body: ev.SeverityChanged, _event: ev.Event, _title: Title) -> Said:
    return Said(f"it is {body.severity}: {body.reason}", Tone.PERSON)


@words_of.register
def _(body: ev.IncidentResolved, event: ev.Event, title: Title) -> Said:
    note = f": {body.note}" if body.note else ""
    lasts = f"; still in force: {', '.join(map(title, body.in_force))}" if body.in_force else ""
    return Said(f"resolved {event.incident}: {body.outcome}{note}{lasts}", Tone.WARN if lasts else Tone.GOOD)


@words_of.register
def _(body: ev.NoteAdded, _event: ev.Event, _title: Title) -> Said:
    return Said(f"note: {body.text}", Tone.PERSON)


@words_of.register
def _(body: ev.ItemTicked, _event: ev.Event, title: Title) -> Said:
    what = "ticked" if body.done else "took the tick back"
    proof = f", proven by {title(body.step)}" if body.step else ""
    note = f": {body.note}" if body.note else ""
    return Said(f"{what}: {title(body.item)}{proof}{note}", Tone.GOOD if body.done else Tone.WARN)


@words_of.register
def _(body: ev.OnsetMoved, _event: ev.Event, _title: Title) -> Said:
    return Said(f"onset moved to {clock(body.onset)}: {body.reason}", Tone.PERSON)


_ADVICE_TONE = {"mandatory": Tone.BAD, "held": Tone.WARN, "consider": Tone.WARN}


@words_of.register
def _(body: ev.RollbackAdvised, _event: ev.Event, _title: Title) -> Said:
    return Said(f"rollback {body.level}: {body.words}", _ADVICE_TONE.get(body.level, Tone.GOOD))


@words_of.register
def _(body: ev.ErrandBegun, event: ev.Event, title: Title) -> Said:
    told = " ".join(body.wish.options.values())
    return Said(f"{event.incident}: {title(body.wish.verb or '')}{f' {told}' if told else ''}")


@words_of.register
def _(body: ev.ErrandEnded, event: ev.Event, _title: Title) -> Said:
    tone = Tone.GOOD if body.outcome == "done" else Tone.BAD
    return Said(f"{event.incident} {body.outcome}: {body.words}", tone)
