"""What the engine says of itself and of what it measures, in words."""

from console.core import events as ev
from console.core.format import short, value
from console.core.instances import spread
from console.core.metrics import Rung
from console.core.watched import Unit
from console.core.wording.base import Said, Title, Tone, words_of


@words_of.register
def _(body: ev.EngineStarted, _event: ev.Event, _title: Title) -> Said:
    return Said(f"engine started: process {body.pid}, epoch {body.epoch}, {body.mode}")


@words_of.register
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


@words_of.register
def _(body: ev.RungChanged, _event: ev.Event, _title: Title) -> Said:
    unit: Unit = "count"
    if body.unit in ("%", "s", "flag"):
        unit = body.unit  # type: ignore[assignment]  # just compared with every unit there is
    rule = f" ({body.rule})" if body.rule else ""
    words = f"{body.title} {value(body.value, unit)}: {body.after}, was {body.before}{rule}"
    return Said(words, _RUNG_TONE.get(body.after, Tone.PLAIN))


@words_of.register
def _(body: ev.ReleaseSeen, _event: ev.Event, _title: Title) -> Said:
    if mixed := spread(body.instances):
        return Said(f"the service is mixed: {mixed}", Tone.WARN)
    commit = f", commit {short(body.commit)}" if body.commit else ""
    everywhere = f" on all {len(body.instances)}" if body.instances else ""
    return Said(f"the service answers {body.release}{everywhere}{commit}", Tone.WARN)


@words_of.register
def _(body: ev.RequestRefused, _event: ev.Event, _title: Title) -> Said:
    return Said(f"refused {body.ask}: {body.reason}", Tone.BAD)
