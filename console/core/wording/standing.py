"""Standing authorisations in words."""

from console.core import events as ev
from console.core.wording.base import Said, Title, Tone, words_of


@words_of.register
def _(body: ev.StandingSigned, event: ev.Event, _title: Title) -> Said:
    by = "" if event.actor == body.person else f", handed in by {event.actor}"
    roles = ", ".join(body.roles)
    words = f"{body.person} signed standing authorisation {body.id} as {roles} (key {body.key[:17]}{by})"
    return Said(words, Tone.PERSON)


@words_of.register
def _(body: ev.StandingRevoked, _event: ev.Event, _title: Title) -> Said:
    return Said(f"revoked standing authorisation {body.id}: {body.reason}", Tone.WARN)


@words_of.register
def _(body: ev.StandingEnded, _event: ev.Event, _title: Title) -> Said:
    return Said(f"standing authorisation {body.id} is {body.why}: {body.reason}", Tone.WARN)
