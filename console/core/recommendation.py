"""Whether to roll back, and why: one judgement for engine, console and command line. Pure.

- `none`: nothing fires, or the way back is under way.
- `consider`: a trigger was declared that never decides; or a rule fires, but no release landed that it could
  come from.
- `mandatory`: a rule or a declared trigger says roll back.
- `held`: it would say so, but a rollback will not help, or something else is being tried: with the reason.

It never opens or closes a gate: whoever decides may know better.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from console.core.clock import Stamp
from console.core.deploys import Landing, attributed, line_of_deploys
from console.core.format import value
from console.core.freshness import rungs_now
from console.core.live import Live
from console.core.metrics import Rung
from console.core.mitigating import covering, firing, title, trials, unhelpful, unseen, way_back_begun
from console.core.moments import written
from console.core.protocols import Snapshot
from console.core.state import State
from console.core.strategy import Environment
from console.core.watched import Metric, Stat
from console.core.words import age, duration

Level = Literal["none", "consider", "mandatory", "held"]
DAY_S = 86_400
EXPIRY = "tls_days"
"""The stat whose value tells a moment: when a certificate expires."""


class Grounds(Struct, frozen=True):
    """What a rollback is judged by, as of one moment."""

    at: Stamp
    state: State
    rungs: Mapping[str, Rung]
    values: Mapping[str, float | None]
    """What was measured last, by metric."""
    line: tuple[Landing, ...] | None
    """The line of deploys; None while nobody has looked."""

    @property
    def declared(self) -> tuple[str, ...]:
        """The triggers of the open incident, those of rules among them."""
        incident = self.state.open_incident
        return incident.triggers if incident else ()

    @property
    def onset(self) -> int | None:
        """When the open incident began, UTC microseconds."""
        incident = self.state.open_incident
        return incident.onset.utc_us if incident else None


class Recommendation(Struct, frozen=True):
    """What is recommended, and why."""

    level: Level
    words: str
    """In a few words: what fires, or why it is held."""
    reasons: tuple[str, ...] = ()
    """Everything that speaks for or against it, a sentence each."""
    cause: str = ""
    """Why a rollback will not help, as far as that is why it is held."""


# -- from what is known -----------------------------------------------------------------------------


def line_seen(live: Live | None, state: State) -> tuple[Landing, ...] | None:
    """The line of deploys, once an engine has looked at the list of releases."""
    if live is None or live.changes is None:
        return None
    return line_of_deploys(live.changes.releases, state.landed)


def grounds(snapshot: Snapshot, environment: Environment) -> Grounds:
    """As a console sees them: what is too old to be true does not fire."""
    newest = snapshot.rows[-1].readings if snapshot.rows else ()
    return Grounds(
        at=snapshot.at,
        state=snapshot.state,
        rungs=rungs_now(snapshot, environment),
        values={reading.metric: reading.value for reading in newest},
        line=line_seen(snapshot.live, snapshot.state),
    )


def of_snapshot(snapshot: Snapshot, environment: Environment) -> Recommendation:
    """What is recommended at the moment of a snapshot."""
    return recommend(environment, grounds(snapshot, environment))


def undecided(snapshot: Snapshot, environment: Environment) -> Recommendation | None:
    """The same, while it is to be decided: None once the way back is under way, and while all is well."""
    incident = snapshot.state.open_incident
    if incident is not None and way_back_begun(incident):
        return None
    found = of_snapshot(snapshot, environment)
    return None if incident is None and found.level == "none" else found


# -- why a rollback will not help -------------------------------------------------------------------


def will_not_help(environment: Environment, known: Grounds) -> str:
    """Why no rollback helps against what fires, in a sentence; empty where one may.

    Either a cause that is not ours explains all of it, or no release landed that it could come from.
    """
    fires = firing(environment, known.rungs, known.declared)
    if causes := explaining(environment, known, fires):
        return "; ".join((*causes, *_against(environment, known)))
    if fires and any(name in environment.metrics for name in fires):
        return "; ".join(_against(environment, known))
    return ""


def explaining(environment: Environment, known: Grounds, fires: Sequence[str]) -> tuple[str, ...]:
    """The causes that are there and not ours, in words, where they explain all that fires; else none."""
    there = {name: environment.metrics[name] for name in fires if _not_ours(environment, name)}
    explained = set(there).union(*(one.not_ours.explains for one in there.values() if one.not_ours))
    if not there or not set(fires) <= explained:
        return ()
    return tuple(cause_words(metric, known.values.get(name), known.at) for name, metric in there.items())


def _not_ours(environment: Environment, name: str) -> bool:
    metric = environment.metrics.get(name)
    return metric is not None and metric.not_ours is not None


def cause_words(metric: Metric, number: float | None, now: Stamp) -> str:
    """The cause, with what was measured: `the certificate has expired: 2 d 0 h ago, 2026-11-21T09:00:00Z`."""
    cause = metric.not_ours.cause if metric.not_ours else metric.title
    if number is None or metric.unit == "flag":
        return cause
    if isinstance(metric.measure, Stat) and metric.measure.stat == EXPIRY:
        at = round(now.utc_us + number * DAY_S * 1e6)
        when = f"{age(-number * DAY_S)} ago" if number <= 0 else f"in {age(number * DAY_S)}"
        return f"{cause}: {when}, {written(at)}"
    return f"{cause} ({metric.title} {value(number, metric.unit)})"


def _against(environment: Environment, known: Grounds) -> tuple[str, ...]:
    """What the line of deploys says against a rollback; nothing where nobody looked, or it speaks for it."""
    if known.line is None or known.onset is None:
        return ()
    found = attributed(environment, known.line, known.onset)
    return (found.words,) if found.may_help is False else ()


# -- the judgement ----------------------------------------------------------------------------------


def recommend(environment: Environment, known: Grounds) -> Recommendation:
    """Judge it: rungs, declared triggers, attribution, and the mitigations that were tried."""
    incident = known.state.open_incident
    if incident is not None and way_back_begun(incident):
        return Recommendation("none", "the way back is under way")
    fires = firing(environment, known.rungs, known.declared)
    if not fires:
        return _calm(environment, known)
    for_it = tuple(_fires(environment, known, fires))
    against = _against(environment, known)
    if causes := explaining(environment, known, fires):
        words = f"{'; '.join(causes)}: a rollback will not help"
        return Recommendation("held", words, (*causes, *against, *for_it), cause="; ".join(causes))
    if words := _only_people_see(environment, known, fires):
        return Recommendation("consider", words, for_it)
    tried = tuple(_mitigations(environment, known, fires))
    if waits := _waits(environment, known):
        return Recommendation("held", waits, (*for_it, *tried))
    said = [name for name in fires if name in environment.triggers]
    if against and not said:
        return Recommendation("consider", against[0], (*against, *for_it, *tried))
    return Recommendation("mandatory", _names(environment, fires), (*for_it, *against, *tried))


def _calm(environment: Environment, known: Grounds) -> Recommendation:
    """Nothing says roll back; something may be worth a thought."""
    thoughts = tuple(
        environment.triggers[name].title for name in environment.triggers if name in known.declared
    )
    if thoughts:
        return Recommendation("consider", ", ".join(thoughts), thoughts)
    blind = [m.title for name, m in environment.metrics.items() if known.rungs.get(name) is Rung.STALE]
    unknown = (f"nothing fresh is known of {', '.join(blind)}",) if blind else ()
    return Recommendation("none", "nothing that is measured asks for one", unknown)


def _names(environment: Environment, fires: Sequence[str]) -> str:
    return ", ".join(_title(environment, name) for name in fires)


def _title(environment: Environment, name: str) -> str:
    metric = environment.metrics.get(name)
    return metric.title if metric else environment.triggers[name].title


def _fires(environment: Environment, known: Grounds, fires: Sequence[str]) -> Iterator[str]:
    """Each of those with its value and the rule's own words."""
    for name in fires:
        metric = environment.metrics.get(name)
        if metric is None:
            yield f"{environment.triggers[name].title}: declared"
            continue
        number = known.values.get(name)
        rung = known.rungs[name]
        rule = metric.rungs.automatic if rung is Rung.AUTOMATIC else metric.rungs.mandatory
        measured = "" if number is None else f" {value(number, metric.unit)}"
        yield f"{metric.title}{measured}: {rung}, {rule}"


def _mitigations(environment: Environment, known: Grounds, fires: Sequence[str]) -> Iterator[str]:
    """What could be tried, and what was."""
    incident = known.state.open_incident
    if incident is None:
        return
    if told := unhelpful(known.state, incident, environment, known.at):
        yield told
    tried = {trial.name for trial in trials(known.state, incident, environment, known.at)}
    for name in covering(environment, fires):
        if name not in tried:
            yield f"{title(environment, name)} would cover it: not tried"


def _only_people_see(environment: Environment, known: Grounds, fires: Sequence[str]) -> str:
    incident = known.state.open_incident
    return (
        unseen(environment, fires, trials(known.state, incident, environment, known.at)) if incident else ""
    )


def _waits(environment: Environment, known: Grounds) -> str:
    """Which mitigation may still help, and for how long that is waited for; empty when none may."""
    incident = known.state.open_incident
    tried = trials(known.state, incident, environment, known.at) if incident else ()
    waiting = next((trial for trial in reversed(tried) if trial.waits_s > 0), None)
    if waiting is None:
        return ""
    if waiting.tried.status == "doing":
        return f"{waiting.title} is being done"
    return f"{waiting.title} is in force: {duration(waiting.waits_s)} left to help"
