"""The release ledger in words."""

from console.core import events as ev
from console.core.format import count, short
from console.core.wording.base import Said, Title, Tone, words_of

_TONES = {"good": Tone.GOOD, "unproven": Tone.PERSON, "bad": Tone.BAD}


@words_of.register
def _(body: ev.ReleaseRecorded, _event: ev.Event, _title: Title) -> Said:
    release = f"release {body.tag} ({short(body.commit)})"
    if body.again:
        return Said(f"{release} recorded again, as it was")
    parts = ((body.images, "image"), (body.migrations, "migration"))
    told = "".join(f", {count(len(named), noun)}" for named, noun in parts if named)
    return Said(f"{release} recorded, unproven{told}")


@words_of.register
def _(body: ev.ReleaseMarked, _event: ev.Event, _title: Title) -> Said:
    return Said(f"judged release {body.tag} {body.verdict}: {body.reason}", _TONES[body.verdict])
