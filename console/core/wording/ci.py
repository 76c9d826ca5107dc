"""The CI in words."""

from console.core import events as ev
from console.core.wording.base import Said, Title, Tone, words_of


@words_of.register
def _(body: ev.CiFrozen, _event: ev.Event, _title: Title) -> Said:
    return Said(f"freezes {body.workflow} of {body.repository}, which was {body.before}", Tone.WARN)


@words_of.register
def _(body: ev.CiUnfrozen, _event: ev.Event, _title: Title) -> Said:
    return Said(f"{body.workflow} of {body.repository} is not frozen any more: {body.state}", Tone.GOOD)
