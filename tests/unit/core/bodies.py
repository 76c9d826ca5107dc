"""Any event at all, from small alphabets, so that events of one step or one person meet."""

from typing import get_args

from hypothesis import strategies as st
from msgspec import Raw

from console.core import events as ev
from console.core.automatic_run import STAGES, About, By, Mode, Outcome
from console.core.clock import Stamp
from console.core.events import Body
from console.core.metrics import Rung
from console.core.plan import Wish, digest, frozen
from console.core.requests import Choice
from console.core.staff import INCIDENT_ROLES, Assignment
from tests.unit.core import kit

STAMPS = st.builds(
    Stamp,
    utc_us=st.integers(0, 2**53),
    boot_id=st.sampled_from(["boot", "another boot"]),
    boot_us=st.integers(0, 2**53),
)
_steps = st.sampled_from([*(step.id for step in kit.STEPS), "no such step"])
_attempts = st.integers(0, 3)
_words = st.text(max_size=12)
_incidents = st.sampled_from([kit.INCIDENT, "INC-0000"])
_standing = st.sampled_from(["0" * 12, "1" * 12])
_fingerprints = st.sampled_from(["f" * 16, "0" * 16])
_people = st.sampled_from(["eng-1", "eng-2", "ops-1"])
_posts = st.sampled_from(INCIDENT_ROLES)
_tasks = st.sampled_from(["t1", "t2"])
_assignments = st.builds(
    Assignment,
    id=_tasks,
    to=_people | _posts,
    what=_words,
    within_s=st.none() | st.floats(1, 600),
)
_plans = [frozen(kit.plan(releases_back=n)) for n in range(2)]
_hashes = st.sampled_from([*map(digest, _plans), "", "0" * 64])
_stages = st.sampled_from(STAGES)
_roles = st.lists(st.sampled_from(["engineer", "security"]), max_size=2).map(tuple)
_triggers = st.lists(_words, max_size=2).map(tuple)


def _frozen(raw: bytes) -> ev.PlanFrozen:
    return ev.PlanFrozen(digest(raw), Raw(raw))


PLANS = st.sampled_from(_plans).map(_frozen)
_BROKEN = st.sampled_from([b"null", b"[]", b'{"steps": 3}', b"{}", b'"plan"']).map(_frozen)

_wishes = st.builds(Wish, target=st.none() | _words, verb=st.none() | _words)
OF_KIND: dict[type[Body], st.SearchStrategy[Body]] = {
    ev.EngineStarted: st.builds(
        ev.EngineStarted,
        pid=st.integers(1, 9),
        epoch=st.integers(0, 3),
        warroom=_words,
        strategy_hash=_words,
        roster_hash=_words,
        mode=st.sampled_from(["cooperative", "separated"]),
    ),
    ev.EngineStopped: st.builds(ev.EngineStopped, reason=_words),
    ev.RungChanged: st.builds(
        ev.RungChanged,
        metric=st.sampled_from(["a", "b"]),
        title=_words,
        before=st.sampled_from(Rung),
        after=st.sampled_from(Rung),
        value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        count=st.none() | st.integers(0, 9),
        unit=_words,
        rule=_words,
    ),
    ev.IncidentSuspected: st.builds(
        ev.IncidentSuspected, triggers=_triggers, onset=STAMPS, samples_from=STAMPS
    ),
    ev.IncidentDeclared: st.builds(
        ev.IncidentDeclared,
        commander=_people,
        severity=_words,
        note=_words,
        triggers=_triggers,
        onset=STAMPS,
        samples_from=STAMPS,
    ),
    ev.SeverityChanged: st.builds(ev.SeverityChanged, severity=_words, reason=_words),
    ev.RoleTaken: st.builds(ev.RoleTaken, role=_posts, before=_people, reason=_words),
    ev.RoleOffered: st.builds(ev.RoleOffered, role=_posts, to=_people),
    ev.RoleAccepted: st.builds(ev.RoleAccepted, role=_posts, before=_people),
    ev.RoleDeclined: st.builds(ev.RoleDeclined, role=_posts, to=_people),
    ev.TaskAssigned: st.builds(ev.TaskAssigned, tasks=st.lists(_assignments, max_size=2).map(tuple)),
    ev.TaskDone: st.builds(ev.TaskDone, id=_tasks, what=_words, words=_words),
    ev.TaskDropped: st.builds(ev.TaskDropped, id=_tasks, what=_words, reason=_words),
    ev.TaskOverdue: st.builds(ev.TaskOverdue, id=_tasks, what=_words, whose=_people),
    ev.RollbackAdvised: st.builds(
        ev.RollbackAdvised,
        level=st.sampled_from(["none", "consider", "mandatory", "held"]),
        words=_words,
        cause=_words,
    ),
    ev.OnsetMoved: st.builds(ev.OnsetMoved, onset=STAMPS, reason=_words),
    ev.ErrandBegun: st.builds(ev.ErrandBegun, wish=_wishes),
    ev.ErrandEnded: st.builds(ev.ErrandEnded, outcome=st.sampled_from(["done", "failed"]), words=_words),
    ev.PlanningStarted: st.builds(ev.PlanningStarted, wish=_wishes),
    ev.PlanningFailed: st.builds(ev.PlanningFailed, reason=_words),
    ev.PlanFrozen: PLANS | _BROKEN,
    ev.ReleaseSeen: st.builds(ev.ReleaseSeen, release=_words, commit=st.none() | _words),
    ev.StepIntent: st.builds(
        ev.StepIntent, step=_steps, attempt=_attempts, epoch=st.integers(0, 3), plan_hash=_hashes
    ),
    ev.StepOutcome: st.builds(
        ev.StepOutcome,
        step=_steps,
        attempt=_attempts,
        status=st.sampled_from(["done", "failed"]),
        words=_words,
        seconds=st.floats(0, 1e6),
        facts=st.dictionaries(_words, _words, max_size=2),
        output=st.none() | _words,
        output_sha256=st.none() | _words,
    ),
    ev.StepProbed: st.builds(
        ev.StepProbed,
        step=_steps,
        attempt=_attempts,
        finding=st.sampled_from(["done", "not done", "cannot tell"]),
        words=_words,
    ),
    ev.StepDecided: st.builds(
        ev.StepDecided, step=_steps, attempt=_attempts, choice=st.sampled_from(Choice), reason=_words
    ),
    ev.StepAllowed: st.builds(ev.StepAllowed, step=_steps, plan_hash=_words),
    ev.RunPaced: st.builds(ev.RunPaced, pace=st.sampled_from(["phase", "step"])),
    ev.RunReleased: st.builds(
        ev.RunReleased, steps=st.lists(_steps, max_size=2).map(tuple), plan_hash=_hashes
    ),
    ev.StepFound: st.builds(
        ev.StepFound,
        step=_steps,
        attempt=_attempts,
        facts=st.dictionaries(_words, _words, max_size=2),
    ),
    ev.UndoAsked: st.builds(
        ev.UndoAsked, steps=st.lists(_steps, max_size=2).map(tuple), plan_hash=_hashes, reason=_words
    ),
    ev.UndoIntent: st.builds(
        ev.UndoIntent, step=_steps, attempt=_attempts, epoch=st.integers(0, 3), plan_hash=_hashes
    ),
    ev.UndoOutcome: st.builds(
        ev.UndoOutcome,
        step=_steps,
        attempt=_attempts,
        status=st.sampled_from(["done", "failed"]),
        words=_words,
        seconds=st.floats(0, 1e6),
        facts=st.dictionaries(_words, _words, max_size=2),
        output=st.none() | _words,
        output_sha256=st.none() | _words,
    ),
    ev.CiFrozen: st.builds(ev.CiFrozen, repository=_words, workflow=_words, before=_words),
    ev.CiUnfrozen: st.builds(ev.CiUnfrozen, repository=_words, workflow=_words, state=_words),
    ev.EvidenceRecorded: st.builds(
        ev.EvidenceRecorded,
        slot=st.sampled_from(["good-tree", "healthy"]),
        holds=st.booleans(),
        words=_words,
        inputs=_words,
        age_s=st.floats(min_value=0, max_value=1e6),
    ),
    ev.GateClaimed: st.builds(ev.GateClaimed, plan_hash=_hashes, roles=_roles),
    ev.GateSigned: st.builds(
        ev.GateSigned,
        plan_hash=_hashes,
        person=_words,
        roles=_roles,
        key=_words,
        because=_words,
        expires=st.integers(0, 2**53),
        text=_words,
        signature=_words,
    ),
    ev.GateWithdrawn: st.builds(ev.GateWithdrawn, person=_words, reason=_words),
    ev.GateOpened: st.builds(
        ev.GateOpened,
        plan_hash=_hashes,
        approvers=_triggers,
        predicates=_triggers,
        reviews=_roles,
        automatic=st.booleans(),
        standing=_standing,
    ),
    ev.GateClosed: st.builds(ev.GateClosed, reason=_words),
    ev.GateAsked: st.builds(
        ev.GateAsked,
        plan_hash=_hashes,
        person=_people,
        roles=_roles,
        why=st.sampled_from(["role", "again", "deputy", "escalation", "by hand"]),
    ),
    ev.GatePaged: st.builds(ev.GatePaged, person=_people, delivered=st.booleans(), words=_words),
    ev.GateSeen: st.builds(ev.GateSeen, plan_hash=_hashes),
    ev.AlertFired: st.builds(
        ev.AlertFired,
        alert=_words,
        fingerprint=_fingerprints,
        means=st.sampled_from(["", "errors"]),
        starts=STAMPS,
        told=st.integers(0, 2**53),
        words=_words,
    ),
    ev.AlertEnded: st.builds(ev.AlertEnded, alert=_words, fingerprint=_fingerprints),
    ev.CommandAsked: st.builds(
        ev.CommandAsked,
        person=_people,
        role=_words,
        level=st.integers(0, 4),
        why=st.sampled_from(["on call", "again", "escalation", "by hand"]),
        source=_words,
    ),
    ev.CommandPaged: st.builds(ev.CommandPaged, person=_people, delivered=st.booleans(), words=_words),
    ev.GateEscalated: st.builds(
        ev.GateEscalated,
        plan_hash=_hashes,
        level=st.integers(1, 4),
        role=_words,
        people=_triggers,
        missing=_triggers,
    ),
    ev.StandingSigned: st.builds(
        ev.StandingSigned,
        id=_standing,
        person=_people,
        roles=_roles,
        key=_words,
        text=_words,
        signature=_words,
    ),
    ev.StandingRevoked: st.builds(ev.StandingRevoked, id=_standing, reason=_words),
    ev.StandingEnded: st.builds(
        ev.StandingEnded, id=_standing, why=st.sampled_from(["expired", "disarmed"]), reason=_words
    ),
    ev.ReviewSigned: st.builds(
        ev.ReviewSigned,
        incident=_incidents,
        person=_people,
        roles=_roles,
        verdict=st.sampled_from(["agreed", "objected"]),
        remark=_words,
        key=_words,
        text=_words,
        signature=_words,
    ),
    ev.ReviewOverdue: st.builds(ev.ReviewOverdue, incident=_incidents, missing=_triggers),
    ev.AutomaticBegan: st.builds(
        ev.AutomaticBegan, triggers=_triggers, rules=_triggers, severity=_words, roster=_words
    ),
    ev.StageBegan: st.builds(
        ev.StageBegan, stage=_stages, budget_s=st.floats(0, 1e6), since=st.none() | STAMPS
    ),
    ev.StageOverran: st.builds(ev.StageOverran, stage=_stages, budget_s=st.floats(0, 1e6)),
    ev.StageEnded: st.builds(
        ev.StageEnded, stage=_stages, seconds=st.floats(0, 1e6), budget_s=st.floats(0, 1e6), words=_words
    ),
    ev.AutomaticDecided: st.builds(
        ev.AutomaticDecided,
        mode=st.sampled_from(get_args(Mode)),
        why=_words,
        trigger=_words,
        standing=_standing,
    ),
    ev.AutomaticEnded: st.builds(ev.AutomaticEnded, outcome=st.sampled_from(get_args(Outcome)), words=_words),
    ev.AutomaticPaged: st.builds(
        ev.AutomaticPaged,
        person=_people,
        about=st.sampled_from(get_args(About)),
        delivered=st.booleans(),
        words=_words,
    ),
    ev.AutomaticSwitched: st.builds(
        ev.AutomaticSwitched, on=st.booleans(), by=st.sampled_from(get_args(By)), reason=_words
    ),
    ev.RunAborted: st.builds(ev.RunAborted, reason=_words),
    ev.RunResumed: st.builds(ev.RunResumed),
    ev.ItemTicked: st.builds(
        ev.ItemTicked,
        item=st.sampled_from(["accessible", "logs"]),
        done=st.booleans(),
        note=_words,
        step=st.none() | _steps,
    ),
    ev.ItemWaived: st.builds(
        ev.ItemWaived, item=st.sampled_from(["ticket", "restorable"]), plan_hash=_hashes, reason=_words
    ),
    ev.NoteAdded: st.builds(ev.NoteAdded, text=_words),
    ev.IncidentResolved: st.builds(
        ev.IncidentResolved,
        outcome=st.sampled_from(["recovered", "mitigated", "false alarm"]),
        note=_words,
        head=_words,
    ),
    ev.RequestRefused: st.builds(ev.RequestRefused, ask=_words, reason=_words),
}
"""For each kind that this program knows, any body of it."""

BODIES = st.one_of(*OF_KIND.values())

UNKNOWN = st.builds(ev.Unknown, raw=st.just(b'{"of": "the future"}'))
