"""What a drill came to, measured from the journal's file and from what the service itself answers."""

from contextlib import closing
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from console.core.health_verdict import HealthRule
from console.core.paging import every_event
from console.core.protocols import Snapshot
from console.core.state import State
from console.drill import result as rs
from console.drill.facts import DataTruth
from console.drill.place import DrillError
from console.drill.setting import Setting
from console.drill.truth import data_truth
from console.drill.world import World
from console.store.clock import SystemClock
from console.store.journal import SqliteReader
from console.store.layout import Layout
from console.store.verify import verify
from console.targets import web
from console.targets.fleet import asking
from console.targets.health import Health

ASK_S = 5.0


class Seen(Struct, frozen=True):
    """What the running world says of itself at the end."""

    running: str | None
    """The version that the service answers; None when it does not, or not the same on every instance."""
    instances: dict[str, str | None]
    """What each of several instances answers."""
    data: DataTruth | None
    trouble: str = ""
    """Why the data could not be looked at, in a line."""


async def look(setting: Setting, world: World, snapshot: Snapshot) -> Seen:
    """Ask service and database, while they still run."""
    asked = await asked_now(setting)
    running, instances = asked.version, {name: one.version for name, one in asked.each.items()}
    try:
        truth = await data_truth(setting.folder, world, rs.receipt_of(snapshot.state.incident))
    except DrillError as error:
        return Seen(running, instances, None, str(error))
    return Seen(running, instances, truth)


async def asked_now(setting: Setting) -> Health:
    """What the service itself answers now, every instance of it."""
    service = setting.environment.service
    rule = HealthRule(service.health, version=service.version, limit_s=ASK_S, instances=service.instances)
    async with web.new_client() as client:
        return await asking(rule, client, SystemClock()).ask()


def measure(
    setting: Setting, world: World, snapshot: Snapshot, seen: Seen, reason: str | None
) -> rs.DrillResult:
    """The document of a drill that is over, or that was left."""
    state, incident = snapshot.state, snapshot.state.incident
    layout = Layout(setting.engine.state)
    verdict = verify(layout.journal)
    code = incident.plan.code if incident and incident.plan else None
    outcome = rs.outcome_of(state, seen.running, seen.data)
    return rs.DrillResult(
        incident=incident.id if incident else None,
        environment=setting.name,
        scenario=setting.scenario,
        outcome=outcome,
        release=rs.ReleaseFacts(
            bad=code.running.tag if code else None,
            target=code.target.tag if code else None,
            running=seen.running,
            instances=seen.instances,
        ),
        clock=_clock(layout, setting.name, world, state),
        recovery=rs.recovery_facts(incident, setting.environment.recover_within),
        steps=rs.step_facts(incident),
        data=rs.data_facts(incident, seen.data),
        journal=rs.JournalFacts(str(layout.journal), verdict.events, verdict.head, verdict.ok),
        artifacts=rs.artifacts(_files(layout, world, state)),
        automatic=rs.automatic_facts(incident),
        reason=None if outcome in ("recovered", "mitigated") else _why(reason, seen),
        held=(incident.held or None) if incident else None,
        mitigations=rs.mitigation_facts(state),
    )


def _why(reason: str | None, seen: Seen) -> str:
    told = (reason, rs.wrong_with(seen.data), seen.trouble)
    return "; ".join(filter(None, told)) or f"the service answers {seen.running or 'nothing'}"


def _clock(layout: Layout, name: str, world: World, state: State) -> rs.ClockFacts:
    if world.fault is None or not layout.journal.exists():
        return rs.ClockFacts()
    with closing(SqliteReader(layout.journal, name)) as reader:
        clock = rs.clock_facts(every_event(reader), world.fault.stamp(), state.incident)
    return replace(clock, mitigated_s=rs.mitigated_at(state, world.fault.stamp()))


def _files(layout: Layout, world: World, state: State) -> list[Path]:
    """Files that a report would point at."""
    steps = state.incident.steps.values() if state.incident else ()
    outputs = [layout.state / step.output for step in steps if step.output]
    evidence = [Path(step.facts["path"]) for step in steps if "sha256" in step.facts]
    return [*outputs, *evidence, *map(Path, (world.users, world.acknowledged, world.deploys))]
