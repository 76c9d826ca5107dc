"""Production, from a release that is bad for data back to the state before it, to the row."""

import csv
import re
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.core.events import PlanFrozen, StepOutcome
from console.core.paging import every_event
from console.core.plan import thaw
from console.core.policy import unfit
from console.drill.result import DrillResult
from console.drill.seeds import CONTACTS, TRANSACTIONS, USERS
from console.drill.world import World
from console.store.journal import SqliteReader
from tests.integration.drill.kit import of_drill

LIMIT_S = 180
SEEDED = USERS + CONTACTS + TRANSACTIONS
RESTORES = (
    *("candidate", "receipt", "stop-writers", "judge-loss", "swap", "sessions", "start-writers"),
    "final-receipt",
)


class Played(msgspec.Struct, frozen=True):
    """A drill that is over."""

    folder: Path
    said: str
    result: DrillResult


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """One drill for all tests of this module."""
    folder = tmp_path_factory.mktemp("production") / "drill"
    argv = [sys.executable, "-m", "console", "drill", "--env", "production", "--scenario", "data-corruption"]
    argv += ["--headless", "--json", "--dir", str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert done.stdout, done.stderr
    return Played(folder, done.stderr, msgspec.json.decode(done.stdout, type=DrillResult))


def test_it_is_recovered_within_the_target(played: Played) -> None:
    """By the service's own answer, with every step of the plan proven."""
    result = played.result
    assert (result.outcome, result.reason) == ("recovered", None), played.said
    assert (result.environment, result.scenario) == ("production", "data-corruption")
    assert (result.release.bad, result.release.target, result.release.running) == (
        "v1.6.0",
        "v1.5.0",
        "v1.5.0",
    )
    assert result.recovery.met
    assert {step.status for step in result.steps} == {"done"}
    assert set(RESTORES) <= {step.id for step in result.steps}
    assert not {"rows", "rows-kept"} & {step.id for step in result.steps}, "the data was not to be kept"
    assert result.journal.valid


def test_the_code_alone_was_seen_not_to_fit_and_the_candidate_was_rehearsed(played: Played) -> None:
    """The plan that keeps the data says why its gate stays closed; the one that restores it is rehearsed."""
    with closing(SqliteReader(Path(played.result.journal.path), "production")) as reader:
        bodies = [event.body for event in every_event(reader)]
    first, last = (thaw(bytes(body.plan)) for body in bodies if isinstance(body, PlanFrozen))
    assert first.data is None
    assert unfit(first) == "the schema has contracted: table contacts dropped"
    assert "rehearse" not in {step.id for step in first.steps}
    assert last.data is not None
    assert unfit(last) == ""
    said = [body.words for body in bodies if isinstance(body, StepOutcome) and body.step == "rehearse"]
    assert said[-1].startswith("v1.5.0 works on a copy of walletconnect_restore_")


def test_every_row_from_before_the_drill_is_back_as_it_was(played: Played) -> None:
    """Damaged ones and those of the dropped table too."""
    data = played.result.data
    assert (data.seeded_rows, data.seeded_missing, data.seeded_changed) == (SEEDED, 0, 0)
    assert data.tables_missing == ()


def test_the_data_went_back_to_before_the_damage(played: Played) -> None:
    """The recovery point lies between the base backup and the bad release."""
    world, data = World.load(played.folder), played.result.data
    assert data.recovery_point is not None
    point = datetime.fromisoformat(data.recovery_point).timestamp() * 1e6
    assert world.past is not None
    assert world.fault is not None
    assert world.past.based < point < world.fault.utc_us


def test_every_write_that_users_were_told_of_is_kept_or_in_the_receipt(played: Played) -> None:
    """Rows written after the recovery point are counted, and the transactions on the chain listed by id."""
    data = played.result.data
    assert data.acknowledged is not None
    assert data.acknowledged > 100
    assert data.unaccounted == 0
    assert data.rows_discarded is not None
    assert data.rows_discarded > 0
    assert data.rows_before is not None
    assert data.rows_after is not None
    gone = [line for line in _chain_ids(played.result) if line["why"] == "gone"]
    assert 0 < len(gone) <= data.rows_discarded


def _chain_ids(result: DrillResult) -> list[dict[str, Any]]:
    (folder,) = (Path(path) for path in result.artifacts if path.endswith("-loss-final"))
    with (folder / "chain-ids.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_six_people_signed_and_the_commander_did_not(played: Played) -> None:
    """Whoever asks for data to be restored does not approve it."""
    said_yes = set(re.findall(r"^\S+ (\S+) +\1 signed plan", played.said, re.MULTILINE))
    assert said_yes == {"eng-2", "lead-1", "sec-1", "ops-1", "exec-1", "pm-1"}


def test_the_screen_says_what_is_shortened(played: Played) -> None:
    strategy = (played.folder / "strategy.yaml").read_text()
    assert "drill: 'seconds, not minutes; data: 3s before the onset'" in strategy


def test_nothing_of_it_runs_any_more(played: Played) -> None:
    assert of_drill(played.folder) == []
