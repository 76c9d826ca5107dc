"""What a drill came to, measured from the journal's file and from what the service itself answers."""

from contextlib import closing
from pathlib import Path

from console.core.paging import every_event
from console.core.protocols import Snapshot
from console.core.state import State
from console.drill import result as rs
from console.drill.setting import Setting
from console.drill.world import World
from console.store.clock import SystemClock
from console.store.journal import SqliteReader
from console.store.layout import Layout
from console.store.verify import verify
from console.targets import web
from console.targets.health import HealthProbe

ASK_S = 5.0


async def running_version(setting: Setting) -> str | None:
    """What the service itself answers now; None when it does not."""
    service = setting.environment.service
    async with web.new_client() as client:
        probe = HealthProbe(client, SystemClock(), service.health, limit_s=ASK_S, version=service.version)
        return (await probe.ask()).version


def measure(
    setting: Setting, world: World, snapshot: Snapshot, running: str | None, reason: str | None
) -> rs.DrillResult:
    """The document of a drill that is over, or that was left."""
    state, incident = snapshot.state, snapshot.state.incident
    layout = Layout(setting.engine.state)
    verdict = verify(layout.journal)
    code = incident.plan.code if incident and incident.plan else None
    outcome = rs.outcome_of(state, running)
    return rs.DrillResult(
        incident=incident.id if incident else None,
        environment=setting.name,
        scenario=setting.scenario,
        outcome=outcome,
        release=rs.ReleaseFacts(
            bad=code.running.tag if code else None, target=code.target.tag if code else None, running=running
        ),
        clock=_clock(layout, setting.name, world, state),
        recovery=rs.recovery_facts(incident, setting.environment.recover_within),
        steps=rs.step_facts(incident),
        data=rs.data_facts(incident),
        journal=rs.JournalFacts(str(layout.journal), verdict.events, verdict.head, verdict.ok),
        artifacts=rs.artifacts(_files(layout, world, state)),
        reason=None if outcome == "recovered" else reason or f"the service answers {running or 'nothing'}",
    )


def _clock(layout: Layout, name: str, world: World, state: State) -> rs.ClockFacts:
    if world.fault is None or not layout.journal.exists():
        return rs.ClockFacts()
    with closing(SqliteReader(layout.journal, name)) as reader:
        return rs.clock_facts(every_event(reader), world.fault.stamp(), state.incident)


def _files(layout: Layout, world: World, state: State) -> list[Path]:
    """Files that a report would point at."""
    steps = state.incident.steps.values() if state.incident else ()
    outputs = [layout.state / step.output for step in steps if step.output]
    evidence = [Path(step.facts["path"]) for step in steps if "sha256" in step.facts]
    return [*outputs, *evidence, Path(world.users), Path(world.deploys)]
