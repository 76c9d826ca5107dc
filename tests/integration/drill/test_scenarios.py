"""Drills in which something stands in the way of the rollback: what was decided, and how it ended."""

from pathlib import Path

import msgspec
import pytest

from console.core import events as ev
from console.core.policy import unfit
from console.core.requests import Choice
from tests.integration.drill.kit import of_drill
from tests.integration.drill.playing import Played, play

TWO_BEHIND = "4 of 6 on v1.5.0: app-5, app-6 on v1.5.3"


def recovered(folder: Path, scenario: str, good: str) -> Played:
    """The drill, which ended on the good release, with nothing of it left."""
    played = play(folder / "drill", scenario)
    result = played.result
    assert (result.outcome, result.reason) == ("recovered", None), played.said
    assert (result.scenario, result.journal.valid) == (scenario, True)
    assert (result.release.target, result.release.running) == (good, good)
    assert result.data.rows_discarded == 0
    assert {step.status for step in result.steps} == {"done"}
    assert of_drill(played.folder) == []
    return played


# -- skew ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def skew(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return recovered(tmp_path_factory.mktemp("skew"), "skew", "v1.5.0")


def test_four_of_six_are_not_healthy_and_the_two_are_named(skew: Played) -> None:
    """Whoever deployed said that it was done; the instances were asked themselves."""
    outcomes = [(body.step, body.status, body.words) for body in skew.of(ev.StepOutcome)]
    health = [(status, words) for step, status, words in outcomes if step == "health"]
    assert health == [
        ("failed", f"not healthy in 30 tries; the last answer: {TWO_BEHIND}"),
        ("done", "3 good in a row, v1.5.0 on all 6 instances"),
    ]
    assert [status for step, status, _ in outcomes if step == "deploy"] == ["done", "done"]
    (plan,) = skew.plans
    assert plan.code is not None
    assert plan.code.instances == tuple(f"app-{number}" for number in range(1, 7))


def test_it_is_deployed_again_and_then_all_six_run_it(skew: Played) -> None:
    (decided,) = skew.of(ev.StepDecided)
    assert (decided.step, decided.choice) == ("health", Choice.REDEPLOY)
    assert skew.result.release.instances == {f"app-{number}": "v1.5.0" for number in range(1, 7)}


def test_a_fleet_is_told_as_mixed_for_as_long_as_it_is(skew: Played) -> None:
    """The journal never says that the good release answers everywhere before it does."""
    seen = skew.of(ev.ReleaseSeen)
    assert any(one.instances["app-5"] == "v1.5.3" and one.release == "v1.5.0" for one in seen)
    assert set(seen[-1].instances.values()) == {"v1.5.0"}
    whole = [skew.at(one) for one in seen if set(one.instances.values()) == {"v1.5.0"}]
    (decided,) = skew.of(ev.StepDecided)
    bad = next(skew.at(one) for one in seen if set(one.instances.values()) == {"v1.5.3"})
    assert [at for at in whole if bad < at < skew.at(decided)] == []


# -- schema-contract ----------------------------------------------------------------------------------


def test_a_contracted_schema_closes_the_way_and_the_nearest_that_fits_is_taken(tmp_path: Path) -> None:
    """Before any gate: nothing of the first plan was switched, and what it offers is what is gone back to."""
    played = recovered(tmp_path, "schema-contract", "v1.5.0")
    first, second = played.plans
    assert first.code is not None
    assert (first.code.target.tag, second.code.target.tag) == ("v1.9.1", "v1.5.0")  # type: ignore[union-attr]
    assert unfit(first) == "the schema has contracted: transactions.wallet dropped"
    assert first.code.schema is not None
    assert first.code.schema.nearest == "v1.5.0"
    assert second.code is not None
    assert second.code.schema is not None
    assert (second.code.schema.kind, unfit(second)) == ("expanded", "")
    opened = [body.plan_hash for body in played.of(ev.GateOpened)]
    frozen = [body.digest for body in played.of(ev.PlanFrozen)]
    assert opened == [frozen[1]]
    rehearsed = [body for body in played.of(ev.EvidenceRecorded) if body.slot == "target-rehearsed"]
    assert [body.holds for body in rehearsed] == [True]
    assert len(_deploys(played.folder)) == 3, "the release before, the bad one, and the good one"


# -- racing-deploy ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def raced(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return recovered(tmp_path_factory.mktemp("raced"), "racing-deploy", "v1.5.0")


def test_a_deploy_that_races_the_rollback_is_cancelled_and_the_ci_frozen_again(raced: Played) -> None:
    """Also while people read: the run of the one who pushed ends before a gate opens."""
    orders = [
        msgspec.json.decode(line)["order"].rpartition("/")[2]
        for line in (raced.folder / "ci.jsonl").read_bytes().splitlines()
    ]
    ours = ["disable", "cancel"]
    assert orders == [*ours, "enable", *ours, "enable"], "frozen, enabled by somebody, frozen again, unfrozen"
    assert raced.result.environment == "production"


def test_what_it_did_to_the_branch_makes_another_plan(raced: Played) -> None:
    """The gate of the first one never opens, though everybody had signed it."""
    first, second = raced.plans
    assert first.code is not None
    assert second.code is not None
    assert first.code.running.tag == "v1.5.3"
    assert first.code.running.commit != second.code.running.commit
    failed = [body.words for body in raced.of(ev.StepOutcome) if body.status == "failed"]
    assert len(failed) == 1
    assert failed[0].startswith("main moved from ")
    assert failed[0].endswith(": plan again")
    frozen = raced.of(ev.PlanFrozen)
    assert [body.plan_hash for body in raced.of(ev.GateOpened)] == [frozen[1].digest]
    looks = [body for body in raced.of(ev.StepIntent) if body.step in ("fetch", "freeze")]
    assert max(body.attempt for body in looks) == 2, "seen again after the last yes"


def test_whose_yes_it_voids_is_told_to_them(raced: Played) -> None:
    """All six had signed: each of them reads so in the page that asks for the next yes."""
    voided = raced.of(ev.PlanFrozen)[1].voids
    assert len(voided) == 6
    signed = [body.person for body in raced.of(ev.GateSigned)]
    assert sorted(signed) == sorted([*voided, *voided])
    pages = [msgspec.json.decode(line) for line in (raced.folder / "pages.jsonl").read_bytes().splitlines()]
    told = {page["handle"] for page in pages if "your yes to the plan before is void" in page["message"]}
    assert told == set(voided)


def _deploys(folder: Path) -> set[str]:
    lines = (folder / "deploys.jsonl").read_bytes().splitlines()
    return {msgspec.json.decode(line)["commit"] for line in lines}
