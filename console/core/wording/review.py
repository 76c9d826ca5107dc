"""Reviews of a gate that was opened by breaking the glass, in words."""

from console.core import events as ev
from console.core.wording.base import Said, Title, Tone, words_of


@words_of.register
def _(body: ev.ReviewSigned, event: ev.Event, _title: Title) -> Said:
    by = "" if event.actor == body.person else f", handed in by {event.actor}"
    words = f"{body.person} reviewed {body.incident}, {body.verdict}: {body.remark} (key {body.key[:17]}{by})"
    return Said(words, Tone.PERSON if body.verdict == "agreed" else Tone.BAD)


@words_of.register
def _(body: ev.ReviewOverdue, _event: ev.Event, _title: Title) -> Said:
    lacking = ", ".join(body.missing)
    return Said(f"{body.incident} broke the glass, and {lacking} did not review it in time", Tone.BAD)
