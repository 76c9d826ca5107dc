"""The plan of single rows: it builds a copy, shows the rows, and swaps nothing."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from console.core.clock import Stamp
from console.core.errors import StatedError
from console.core.plan import Phase, Plan, Wish, thaw
from console.core.plan_words import data_words, way
from console.core.state import Incident
from console.core.wishes import of_rows
from console.engine.planner import make_plan
from tests.integration.actions.test_planner import line
from tests.integration.data.trials import AFTER, Trial
from tests.servers import PostgresServer
from tests.unit.engine.kit import environment

LIVE, BESIDE = "rows_plan_live", "rows_plan_live_restore_inc_7qk2"
RUNBOOK = [
    line("fetch", "prepare"),
    line("build-candidate", "prepare", "fetch", title="ours", expected="3m"),
    line("loss-receipt", "prepare", "build-candidate"),
    line("stop-writers", "switch"),
    line("swap-database", "switch", "stop-writers"),
    line("prove-health", "prove"),
]


@pytest.fixture
async def trial(postgres_18: PostgresServer, tmp_path: Path) -> Trial:
    """A database with a backup, in an environment whose runbook swaps."""
    postgres_18.create(LIVE, "CREATE TABLE users (id int PRIMARY KEY)", "INSERT INTO users VALUES (7)")
    made = Trial(postgres_18, LIVE, tmp_path)
    await made.back_up("b1")
    return made


async def planned(trial: Trial, wish: Wish, *runbook: Any, later_us: int = AFTER) -> Plan:
    """The plan of an incident that began so long after now."""
    recovery = {"before": "15m", "loss_at_most": 50}
    of = environment(backups={"folder": "backups"}, recovery=recovery, runbook=list(runbook or RUNBOOK))
    onset = Stamp(trial.clock.now().utc_us + later_us, "boot", 0)
    run = Incident("INC-7QK2", "declared", onset, (), commander="eng-1", planning=True, wish=wish)
    world = dataclasses.replace(trial.world, environment=of)
    return thaw(bytes((await make_plan(world, run, lambda _words: None)).plan))


async def test_a_plan_of_rows_builds_the_candidate_shows_the_rows_and_swaps_nothing(trial: Trial) -> None:
    """By the runbook's own line where it has one; each step waits for the one before."""
    plan = await planned(trial, of_rows("users", ["7", "8"], "b1"))
    assert [(step.action, step.phase, step.needs) for step in plan.steps] == [
        ("build-candidate", Phase.PREPARE, ()),
        ("show-rows", Phase.PREPARE, ("build-candidate",)),
        ("restore-rows", Phase.SWITCH, ("show-rows",)),
        ("drop-candidate", Phase.CLOSE, ("restore-rows",)),
    ]
    assert plan.steps[0].title == "ours"
    assert (plan.code, plan.data, plan.verb) == (None, None, "restore-rows")
    assert [need.role for need in plan.needs] == ["engineer"], "it waits for the gate like any other"


async def test_what_is_signed_names_table_keys_and_copy(trial: Trial) -> None:
    plan = await planned(trial, of_rows("users", ["7", "8"], "b1"))
    assert plan.rows is not None
    assert (plan.rows.table, plan.rows.keys, plan.rows.candidate) == ("users", ("7", "8"), "b1")
    assert data_words(plan).startswith("kept, but for 2 rows of users back to ")
    assert data_words(plan).endswith("(b1), by key: 7, 8")
    assert way(plan).startswith("release kept · 2 rows of users back to ")
    effects = "\n".join(plan.steps[2].effects)
    assert "FOR UPDATE, waiting at most 5 s" in effects
    assert BESIDE in effects


async def test_the_gate_demands_the_proven_copy_and_the_rows_shown(trial: Trial) -> None:
    plan = await planned(trial, of_rows("users", ["7"], "b1"))
    assert [predicate.slot for predicate in plan.predicates] == ["candidate-proven", "rows-shown"]


async def test_a_runbook_that_never_restores_puts_rows_back_all_the_same(trial: Trial) -> None:
    plan = await planned(trial, of_rows("users", ["7"], "b1"), line("fetch", "prepare"))
    assert [step.action for step in plan.steps] == [
        "build-candidate",
        "show-rows",
        "restore-rows",
        "drop-candidate",
    ]


@pytest.mark.parametrize(
    ("candidate", "later_us", "why"),
    [
        ("nobodys", AFTER, "there is no backup nobodys"),
        ("b1", -AFTER, "not before the onset"),
        ("point in time", AFTER, "there is no base backup with WAL after it"),
    ],
)
async def test_a_copy_that_cannot_be_had_is_no_plan(
    trial: Trial, candidate: str, later_us: int, why: str
) -> None:
    with pytest.raises(StatedError, match=why):
        await planned(trial, of_rows("users", ["7"], candidate), later_us=later_us)


async def test_the_whole_restore_has_no_step_of_rows(trial: Trial) -> None:
    runbook = [
        entry for entry in RUNBOOK if entry["action"] in ("build-candidate", "loss-receipt", "swap-database")
    ]
    plan = await planned(trial, Wish(code=False, data="b1"), *runbook)
    assert [step.action for step in plan.steps] == [entry["action"] for entry in runbook]
    assert (plan.rows, plan.data is None) == (None, False)
