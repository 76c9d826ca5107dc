"""Every kind of event has its words; what this program does not know is shown raw, not hidden."""

import msgspec
import pytest
from msgspec import Raw

from console.core import events as ev
from console.core.clock import Stamp
from console.core.events import KNOWN, Body, Draft, Unknown, decode, encode
from console.core.metrics import Rung
from console.core.plan import Wish, digest, frozen
from console.core.requests import Choice
from console.core.staff import Assignment
from console.core.wording import Tone, said
from tests.ui import place

AT = Stamp(1_772_028_557_000_000, "boot", 5_000_000)
PLAN = frozen(place.plan("INC-7QK2"))
NAMES = {"push": "push the branch", "gas": "gas estimation right"}
HASH = "3f9c2a1b" + "0" * 56

WAY = "restore tree to v1.5.0 · data kept, 10 steps"
CASES: list[tuple[Body, str, Tone]] = [
    (
        ev.EngineStarted(12, 3, "0.1.0", "", "", "cooperative"),
        "engine started: process 12, epoch 3, cooperative",
        Tone.PLAIN,
    ),
    (ev.EngineStopped("eng-1 asked for it"), "engine ended: eng-1 asked for it", Tone.WARN),
    (
        ev.RungChanged("error_rate", "errors", Rung.OK, Rung.MANDATORY, 12.4, 240, "%", "error_rate > 5%"),
        "errors 12.4 %: mandatory, was ok (error_rate > 5%)",
        Tone.BAD,
    ),
    (
        ev.RungChanged("p99", "p99", Rung.WARN, Rung.RECOVERED, 0.21, 9, "s", ""),
        "p99 210 ms: recovered, was warn",
        Tone.GOOD,
    ),
    (
        ev.ReleaseSeen("v1.5.3", "77aa3344" + "0" * 32),
        "the service answers v1.5.3, commit 77aa3344",
        Tone.WARN,
    ),
    (
        ev.AlertFired("Down", "f" * 16, "errors", AT, AT.utc_us, "nobody can sign"),
        "alert Down (errors) fires since 14:09:17: nobody can sign",
        Tone.BAD,
    ),
    (
        ev.AlertFired("Other", "f" * 16, "", AT, AT.utc_us, ""),
        "alert Other (not mapped) fires since 14:09:17",
        Tone.WARN,
    ),
    (ev.AlertEnded("Down", "f" * 16), "alert Down does not fire any more", Tone.GOOD),
    (
        ev.CommandAsked("oncall-1", "on call", 0, "on call", "(roster, 00:00 old)"),
        "asked oncall-1 to take command, on call (roster, 00:00 old)",
        Tone.PLAIN,
    ),
    (
        ev.CommandAsked("oncall-1", "on call", 0, "again"),
        "asked oncall-1 again to take command, as on call",
        Tone.PLAIN,
    ),
    (
        ev.CommandAsked("lead-1", "team-lead", 2, "escalation"),
        "asked lead-1 to take command, because nobody did: level 2, team-lead",
        Tone.WARN,
    ),
    (
        ev.CommandAsked("lead-1", "team-lead", 2, "by hand"),
        "had lead-1 asked to take command, as team-lead",
        Tone.PLAIN,
    ),
    (ev.CommandPaged("lead-1", delivered=True, words="taken"), "paged lead-1: taken", Tone.PLAIN),
    (
        ev.CommandPaged("lead-1", delivered=False, words="no mail"),
        "the page of lead-1 failed: no mail",
        Tone.BAD,
    ),
    (
        ev.IncidentSuspected(("error_rate > 5%", "b"), AT, AT),
        "suspected INC-7QK2: error_rate > 5%, b; since 14:09:17",
        Tone.BAD,
    ),
    (
        ev.IncidentDeclared("eng-1", "SEV-3", "gas looks wrong", (), AT, AT),
        "declared INC-7QK2 SEV-3, eng-1 commands: gas looks wrong",
        Tone.PERSON,
    ),
    (ev.SeverityChanged("SEV-1", "the whole of the beta"), "it is SEV-1: the whole of the beta", Tone.PERSON),
    (ev.RoleTaken("scribe"), "takes scribe", Tone.PERSON),
    (
        ev.RoleTaken("commander", "eng-1", "no answer"),
        "takes the command over from eng-1: no answer",
        Tone.PERSON,
    ),
    (ev.RoleOffered("commander", "eng-2"), "asks eng-2 to take the command", Tone.PERSON),
    (
        ev.RoleAccepted("operations", "ops-1"),
        "accepts: has operations now, from ops-1",
        Tone.PERSON,
    ),
    (ev.RoleDeclined("scribe", "pm-1"), "asks pm-1 no more to take scribe", Tone.PERSON),
    (
        ev.TaskAssigned((Assignment("t1", "ops-1", "capture the logs", 300.0),)),
        "task for ops-1: capture the logs, within 05:00",
        Tone.PERSON,
    ),
    (ev.TaskDone("t1", "capture the logs", "3 files"), "done: capture the logs; 3 files", Tone.GOOD),
    (ev.TaskDropped("t1", "call legal", "not needed"), "dropped: call legal; not needed", Tone.WARN),
    (ev.TaskOverdue("t1", "capture the logs", "ops-1"), "OVERDUE, ops-1: capture the logs", Tone.WARN),
    (ev.PlanningStarted(Wish("v1.4.9")), "plans the way back to v1.4.9", Tone.PLAIN),
    (ev.PlanningStarted(Wish()), "plans the way back to the newest good release", Tone.PLAIN),
    (
        ev.PlanningStarted(Wish("v1.4.9", data="point in time")),
        "plans the way back to v1.4.9 and the data back to point in time",
        Tone.PLAIN,
    ),
    (ev.PlanningStarted(Wish(code=False, verb="flush-cache")), "plans flush-cache", Tone.PLAIN),
    (ev.RollbackAdvised("mandatory", "errors, signing"), "rollback mandatory: errors, signing", Tone.BAD),
    (ev.OnsetMoved(AT, "the deploy"), "onset moved to 14:09:17: the deploy", Tone.PERSON),
    (
        ev.ErrandBegun(Wish(code=False, verb="verify-backup", options={"backup": "b-1"})),
        "INC-7QK2: verify-backup b-1",
        Tone.PLAIN,
    ),
    (ev.ErrandEnded("failed", "the disk is full"), "INC-7QK2 failed: the disk is full", Tone.BAD),
    (ev.PlanningFailed("no good release"), "no plan: no good release", Tone.BAD),
    (
        ev.PlanFrozen(digest(PLAN), Raw(PLAN)),
        f"plan {digest(PLAN)[:8]} frozen: {WAY}",
        Tone.PLAIN,
    ),
    (
        ev.PlanFrozen(digest(PLAN), Raw(PLAN), voids=("eng-1", "sec-1")),
        f"plan {digest(PLAN)[:8]} frozen: {WAY}; void, and asked again: the yes of eng-1, sec-1",
        Tone.WARN,
    ),
    (
        ev.PlanFrozen(HASH, Raw(b'{"made": "by a newer warroom"}')),
        "plan 3f9c2a1b frozen, in a form that this warroom cannot read",
        Tone.WARN,
    ),
    (ev.StepIntent("push", 1, 1, HASH), "push the branch: begun", Tone.PLAIN),
    (ev.StepIntent("push", 2, 1, HASH), "push the branch: begun, attempt 2", Tone.PLAIN),
    (
        ev.StepOutcome("push", 1, "done", "on the remote", 4.2),
        "push the branch: done in 4.2 s: on the remote",
        Tone.GOOD,
    ),
    (
        ev.StepOutcome("push", 1, "failed", "it moved", 61.0),
        "push the branch: FAILED after 01:01: it moved",
        Tone.BAD,
    ),
    (
        ev.StepProbed("push", 1, "cannot tell", "no answer"),
        "push the branch: looked into, cannot tell: no answer",
        Tone.WARN,
    ),
    (
        ev.StepDecided("push", 1, Choice.SKIP, "by hand"),
        "decided: push the branch is skipped: by hand",
        Tone.PERSON,
    ),
    (
        ev.EvidenceRecorded("rows", holds=False, words="no answer", inputs=""),
        "evidence rows does not hold: no answer",
        Tone.WARN,
    ),
    (
        ev.GateSigned(HASH, "sec-1", ("security",), f"SHA256:{HASH}", "", 0, "text", "signature"),
        f"sec-1 signed plan {HASH[:8]} as security (key SHA256:{HASH[:10]}, handed in by engine)",
        Tone.PERSON,
    ),
    (
        ev.GateSigned(HASH, "eng-1", ("engineer",), f"SHA256:{HASH}", "too early", 0, "text", "signature"),
        f"eng-1 said no to plan {HASH[:8]}: too early (key SHA256:{HASH[:10]}, handed in by engine)",
        Tone.BAD,
    ),
    (
        ev.GateWithdrawn("sec-1", "taken back"),
        "the yes of sec-1 does not count any more: taken back",
        Tone.BAD,
    ),
    (
        ev.GateClaimed(HASH, ("engineer", "lead")),
        "said yes to plan 3f9c2a1b as engineer, lead (a claim)",
        Tone.PERSON,
    ),
    (
        ev.GateOpened(HASH, ("eng-1", "eng-2"), ()),
        "gate open for plan 3f9c2a1b: eng-1, eng-2 said yes",
        Tone.GOOD,
    ),
    (
        ev.GateClosed("the journal says it was opened, and 1 engineer has not signed"),
        "the gate is closed again: the journal says it was opened, and 1 engineer has not signed",
        Tone.BAD,
    ),
    (ev.RunAborted("wait"), "stopped the run: wait", Tone.WARN),
    (ev.RunResumed(), "goes on with the run", Tone.PERSON),
    (
        ev.ItemTicked("gas", done=True, note="3 of 3", step="push"),
        "ticked: gas estimation right, proven by push the branch: 3 of 3",
        Tone.GOOD,
    ),
    (
        ev.ItemTicked("gas", done=False, note=""),
        "took the tick back: gas estimation right",
        Tone.WARN,
    ),
    (
        ev.ItemWaived("gas", HASH, "the host is down"),
        "waived: gas estimation right: the host is down; whoever said yes is asked again",
        Tone.WARN,
    ),
    (ev.NoteAdded("looks bad"), "note: looks bad", Tone.PERSON),
    (ev.GateAsked(HASH, "exec-1", ("executive",), "role"), "asked exec-1 as executive", Tone.PLAIN),
    (
        ev.GateAsked(HASH, "exec-2", ("executive",), "deputy"),
        "asked exec-2 as deputy for executive",
        Tone.PLAIN,
    ),
    (ev.GatePaged("exec-1", delivered=True, words="sent"), "paged exec-1: sent", Tone.PLAIN),
    (
        ev.GatePaged("exec-1", delivered=False, words="no such number"),
        "the page of exec-1 failed: no such number",
        Tone.BAD,
    ),
    (ev.GateSeen(HASH), f"looked at plan {HASH[:8]} (a claim)", Tone.PERSON),
    (
        ev.GateEscalated(HASH, 1, "team-lead", ("lead-1",), ("executive",)),
        "executive did not say yes in time: level 1 is told, team-lead (lead-1)",
        Tone.BAD,
    ),
    (
        ev.StandingSigned("0a1b2c3d4e5f", "sec-1", ("security-lead",), "SHA256:" + "k" * 43, "text", "sig"),
        (
            "sec-1 signed standing authorisation 0a1b2c3d4e5f as security-lead "
            "(key SHA256:kkkkkkkkkk, handed in by engine)"
        ),
        Tone.PERSON,
    ),
    (
        ev.StandingRevoked("0a1b2c3d4e5f", "the on-call changed"),
        "revoked standing authorisation 0a1b2c3d4e5f: the on-call changed",
        Tone.WARN,
    ),
    (
        ev.StandingEnded("0a1b2c3d4e5f", "disarmed", "the strategy was edited"),
        "standing authorisation 0a1b2c3d4e5f is disarmed: the strategy was edited",
        Tone.WARN,
    ),
    (
        ev.GateOpened(HASH, ("eng-2", "sec-1"), (), ("operations-lead",), 1),
        (
            f"gate open for plan {HASH[:8]}: eng-2, sec-1 said yes, breaking the glass; "
            "operations-lead review it"
        ),
        Tone.BAD,
    ),
    (
        ev.ReviewSigned(
            "INC-7QK2", "ops-1", ("operations-lead",), "objected", "too early", "SHA256:" + "k" * 43, "", ""
        ),
        "ops-1 reviewed INC-7QK2, objected: too early (key SHA256:kkkkkkkkkk, handed in by engine)",
        Tone.BAD,
    ),
    (
        ev.ReviewOverdue("INC-7QK2", ("operations-lead",)),
        "INC-7QK2 broke the glass, and operations-lead did not review it in time",
        Tone.BAD,
    ),
    (
        ev.GateOpened(HASH, (), (), automatic=True, standing="0123456789ab"),
        f"gate open for plan {HASH[:8]}: automatic rollback, by standing authorisation 0123456789ab",
        Tone.WARN,
    ),
    (
        ev.AutomaticBegan(("error_rate",), ("error_rate > 10% for 5m",), "SEV-3", HASH),
        "automatic rollback begins in INC-7QK2, nobody commands yet: error_rate > 10% for 5m",
        Tone.BAD,
    ),
    (ev.StageBegan("validation", 60.0), "automatic: validation begins, 01:00 at most", Tone.PLAIN),
    (
        ev.StageOverran("validation", 60.0),
        "automatic: validation takes longer than its 01:00",
        Tone.WARN,
    ),
    (
        ev.StageEnded("validation", 2.5, 60.0, "confirmed"),
        "automatic: validation took 2.5 s of 01:00: confirmed",
        Tone.PLAIN,
    ),
    (
        ev.StageEnded("validation", 61.0, 60.0, "held"),
        "automatic: validation took 01:01 of 01:00: held",
        Tone.WARN,
    ),
    (
        ev.AutomaticDecided("runs", "v1.5.3 landed", "error_rate", "0123456789ab"),
        "automatic rollback runs by itself by standing authorisation 0123456789ab: v1.5.3 landed",
        Tone.WARN,
    ),
    (
        ev.AutomaticDecided("held", "the second path disagrees"),
        "automatic rollback is held: the second path disagrees",
        Tone.WARN,
    ),
    (
        ev.AutomaticEnded("stopped", "deploy failed"),
        "automatic rollback stopped, a person is needed: deploy failed",
        Tone.BAD,
    ),
    (
        ev.AutomaticPaged("sec-1", "begun", delivered=False, words="no answer"),
        "the page of sec-1, automatic rollback begun failed: no answer",
        Tone.BAD,
    ),
    (
        ev.AutomaticSwitched(on=False, by="person", reason="load test"),
        "automatic rollback switched off by hand: load test",
        Tone.PERSON,
    ),
    (ev.IncidentResolved("recovered", "", HASH), "resolved INC-7QK2: recovered", Tone.GOOD),
    (ev.StepAllowed("push", HASH), "said yes, as commander, to: push the branch", Tone.PERSON),
    (ev.RunPaced("step"), "pace step: each step waits for its key", Tone.PERSON),
    (ev.RunReleased(("push",), HASH), "starts push the branch", Tone.PERSON),
    (
        ev.StepFound("push", 1, {"head": "9c1f"}),
        "push the branch: found before it changes anything: head 9c1f",
        Tone.PLAIN,
    ),
    (ev.UndoAsked(("push",), HASH, "too slow"), "takes back push the branch: too slow", Tone.WARN),
    (ev.UndoIntent("push", 2, 1, HASH), "push the branch: taking it back, attempt 2", Tone.PLAIN),
    (
        ev.UndoOutcome("push", 1, "done", "gone", 1.0),
        "push the branch: taken back in 1.0 s: gone",
        Tone.GOOD,
    ),
    (
        ev.UndoOutcome("push", 1, "failed", "no", 1.0),
        "push the branch: NOT TAKEN BACK after 1.0 s: no",
        Tone.BAD,
    ),
    (
        ev.CiFrozen("passportx/wallet", "Deploy", "active"),
        "freezes Deploy of passportx/wallet, which was active",
        Tone.WARN,
    ),
    (
        ev.CiUnfrozen("passportx/wallet", "Deploy", "active"),
        "Deploy of passportx/wallet is not frozen any more: active",
        Tone.GOOD,
    ),
    (ev.RequestRefused("go", "the plan has changed"), "refused go: the plan has changed", Tone.BAD),
]


def written_and_read(body: Body) -> ev.Event:
    """The event as it comes back from a journal."""
    return decode(encode(Draft(body, AT, "INC-7QK2"), "testnet", 1))


@pytest.mark.parametrize(("body", "words", "tone"), CASES)
def test_each_kind_says_what_happened(body: Body, words: str, tone: Tone) -> None:
    assert (said(written_and_read(body), NAMES).words, said(written_and_read(body), NAMES).tone) == (
        words,
        tone,
    )


def test_no_kind_is_without_words() -> None:
    """A kind that is added must be added here."""
    assert {type(body) for body, _, _ in CASES} == set(KNOWN.values())


def test_an_unknown_kind_is_shown_raw() -> None:
    raw = msgspec.json.encode({"colour": "red"})
    event = ev.Event(
        "testnet", None, 1, AT, "engine", None, "moon.phase", 7, critical=False, body=Unknown(raw)
    )
    assert said(event, {}).words == 'moon.phase version 7: {"colour":"red"}'


def test_an_unknown_kind_that_is_not_even_text_is_shown_as_well() -> None:
    body = Unknown(b"\xff\xfe")
    event = ev.Event("testnet", None, 1, AT, "engine", None, "moon.phase", 7, critical=False, body=body)
    assert said(event, {}).words == r"moon.phase version 7: \xff\xfe"
