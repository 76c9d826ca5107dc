"""The three lines that never scroll away: where am I, what changed, who suffers; and the rule below them."""

from typing import Literal

from msgspec import Struct

from console.core.format import clock, count
from console.core.live import Impact
from console.core.presence import SILENT_AFTER_S, Presence, presence
from console.core.protocols import Snapshot
from console.core.standing import healthy_at
from console.core.state import Incident
from console.core.strategy import Environment
from console.core.words import duration
from screens.lines import Line, Role, fit, flush, line, pack, rule, span

Risk = Literal["low", "medium", "critical"]
_SHAPE = {"critical": "◆", "medium": "▲", "low": "○"}
_RISK_ROLE = {"critical": Role.CRITICAL, "medium": Role.MEDIUM, "low": Role.LOW}


class HeaderView(Struct, frozen=True):
    """All that the header says."""

    name: str
    risk: Risk
    severity: str
    incident: str
    commander: str
    actor: str
    utc: str
    since: str
    """Time since the incident was declared (or suspected), `T+04:12`."""
    engine: str
    engine_role: Role
    now: Line
    target: Line
    impact: Line
    drill: str
    mode: str


def header_view(snapshot: Snapshot, environment: Environment, name: str, actor: str) -> HeaderView:
    """The header of a snapshot."""
    incident = snapshot.state.open_incident
    engine, engine_role = _engine(snapshot)
    return HeaderView(
        name=name,
        risk=environment.risk,
        severity=(incident.severity or "suspected") if incident else "",
        incident=incident.id if incident else "no incident",
        commander=f"IC {incident.commander}" if incident and incident.commander else "",
        actor="" if incident and incident.commander == actor else f"you are {actor}",
        utc=f"{clock(snapshot.at)}Z",
        since=f"T+{_since(snapshot, incident)}" if incident else "",
        engine=engine,
        engine_role=engine_role,
        now=_now(snapshot.state.incident, len(environment.metrics)),
        target=_target(incident),
        impact=_impact(snapshot, environment, incident),
        drill=environment.drill or "",
        mode=_mode(snapshot, environment),
    )


def draw_header(view: HeaderView, width: int, height: int) -> list[Line]:
    """Three lines and a rule."""
    mark, role = _SHAPE[view.risk], _RISK_ROLE[view.risk]
    name = view.name.upper() if view.risk == "critical" else view.name
    where = line(span(f" {mark} {name} {mark} ", role))
    right = line(span(view.engine, view.engine_role), " ")
    parts = [
        (0, where),
        (2, line(span(view.severity, Role.STRONG))),
        (1, line(view.incident)),
        (3, line(view.commander)),
        (6, line(span(view.actor, Role.DIM))),
        (5, line(view.utc)),
        (4, line(span(view.since, Role.STRONG))),
    ]
    first = flush(pack(parts, width - sum(part.cells for part in right) - 1), right, width)
    second = flush(view.now, (*view.target, span(" ")), width)
    below = [(0, line(span(view.drill, Role.WARN))), (1, line(span(view.mode, Role.DIM)))]
    return [first, second, fit(view.impact, width), rule(width, *pack(below, width - 6, gap=3))][:height]


def _since(snapshot: Snapshot, incident: Incident) -> str:
    began = incident.declared or incident.suspected or incident.onset
    return duration(snapshot.at.seconds_since(began))


def _engine(snapshot: Snapshot) -> tuple[str, Role]:
    match presence(snapshot):
        case Presence.ALIVE:
            return "engine ✓", Role.GOOD
        case Presence.SILENT:
            silent = snapshot.engine_silent_s
            return f"engine silent {duration(SILENT_AFTER_S if silent is None else silent)}", Role.ALARM
        case Presence.STOPPED:
            return "engine ended", Role.ALARM
        case _:
            return "no engine", Role.ALARM


def _mode(snapshot: Snapshot, environment: Environment) -> str:
    engine = snapshot.state.engine
    mode = engine.mode if engine else ("separated" if environment.engine == "external" else "cooperative")
    return "cooperative, nobody restarts the engine" if mode == "cooperative" else mode


def _now(incident: Incident | None, metrics: int) -> Line:
    over = incident is None or incident.status == "resolved"
    if incident is None or (over and healthy_at(incident) is None):
        return line(span(" NOW ", Role.STRONG), f"{count(metrics, 'metric')} watched, nothing declared")
    sick = line(span(f"sick since {clock(incident.onset)}", Role.BAD))
    if incident.plan is None:
        return (*line(span(" NOW ", Role.STRONG)), *sick)
    running, target = incident.plan.running.tag, incident.plan.target.tag
    if healthy := healthy_at(incident):
        well = f"{target} well since {clock(healthy)}"
        return line(span(" NOW ", Role.STRONG), span(well, Role.GOOD), f", was {running}")
    if incident.gate_opened is not None:
        return line(span(" NOW ", Role.STRONG), f"from {running} to {target}, ", *sick)
    return line(span(" NOW ", Role.STRONG), span(running, Role.STRONG), ", ", *sick)


def _target(incident: Incident | None) -> Line:
    if incident is None or incident.plan is None:
        return ()
    plan = incident.plan
    role = Role.GOOD if plan.target_verdict == "good" else Role.WARN
    back = f", {count(plan.releases_back, 'release')} back" if plan.releases_back else ""
    return line("▸ ", span(f"{plan.target.tag} {plan.target_verdict}", role), back)


_TREND_ROLE = {"worse": Role.BAD, "better": Role.GOOD}


def _impact(snapshot: Snapshot, environment: Environment, incident: Incident | None) -> Line:
    word = span(" IMPACT ", Role.STRONG)
    impact = snapshot.live.impact if snapshot.live else None
    if impact is None:
        return line(word, "not known yet" if incident else "none seen")
    parts = _impact_parts(impact, environment)
    trend = span(impact.trend.upper(), _TREND_ROLE.get(impact.trend, Role.PLAIN))
    return line(word, " · ".join(parts), " · ", trend)


def _impact_parts(impact: Impact, environment: Environment) -> list[str]:
    words = environment.impact
    percent = (
        "how many is not known" if impact.percent is None else f"{impact.percent:.0f} % cannot {words.words}"
    )
    minute = [] if impact.per_minute is None else [f"{impact.per_minute:.0f} a minute"]
    return [percent, f"{impact.failures} {words.failures}", *minute]
