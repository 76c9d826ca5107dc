"""The verdict in the plan: what the gate demands by it, what is left out, what may not break the glass."""

import dataclasses

import pytest

from console.core.plan import CodeChange, Plan, thaw
from console.core.policy import unfit
from console.core.schema_verdict import TARGET_REHEARSED
from console.engine.planner import PlanError, make_plan
from tests.integration.actions.kit import listed
from tests.integration.actions.test_planner import run_of
from tests.integration.schema.kit import House

OF_SCHEMA = {"rehearse", "same-schema"}


async def planned(house: House, target: str, **wish: object) -> Plan:
    """The plan back to that release; every one before v2.2 was good."""
    house.record(v2_0="good", v2_1="good", v2_2="unproven")
    frozen = await make_plan(house.world, run_of("eng-1", target, **wish), lambda _words: None)
    return thaw(bytes(frozen.plan))


async def test_an_expanded_schema_is_rehearsed_before_the_gate_and_looked_at_again_behind_it(
    house: House,
) -> None:
    house.live("ALTER TABLE users ADD COLUMN wallet text")
    plan = await planned(house, "v2.0")
    assert plan.code is not None
    assert plan.code.schema is not None
    assert plan.code.schema.rehearsed
    assert unfit(plan) == ""
    assert {step.id for step in plan.steps} >= OF_SCHEMA
    assert TARGET_REHEARSED in {predicate.slot for predicate in plan.predicates}
    assert plan.step("same-schema").params == {"live": plan.code.schema.live}
    assert "same-schema" in plan.step("push-branch").needs


async def test_a_contracted_one_closes_the_gate_and_is_not_rehearsed(house: House) -> None:
    """Nothing that a rehearsal says would open it; the release that fits is named."""
    plan = await planned(house, "v2.1")
    assert unfit(plan) == "the schema has contracted: table contacts dropped"
    assert plan.code is not None
    assert plan.code.schema is not None
    assert plan.code.schema.nearest == "v2.0"
    assert not OF_SCHEMA & {step.id for step in plan.steps}


async def test_without_a_word_in_the_strategy_the_gate_stays_closed(house: House) -> None:
    house.world = dataclasses.replace(house.world, trial=None)
    assert "names no `schema`" in unfit(await planned(house, "v2.0"))


async def test_what_does_not_fit_cannot_break_the_glass(house: House) -> None:
    with pytest.raises(PlanError, match="cannot break the glass: the schema has contracted"):
        await planned(house, "v2.1", break_glass=True)


async def test_what_was_found_contracted_is_passed_over_while_the_schema_is_the_same(house: House) -> None:
    """A shim changes the live schema: then the newest good release is judged anew."""
    house.record(v2_0="good", v2_1="good", v2_2="unproven")
    first = await proposed(house, {})
    assert first.target.tag == "v2.1"
    assert first.schema is not None
    found = {first.target.commit: first.schema.live}
    second = await proposed(house, found)
    assert second.target.tag == "v2.0"
    assert "not v2.1, today's schema has contracted beyond it" in second.why
    house.live("CREATE TABLE contacts (id int PRIMARY KEY, user_id bigint NOT NULL REFERENCES users)")
    assert (await proposed(house, found)).target.tag == "v2.1"


async def proposed(house: House, contracted: dict[str, str]) -> CodeChange:
    """What a plan goes back to that names no release, when that much is remembered."""
    world = dataclasses.replace(
        house.world, releases=lambda: dataclasses.replace(listed(house.file), contracted=contracted)
    )
    frozen = await make_plan(world, run_of("eng-1", None), lambda _words: None)
    code = thaw(bytes(frozen.plan)).code
    assert code is not None
    return code
