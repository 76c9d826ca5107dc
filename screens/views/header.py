"""The three lines that never scroll away: where am I, what changed, who suffers; and the rule below them."""

from typing import Literal

from msgspec import Struct

from console.core.automatic_words import told_now
from console.core.clock import Stamp
from console.core.commands import command
from console.core.format import clock, count
from console.core.freshness import last_look
from console.core.impact_words import NO_SOURCE, impact_parts, unmeasured
from console.core.plan import CodeChange
from console.core.plan_words import data_to, moment
from console.core.presence import Presence, presence
from console.core.protocols import Snapshot
from console.core.standing import health
from console.core.state import Incident, RunningRelease, State
from console.core.status_line import clock_of, engine_words, place
from console.core.strategy import Environment
from screens.lines import Line, Role, fit, flush, line, pack, rule, span
from screens.lines import width as width_of

Risk = Literal["low", "medium", "critical"]
_RISK_ROLE = {"critical": Role.CRITICAL, "medium": Role.MEDIUM, "low": Role.LOW}


class HeaderView(Struct, frozen=True):
    """All that the header says."""

    place: str
    risk: Risk
    severity: str
    incident: str
    commander: str
    actor: str
    """In whose name the keys of this console are pressed."""
    actor_short: str
    actor_role: Role
    utc: str
    since: str
    """Time since the incident was declared (or suspected), `T+04:12`."""
    engine: str
    engine_role: Role
    now: Line
    target: Line
    """Where the plan goes back to; empty when there is nothing to go back to."""
    target_short: Line
    hint: Line
    """The key that shows what changed; empty while nobody has to know."""
    impact: Line
    drill: str
    mode: str
    automatic: str
    """Whether the engine rolls back by itself."""
    automatic_role: Role
    frozen: str
    """What of the CI is frozen, and since when; empty when nothing is."""


def header_view(
    snapshot: Snapshot, environment: Environment, name: str, actor: str, *, away: bool = False
) -> HeaderView:
    """The header of a snapshot; `away`: nobody knows whether `actor` still is who presses the keys."""
    incident = snapshot.state.open_incident
    seen = last_look(snapshot, environment)
    target, target_short = _target(snapshot.state)
    automatic = told_now(snapshot, environment)
    return HeaderView(
        place=place(name, environment),
        risk=environment.risk,
        severity=(incident.severity or "suspected") if incident else "",
        incident=incident.id if incident else "no incident",
        commander=_commander(incident, actor),
        actor=f" {actor}, still there? " if away else f" acting {actor} ",
        actor_short=f" {actor}? " if away else f" as {actor} ",
        actor_role=Role.DIM if away else Role.ACTOR,
        utc=f"{clock(snapshot.at)}Z",
        since=clock_of(snapshot, incident) if incident else "",
        engine=engine_words(snapshot),
        engine_role=Role.GOOD if presence(snapshot) is Presence.ALIVE else Role.ALARM,
        now=_now(snapshot.state, seen),
        target=target,
        target_short=target_short,
        hint=_hint(snapshot),
        impact=_impact(snapshot, environment, incident, seen),
        drill=environment.drill or "",
        mode=_mode(snapshot, environment),
        automatic=automatic.short,
        automatic_role=_AUTOMATIC_ROLE.get(automatic.word, Role.DIM),
        frozen=_frozen(snapshot.state),
    )


def draw_header(view: HeaderView, width: int, height: int) -> list[Line]:
    """Three lines and a rule."""
    where = line(span(f" {view.place} ", _RISK_ROLE[view.risk]))
    right = line(span(view.engine, view.engine_role), " ")
    first = flush(_first(view, where, width - width_of(right) - 1), right, width)
    roomy = width_of((*view.now, *view.target)) < width
    target = view.target if roomy else view.target_short
    hinted = (*target, *view.hint)
    second = flush(view.now, hinted if width_of((*view.now, *hinted)) < width else target, width)
    below = [
        (0, line(span(view.automatic, view.automatic_role))),
        (1, line(span(view.drill, Role.WARN))),
        (2, line(span(view.frozen, Role.WARN))),
        (3, line(span(view.mode, Role.DIM))),
    ]
    return [first, second, fit(view.impact, width), rule(width, *pack(below, width - 6, gap=3))][:height]


def _first(view: HeaderView, where: Line, cells: int) -> Line:
    """The first line; where not all of it fits, the wall clock goes first, then the actor says less."""
    before = [
        (0, where),
        (3, line(span(view.severity, Role.STRONG))),
        (2, line(view.incident)),
        (4, line(view.commander)),
    ]
    utc, since = (6, line(view.utc)), (5, line(span(view.since, Role.STRONG)))
    who, short = ((1, line(span(words, view.actor_role))) for words in (view.actor, view.actor_short))
    needed = [width_of(part) for _, part in (*before, who, since) if width_of(part)]
    fits = sum(needed) + len(needed) - 1 <= cells
    return pack((*before, who if fits else short, utc, since), cells)


def _commander(incident: Incident | None, actor: str) -> str:
    """Who commands; right before whoever acts, where that is the same person."""
    if incident is None or not incident.commander:
        return ""
    return "IC" if incident.commander == actor else f"IC {incident.commander}"


def _mode(snapshot: Snapshot, environment: Environment) -> str:
    engine = snapshot.state.engine
    mode = engine.mode if engine else ("separated" if environment.engine == "external" else "cooperative")
    supervised = engine is not None and engine.supervised
    return mode if supervised else f"{mode}, nobody restarts the engine"


_AUTOMATIC_ROLE: dict[str, Role] = {
    "off": Role.WARN,
    "begun": Role.ALARM,
    "running": Role.ALARM,
    "armed": Role.WARN,
    "held": Role.ALARM,
    "ended": Role.WARN,
}
"""What is only on, or not there, is dim."""


def _frozen(state: State) -> str:
    held = (f"{one.workflow} frozen since {clock(one.since)}Z" for one in state.frozen.values())
    return ", ".join(held)


_NOW = span(" NOW ", Role.STRONG)


def _now(state: State, seen: Stamp | None) -> Line:
    """The release that the service itself answers, since when, and how it is; `seen`: when, if not now."""
    incident, running = state.incident, state.running
    sick = _sick(incident)
    if running is None:
        return line(_NOW, "no release told by the service", *sick)
    if seen is not None:
        return line(
            _NOW, span(f"{running.mixed or running.release} when last seen {clock(seen)}", Role.WARN), *sick
        )
    if mixed := running.mixed:
        return line(_NOW, span(mixed, Role.BAD), *sick)
    proven = health(incident) if incident else None
    if proven and proven.release == running.release:
        return line(_NOW, span(f"{running.release} well since {clock(proven.since)}", Role.GOOD))
    if sick == () and proven and running.since.seconds_since(proven.since) > 0:
        sick = line(", ", span(f"not {proven.release} that was proven", Role.BAD))
    since = f"since {clock(running.since)}" if running.before else f"seen since {clock(running.since)}"
    return line(_NOW, span(running.release, Role.STRONG), f" {since}", *sick)


def _sick(incident: Incident | None) -> Line:
    """Since when it is sick; nothing once the incident is over, or health is proven."""
    if incident is None or incident.status == "resolved" or health(incident):
        return ()
    return line(", ", span(f"sick since {clock(incident.onset)}", Role.BAD))


def _target(state: State) -> tuple[Line, Line]:
    """Where the plan goes back to, while the service does not answer that: in all words, and in fewer."""
    plan = state.open_incident.plan if state.open_incident else None
    if plan is None:
        return (), ()
    release, back = _release(state, plan.code)
    data, rows = plan.data, plan.rows
    if rows is not None:
        some = f"{count(len(rows.keys), 'row')} back to "
        at = moment(rows.recovery_point)
        return _behind_arrow((), f"{some}{at}"), _behind_arrow((), f"{some}{at[:5]}Z")
    in_full = f"data {data_to(data)}" if data else ""
    in_short = f"data {moment(data.recovery_point)[:5]}Z" if data else ""
    return _behind_arrow((*release, *back), in_full), _behind_arrow(release, in_short)


def _release(state: State, code: CodeChange | None) -> tuple[Line, Line]:
    """The release that is gone back to, and how far that is; nothing when the service answers it already."""
    if code is None or (state.running and _is_back(state.running, code)):
        return (), ()
    role = Role.GOOD if code.verdict == "good" else Role.WARN
    back = f", {count(code.releases_back, 'release')} back" if code.releases_back else ""
    return line(span(f"{code.target.tag} {code.verdict}", role)), line(back)


def _is_back(running: RunningRelease, code: CodeChange) -> bool:
    """By its version; where that stays what it was, by its commit."""
    if code.answers == code.running.tag and running.commit:
        return code.restored.startswith(running.commit) and not running.mixed
    return running.is_all(code.answers)


def _behind_arrow(release: Line, data: str) -> Line:
    if not release and not data:
        return ()
    between = " · " if release and data else ""
    return line("▸ ", *release, between, span(data, Role.WARN), " ")


def _hint(snapshot: Snapshot) -> Line:
    """In an incident, once it is known what changed."""
    known = snapshot.live is not None and snapshot.live.changes is not None
    if not known or snapshot.state.open_incident is None:
        return ()
    entry = command("diff")
    return line("  ", span(entry.key, Role.ACT), f" {entry.label} ")


_TREND_ROLE = {"worse": Role.BAD, "better": Role.GOOD}


def _impact(
    snapshot: Snapshot, environment: Environment, incident: Incident | None, seen: Stamp | None
) -> Line:
    """How many suffer; `seen`: since when nobody looks, if so."""
    word = span(" IMPACT ", Role.STRONG)
    impact = snapshot.live.impact if snapshot.live else None
    if seen is not None:
        was = f" · was {' · '.join(impact_parts(impact, environment)[:2])}" if impact else ""
        return line(word, span(f"not known since {clock(seen)}", Role.WARN), was)
    if unmeasured(environment):
        return line(word, span(NO_SOURCE, Role.WARN))
    if impact is None:
        return line(word, "not known yet" if incident else "none seen")
    parts = impact_parts(impact, environment)
    trend = span(impact.trend.upper(), _TREND_ROLE.get(impact.trend, Role.PLAIN))
    return line(word, " · ".join(parts), " · ", trend)
