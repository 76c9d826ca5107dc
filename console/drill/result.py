"""The result of a drill: one document in which every number was measured (DESIGN 10)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from console.core import events as ev
from console.core.automatic_run import STAGES
from console.core.clock import Stamp
from console.core.events import Event
from console.core.plan import Phase
from console.core.receipt import told
from console.core.standing import healthy_at
from console.core.state import Incident, State, Status
from console.drill.facts import DataTruth

SCHEMA = "warroom.drill/1"


Outcome = Literal["recovered", "mitigated", "incomplete", "failed"]
"""`mitigated`: users are served again and nothing fires, but nothing was rolled back."""


class ReleaseFacts(Struct, frozen=True):
    """Tags; `running` is what the service itself answered at the end."""

    bad: str | None
    target: str | None
    running: str | None


class ClockFacts(Struct, frozen=True):
    """Seconds since the fault was injected; None where the moment does not exist."""

    detected_s: float | None = None
    declared_s: float | None = None
    authorised_s: float | None = None
    switch_s: float | None = None
    healthy_s: float | None = None
    resolved_s: float | None = None
    held_s: float | None = None
    """When a rollback was held first, because it would not help."""
    mitigated_s: float | None = None
    """When the last mitigation was done."""


class RecoveryFacts(Struct, frozen=True):
    """From the gate's opening to the first of the good answers, against the strategy's target."""

    target_s: float
    taken_s: float | None
    met: bool


class StepFacts(Struct, frozen=True):
    """How a step ended; `seconds` of its last attempt, None when it has no outcome."""

    id: str
    phase: str
    status: str
    seconds: float | None


class DataFacts(Struct, frozen=True):
    """Rows at the switch and when healthy; `rows_discarded` are keys that were there and are not any more.

    What follows these is None where the scenario's data has no past to compare with.
    """

    rows_before: int | None = None
    rows_after: int | None = None
    rows_discarded: int | None = None
    """Of a plan that restored data: the number in the last loss receipt."""
    recovery_point: str | None = None
    """What the data went back to, UTC; None where it was kept."""
    seeded_rows: int | None = None
    """Rows that the database had before the drill."""
    seeded_missing: int | None = None
    seeded_changed: int | None = None
    tables_missing: tuple[str, ...] | None = None
    acknowledged: int | None = None
    """Transactions that users were told are signed."""
    unaccounted: int | None = None
    """Those of them that are neither in the database nor in a loss receipt."""


class MitigationFacts(Struct, frozen=True):
    """What became of a mitigation that was asked for."""

    name: str
    status: str
    words: str


class StageFacts(Struct, frozen=True):
    """A stage of an automatic rollback, against its budget."""

    id: str
    seconds: float
    budget_s: float
    met: bool


class AutomaticFacts(Struct, frozen=True):
    """The automatic rollback of the incident, as the journal tells it."""

    decided: str
    """`runs`, `arms` or `held`; `validating` where it never came so far."""
    why: str
    ended: str | None
    """`rolled back`, `stopped`, `taken` or `off`; None where it has not ended."""
    standing: str
    """Id of the standing authorisation that it ran by; empty where it needs none."""
    stages: tuple[StageFacts, ...]
    """Those that have ended, in order."""


class JournalFacts(Struct, frozen=True):
    """The journal as verified from its file after the engine had ended."""

    path: str
    events: int
    head: str
    valid: bool


class DrillResult(Struct, frozen=True, kw_only=True):
    """The document that `warroom drill --headless --json` prints."""

    schema: str = SCHEMA
    incident: str | None
    environment: str
    scenario: str
    outcome: Outcome
    release: ReleaseFacts
    clock: ClockFacts
    recovery: RecoveryFacts
    steps: tuple[StepFacts, ...]
    data: DataFacts
    journal: JournalFacts
    artifacts: tuple[str, ...]
    reason: str | None
    """Why it is neither recovered nor mitigated, in a sentence."""
    held: str | None = None
    """Why a rollback was held, in the engine's words; None where none was."""
    mitigations: tuple[MitigationFacts, ...] = ()
    automatic: AutomaticFacts | None = None
    """None where nothing was rolled back automatically."""


def clock_facts(events: Iterable[Event], fault: Stamp, incident: Incident | None) -> ClockFacts:
    """The moments that the journal holds, counted from the fault."""
    moments: dict[str, float] = {}
    switch = (
        {step.id for step in incident.plan.of_phase(Phase.SWITCH)} if incident and incident.plan else set()
    )
    for event in events:
        if incident is None or event.incident != incident.id:
            continue  # an earlier incident has moments of its own
        since = round(event.at.seconds_since(fault), 3)
        match event.body:
            case ev.IncidentSuspected():
                moments["detected_s"] = since
            case ev.IncidentDeclared():
                moments["declared_s"] = since
            case ev.RollbackAdvised(cause=cause) if cause and "held_s" not in moments:
                moments["held_s"] = since
            case ev.GateOpened() if "authorised_s" not in moments:
                moments["authorised_s"] = since
            case ev.StepOutcome(step=step, status="done") if step in switch:
                moments["switch_s"] = since
            case ev.IncidentResolved():
                moments["resolved_s"] = since
            case _:
                pass
    if incident and (good := healthy_at(incident)):
        moments["healthy_s"] = round(good.seconds_since(fault), 3)
    return ClockFacts(**moments)


def recovery_facts(incident: Incident | None, target_s: float) -> RecoveryFacts:
    """First gate to first good answer: a release that was taken back again does not shorten it."""
    good = healthy_at(incident) if incident else None
    if incident is None or incident.first_opened is None or good is None:
        return RecoveryFacts(target_s, None, met=False)
    taken = round(good.seconds_since(incident.first_opened), 3)
    return RecoveryFacts(target_s, taken, met=taken <= target_s)


def step_facts(incident: Incident | None) -> tuple[StepFacts, ...]:
    """Every step of the plan, in its order."""
    if incident is None or incident.plan is None:
        return ()
    return tuple(
        StepFacts(step.id, step.phase, incident.step(step.id).status, incident.step(step.id).seconds)
        for step in incident.plan.steps
    )


def automatic_facts(incident: Incident | None) -> AutomaticFacts | None:
    """What became of the automatic rollback; None where there was none."""
    run = incident.automatic if incident else None
    if run is None:
        return None
    ended = ((name, run.stages[name]) for name in STAGES if name in run.stages)
    stages = tuple(
        StageFacts(name, round(state.seconds, 3), state.budget_s, state.seconds <= state.budget_s)
        for name, state in ended
        if state.seconds is not None
    )
    return AutomaticFacts(run.mode, run.why, run.outcome, run.standing, stages)


_KEPT = ("rows", "after", "missing")
"""What the steps that count and compare rows call rows before, rows after, and those that are gone."""
_RESTORED = ("rows_before", "rows_after", "rows_discarded")
"""What the last loss receipt calls them."""


def data_facts(incident: Incident | None, truth: DataTruth | None) -> DataFacts:
    """What the steps have measured, and what the database and the files say at the end."""
    measured: dict[str, str] = {}
    for state in incident.steps.values() if incident else ():
        measured.update(state.facts)
    restores = incident is not None and incident.plan is not None and incident.plan.data is not None
    before, after, discarded = (
        int(measured[key]) if key in measured else None for key in (_RESTORED if restores else _KEPT)
    )
    facts = DataFacts(before, after, discarded, _gone_back_to(incident))
    return facts if truth is None else _with_truth(facts, truth)


def _gone_back_to(incident: Incident | None) -> str | None:
    """The recovery point, once the database of that moment has taken the live one's place."""
    plan = incident.plan if incident else None
    if incident is None or plan is None or plan.data is None:
        return None
    swaps = [step.id for step in plan.steps if step.action == "swap-database"]
    done = any(incident.step(step).status is Status.DONE for step in swaps)
    return _utc(plan.data.recovery_point) if done else None


def _with_truth(facts: DataFacts, truth: DataTruth) -> DataFacts:
    return replace(
        facts,
        seeded_rows=truth.seeds.rows,
        seeded_missing=truth.seeds.missing,
        seeded_changed=truth.seeds.changed,
        tables_missing=truth.seeds.tables_missing,
        acknowledged=truth.acknowledged,
        unaccounted=truth.unaccounted,
    )


def receipt_of(incident: Incident | None) -> Path | None:
    """The folder of the last loss receipt; None where no restore has left one."""
    found = told(incident) if incident else None
    return Path(found.path) if found and found.path else None


def _utc(utc_us: int) -> str:
    return datetime.fromtimestamp(utc_us / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def wrong_with(truth: DataTruth | None) -> str:
    """What the data's ground truth says against a recovery, in a sentence; empty when nothing."""
    if truth is None:
        return ""
    seeds, lost = truth.seeds, truth.unaccounted
    found = (
        (len(seeds.tables_missing), f"without table {' and '.join(seeds.tables_missing)}"),
        (seeds.missing, f"{seeds.missing} of {seeds.rows} seeded rows missing"),
        (seeds.changed, f"{seeds.changed} of {seeds.rows} seeded rows changed"),
        (lost, f"{lost} of {truth.acknowledged} signed transactions lost without a receipt"),
    )
    return ", ".join(words for number, words in found if number)


def outcome_of(state: State, running: str | None, truth: DataTruth | None) -> Outcome:
    """Recovered only when it was resolved so, the service answers the right version, and the data is right.

    The right version is the plan's target, or where the plan keeps the release, any. Mitigated only when it
    was resolved so, the service answers, and no rule says roll back any more.
    """
    incident = state.incident
    if incident is None:
        return "failed"
    code = incident.plan.code if incident.plan else None
    right = running is not None and (code is None or running == code.answers)
    if incident.status != "resolved" or wrong_with(truth):
        return "incomplete"
    if incident.outcome == "recovered" and right:
        return "recovered"
    calm = not any(known.rung.says_roll_back for known in state.rungs.values())
    return "mitigated" if incident.outcome == "mitigated" and running is not None and calm else "incomplete"


def mitigation_facts(state: State) -> tuple[MitigationFacts, ...]:
    """What became of each that was asked for."""
    return tuple(MitigationFacts(name, one.status, one.words) for name, one in state.mitigations.items())


def mitigated_at(state: State, fault: Stamp) -> float | None:
    """Seconds from the fault to the last mitigation that is in force; None where none is."""
    done = [one.since for one in state.mitigations.values() if one.status == "in force"]
    return max((round(at.seconds_since(fault), 3) for at in done), default=None)


def artifacts(paths: Iterable[Path]) -> tuple[str, ...]:
    """Those of the files that exist."""
    return tuple(str(path) for path in paths if path.exists())
