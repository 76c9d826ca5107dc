"""NEXT before the gate: a mitigation, a while for it to help, the way back; or a rollback that is held."""

from typing import Any, Literal

from msgspec import Raw

from console.core import events as ev
from console.core.changes import Changes
from console.core.commands import command
from console.core.metrics import Rung
from console.core.mitigating import in_force, step_id, trials, wish_of
from console.core.next_line import NextStep
from console.core.next_step import Viewer, next_step
from console.core.plan import digest, frozen
from console.core.recommendation import of_snapshot
from tests.ui import place
from tests.ui.fake_room import FakeRoom
from tests.unit.core.kit import plan as any_plan
from tests.unit.core.kit import step
from tests.unit.core.test_recommendation import CAUSE, mitigation, not_ours

RUN = "RUN-3HXP"
SICK = {"error_rate": (12.4, Rung.MANDATORY)}


class Sick(FakeRoom):
    """A declared incident at its gate, in which errors fire; `off` covers them."""

    def __init__(self, mitigations: dict[str, Any] | None = None, **changes: Any) -> None:
        off = {"off": mitigation("error_rate", title="flag wc-gas off")}
        super().__init__(
            place.environment(mitigations=off if mitigations is None else mitigations, **changes)
        )
        self.runs("v1.5.3")
        self.sample(20, **SICK)
        self.suspect()
        self.declare()
        self.freeze()
        self.prepare()

    def next(self, actor: str = "eng-1") -> NextStep:
        """What NEXT says; the key that it names can be pressed."""
        said = next_step(self.snapshot(), self.environment, Viewer(actor))
        if said.command is not None:
            assert command(said.command).possible(self.snapshot(), self.environment) is None
        return said

    def ask(self, name: str = "off", *, undo: bool = False) -> None:
        """It is begun, planned and its step too."""
        wish, key = wish_of(name, undo=undo), step_id(name, undo=undo)
        self.say(ev.ErrandBegun(wish), actor="eng-1", incident=RUN)
        raw = frozen(any_plan(incident=RUN, code=None, verb=wish.verb, steps=(step(key),)))
        self.say(ev.PlanFrozen(digest(raw), Raw(raw)), incident=RUN)
        self.say(ev.StepIntent(key, 1, 1, digest(raw)), incident=RUN)

    def told(self, key: str = "off", status: Literal["done", "failed"] = "done") -> None:
        """How it ended."""
        self.say(ev.StepOutcome(key, 1, status, "says the probe", 1.0), incident=RUN)
        self.say(ev.ErrandEnded(status, "says the probe"), incident=RUN)

    def mitigate(self) -> None:
        self.ask()
        self.told()

    def looked(self) -> None:
        """An engine has looked what changed."""
        self.show(changes=Changes(self.now, None, (), None))


GO = "go: say yes to the plan and type testnet"


def test_the_mitigation_that_covers_everything_comes_before_the_gate() -> None:
    room = Sick()
    words = "try first: flag wc-gas off, covers all that fires (errors); the commander may"
    assert room.next() == NextStep(words, "mitigate")


def test_one_that_covers_only_some_of_it_is_not_proposed() -> None:
    room = Sick()
    room.sample(5, **SICK, transaction_signing_rate=(0.0, Rung.MANDATORY))
    assert room.next() == NextStep(GO, "go")


def test_the_cheapest_of_several_is_proposed() -> None:
    room = Sick(
        {"dear": mitigation("error_rate", cost=3), "cheap": mitigation("error_rate", cost=2, title="scale")}
    )
    assert room.next().sentence.startswith("try first: scale,")


def test_who_may_not_ask_for_it_is_told_who_may() -> None:
    room = Sick()
    assert room.next("eng-2") == NextStep(
        "wait: flag wc-gas off covers all that fires (errors), not tried; "
        "only eng-1, who commands INC-7QK2, may ask for it",
        None,
    )


def test_while_it_is_done_one_waits() -> None:
    room = Sick()
    room.ask()
    assert room.next() == NextStep("wait: flag wc-gas off is under way", None)


def test_it_is_given_a_while_and_the_gate_stays_open() -> None:
    room = Sick()
    room.mitigate()
    room.wait(10)
    assert room.next() == NextStep(
        "wait: flag wc-gas off is in force, 00:20 left to help; g goes on with the rollback all the same",
        None,
    )
    assert command("go").possible(room.snapshot(), room.environment) is None


def test_when_it_has_not_helped_the_way_back_goes_on_and_says_so() -> None:
    room = Sick()
    room.mitigate()
    room.wait(30)
    assert room.next() == NextStep(f"{GO}. flag wc-gas off did not help within 00:30", "go")


def test_one_that_could_not_be_done_is_not_waited_for() -> None:
    room = Sick()
    room.ask()
    room.told(status="failed")
    assert room.next() == NextStep(f"{GO}. flag wc-gas off could not be done: says the probe", "go")


def test_when_it_has_helped_the_incident_is_closed_as_mitigated() -> None:
    room = Sick()
    room.mitigate()
    room.sample(5)
    words = "close the incident as mitigated: flag wc-gas off helped; v1.5.3 still runs"
    assert room.next() == NextStep(words, "resolve")


def test_nobody_says_that_it_has_helped_who_cannot_see_it() -> None:
    room = Sick()
    room.mitigate()
    room.sample(5, error_rate=(None, Rung.STALE))
    words = "wait: no fresh data of errors: whether flag wc-gas off helped is not known"
    assert room.next() == NextStep(words, None)


def test_few_tries_say_nothing_while_it_may_help_yet_and_are_enough_afterwards() -> None:
    room = Sick()
    room.mitigate()
    room.sample(5, error_rate=(None, Rung.WAITING))
    assert room.next().sentence.startswith("wait: no fresh data of errors")
    room.wait(60)
    room.sample(5, error_rate=(None, Rung.WAITING))
    assert room.next().command == "resolve"


def test_where_only_people_can_see_whether_it_helped_they_are_asked_to_look() -> None:
    """What somebody declared stays declared: it is no sign that nothing has helped."""
    room = Sick({"away": mitigation("error_rate", "keys_exposed", title="traffic away")})
    room.sample(5)
    onset = room.incident.onset
    body = ev.IncidentDeclared("eng-1", "SEV-3", "", ("keys_exposed",), onset, onset)
    room.say(body, actor="eng-1")
    assert room.next().sentence.startswith("try first: traffic away")
    room.ask("away")
    room.told("away")
    room.wait(60)
    words = "traffic away is done, and no rule can see whether it helped against private keys exposed"
    assert room.next() == NextStep(
        f"look, and close the incident as mitigated if it is over: {words}", "resolve"
    )
    assert of_snapshot(room.snapshot(), room.environment).words == words


def test_one_that_was_taken_back_may_be_tried_again() -> None:
    room = Sick()
    room.mitigate()
    assert in_force(room.state, room.environment) == ("off",)
    room.ask(undo=True)
    room.told("undo-off")
    assert in_force(room.state, room.environment) == ()
    assert trials(room.state, room.incident, room.environment, room.now) == ()
    assert room.next().command == "mitigate"


def test_one_that_could_not_be_taken_back_is_still_in_force() -> None:
    room = Sick()
    room.mitigate()
    room.ask(undo=True)
    room.told("undo-off", "failed")
    assert in_force(room.state, room.environment) == ("off",)
    assert room.state.mitigations["off"].words == "could not be taken back: says the probe"


def test_when_the_rollback_is_proven_what_is_still_in_force_is_told() -> None:
    room = Sick()
    room.mitigate()
    room.open_gate()
    room.switch()
    room.prove()
    assert room.next().sentence.endswith("; still in force: flag wc-gas off (f takes it back)")


# -- an engine that dies in the middle --------------------------------------------------------------


def test_after_a_crash_it_is_unclear_until_the_probe_has_said() -> None:
    for finding, status in (("done", "in force"), ("not done", "undone"), ("cannot tell", "unclear")):
        room = Sick()
        room.ask()
        room.start_engine()
        assert room.state.mitigations["off"].status == "unclear"
        room.say(ev.StepProbed("off", 1, finding, "so it is"), incident=RUN)  # type: ignore[arg-type]
        assert room.state.mitigations["off"].status == status


def test_what_nobody_can_tell_about_counts_as_perhaps_in_force_and_does_not_hold_the_rollback() -> None:
    room = Sick()
    room.ask()
    room.start_engine()
    room.say(ev.StepProbed("off", 1, "cannot tell", "no answer"), incident=RUN)
    room.say(ev.ErrandEnded("failed", "no answer"), incident=RUN)
    assert in_force(room.state, room.environment) == ("off",)
    assert room.next() == NextStep(f"{GO}. whether flag wc-gas off is done, nobody can tell", "go")


def test_a_step_of_the_way_back_that_was_cut_off_does_not_come_before_a_mitigation() -> None:
    """It changes nothing for users, and there is no hurry to decide about it."""
    room = Sick()
    room.freeze()
    room.begin("fetch")
    room.start_engine()
    room.probed("fetch", "not done", "it was begun")
    assert room.next().command == "mitigate"
    room.mitigate()
    room.sample(5)
    assert room.next().command == "resolve"


# -- a rollback that will not help ------------------------------------------------------------------


def held() -> Sick:
    """The health check speaks of something that is not ours, and explains the errors."""
    room = Sick({}, metrics=not_ours(["error_rate"]))
    room.sample(5, **SICK, health_check=(9.0, Rung.MANDATORY))
    return room


def test_a_rollback_that_will_not_help_is_held_and_the_gate_stays_open() -> None:
    room = held()
    room.looked()
    said = room.next()
    words = f"do not roll back, mend it where it is: {CAUSE} (health 9): a rollback will not help"
    assert said == NextStep(words, "diff")
    assert command("go").possible(room.snapshot(), room.environment) is None


def test_a_mitigation_that_covers_the_cause_comes_first_and_says_so() -> None:
    off = {"reserve": mitigation("error_rate", "health_check", title="the other RPC")}
    room = Sick(off, metrics=not_ours(["error_rate"]))
    room.sample(5, **SICK, health_check=(9.0, Rung.MANDATORY))
    said = room.next()
    assert said.command == "mitigate"
    assert said.sentence == (
        "try first: the other RPC, covers all that fires (errors, health); "
        f"{CAUSE} (health 9): a rollback will not help"
    )


def test_when_the_cause_has_gone_by_itself_the_incident_is_closed_with_nothing_rolled_back() -> None:
    room = held()
    room.say(ev.RollbackAdvised("held", f"{CAUSE}: a rollback will not help", CAUSE))
    room.sample(5)
    words = f"close the incident as mitigated: nothing fires any more; {CAUSE}, so nothing was rolled back"
    assert room.next() == NextStep(words, "resolve")


def test_where_nothing_landed_the_gate_says_that_it_may_not_help() -> None:
    stages = dict.fromkeys(("detection", "alert", "validation", "execution", "verification"), "1m")
    automatic = {"unsigned": "arms", "release_within": "24h", "stages": stages}
    room = Sick({}, automatic=automatic)
    room.looked()
    nothing = "nothing is known to have landed before the onset"
    assert room.next() == NextStep(f"{GO}. {nothing}: a rollback may not help", "go")


# -- one that needs the matrix ----------------------------------------------------------------------


def planned() -> Sick:
    """The mitigation has become the incident's plan."""
    room = Sick({"off": mitigation("error_rate", title="traffic away", authority="matrix")})
    assert room.next().sentence.startswith("plan first: traffic away,")
    wish = wish_of("off", undo=False)
    room.say(ev.PlanningStarted(wish), actor="eng-1")
    room.freeze(code=None, verb=wish.verb, steps=(step("off", "switch"),), predicates=())
    return room


def test_one_that_needs_the_matrix_waits_at_the_ordinary_gate() -> None:
    room = planned()
    assert room.next().sentence.startswith(GO)


def test_behind_its_own_gate_it_is_waited_for_like_any_other_and_leaves_the_way_back_to_come() -> None:
    room = planned()
    room.open_gate()
    room.run("off", 1, "done")
    assert room.next().sentence.startswith("wait: traffic away is in force, 00:30 left to help")
    room.wait(31)
    assert room.next() == NextStep("plan the way back. traffic away did not help within 00:30", "target")
    assert command("target").possible(room.snapshot(), room.environment) is None
