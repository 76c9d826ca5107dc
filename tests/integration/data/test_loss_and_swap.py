"""From the receipt to the swap and back: nothing is lost that was not counted, signed and kept."""

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import sql

from actions.action import ActionError, Inputs, Proof
from actions.build_candidate import BuildCandidate
from actions.loss import FinalReceipt, JudgeLoss, LossReceipt
from actions.swap import SwapBack, SwapDatabase, UndoSwap
from console.core.plan import DataChange
from tests.integration.data.trials import AFTER, Heard, Trial
from tests.integration.postgres.dumps import databases
from tests.servers import PostgresServer

LIVE, BESIDE = "swap_live", "swap_live_restore_inc_7qk2"
BEFORE, UNDONE = "swap_live_before_inc_7qk2", "swap_live_undone_inc_7qk2"
SEED = (
    "CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL)",
    "CREATE TABLE transactions (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, hash text NOT NULL)",
    "CREATE TABLE contacts (id int PRIMARY KEY, label text)",
    "INSERT INTO users (name) SELECT 'user-' || n FROM generate_series(1, 40) n",
    "INSERT INTO transactions (hash) SELECT '0x' || n FROM generate_series(1, 300) n",
    "INSERT INTO contacts SELECT n, 'label ' || n FROM generate_series(1, 20) n",
)
SIGN = "INSERT INTO transactions (hash) VALUES ('0xnew') RETURNING id"


class Writers:
    """A deployer that remembers whether the service was stopped, and started again."""

    def __init__(self) -> None:
        self.started = self.stopped = 0

    def writers_effect(self, *, stop: bool) -> str:
        return f"{'stop' if stop else 'start'} the service"

    async def stop_writers(self, progress: Callable[[str], None], limit_s: float) -> None:
        progress(f"stopping within {limit_s:g} s")
        self.stopped += 1

    async def start_writers(self, progress: Callable[[str], None], limit_s: float) -> None:
        progress(f"starting within {limit_s:g} s")
        self.started += 1


def started(trial: Trial) -> int:
    """How often the service was started again."""
    assert isinstance(trial.world.deployer, Writers)
    return trial.world.deployer.started


@pytest.fixture
async def trial(postgres: PostgresServer, tmp_path: Path) -> Trial:
    """A database whose good state is backed up, then a release that damages it, and users who go on."""
    for name in (BESIDE, BEFORE, UNDONE):
        postgres.drop(name)
    postgres.create(LIVE, *SEED)
    made = Trial(postgres, LIVE, tmp_path, chain={"transactions": "hash"})
    made.world = dataclasses.replace(
        made.world,
        deployer=Writers(),  # type: ignore[arg-type]  # nothing else of it is asked for
    )
    await made.back_up("b1")
    with psycopg.connect(postgres.dsn(LIVE)) as users:
        users.execute("UPDATE users SET name = 'damaged' WHERE id <= 7")
        users.execute("DROP TABLE contacts")
        users.execute("INSERT INTO transactions (hash) SELECT '0xafter' || n FROM generate_series(1, 12) n")
    return made


def plan(trial: Trial, at_most: int = 12, **changes: object) -> Inputs:
    """A plan that goes back to the backup and allows so many rows to go."""
    now = trial.clock.now().utc_us
    change = DataChange("b1", recovery_point=now, onset=now + AFTER, loss_at_most=at_most)
    return Inputs("INC-7QK2", "eng-1", 1_760_000_400, 1_760_000_000, restore=replace(change, **changes))


async def done(trial: Trial, action: type, inputs: Inputs) -> Proof:
    """Perform and verify."""
    step = trial.action(action, inputs)
    await step.perform(Heard())
    proof: Proof = await step.verify()
    return proof


async def to_the_gate(trial: Trial, inputs: Inputs) -> Proof:
    """The candidate built, and the receipt."""
    await done(trial, BuildCandidate, inputs)
    return await done(trial, LossReceipt, inputs)


def rows(trial: Trial, table: str, database: str = LIVE) -> int:
    with psycopg.connect(trial.postgres.dsn(database)) as connection:
        counted = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        row = connection.execute(counted).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_changed_plan_finds_the_candidate_that_was_proven(trial: Trial) -> None:
    """Another ceiling, another release: the candidate is the same one. Another source is another one."""
    await done(trial, BuildCandidate, plan(trial))
    changed = replace(plan(trial, at_most=5000), made=1_760_000_900)
    step = trial.action(BuildCandidate, changed)
    assert (await step.probe()).found == "done"
    assert (await step.verify()).evidence[0].holds
    await trial.back_up("b2")
    other = trial.action(BuildCandidate, plan(trial, candidate="b2"))
    assert (await other.probe()).found == "not done"


async def test_the_receipt_counts_by_key_what_goes_what_goes_back_and_what_comes_back(trial: Trial) -> None:
    proof = await to_the_gate(trial, plan(trial))
    assert {key: proof.facts[key] for key in ("rows_gone", "go_back", "rows_back")} == {
        "rows_gone": "12",
        "go_back": "7",
        "rows_back": "20",
    }
    assert proof.facts["table:public.contacts"].startswith("20 come back (dropped since")
    (slot,) = proof.evidence
    assert slot.holds
    assert rows(trial, "transactions") == 312, "a receipt changes nothing"


async def test_rows_that_go_are_exported_with_the_ids_on_the_chain_apart(trial: Trial) -> None:
    proof = await to_the_gate(trial, plan(trial))
    assert proof.facts["chain_ids"] == "12"
    folder = Path(proof.facts["path"])
    texts = {path.name: path.read_text() for path in folder.rglob("*") if path.is_file()}
    exported = [name for name, text in texts.items() if "0xafter12" in text]
    assert len(exported) >= 2, f"the rows, and the ids apart: {sorted(texts)}"
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.rglob("*") if path.is_file())


async def test_a_loss_beyond_what_was_signed_keeps_the_gate_closed(trial: Trial) -> None:
    proof = await to_the_gate(trial, plan(trial, at_most=11))
    (slot,) = proof.evidence
    assert not slot.holds
    assert slot.words.startswith("12 rows would go, beyond the 11 signed")


async def test_the_candidate_takes_the_live_ones_place_and_the_old_one_stays(trial: Trial) -> None:
    inputs = plan(trial)
    await to_the_gate(trial, inputs)
    await done(trial, JudgeLoss, inputs)
    proof = await done(trial, SwapDatabase, inputs)
    assert float(proof.facts["refused_s"]) < 1
    assert (rows(trial, "transactions"), rows(trial, "contacts")) == (300, 20)
    assert rows(trial, "transactions", BEFORE) == 312
    assert databases(trial.postgres, f"{LIVE}%") == [LIVE, BEFORE]
    with psycopg.connect(trial.postgres.dsn(LIVE)) as users:
        row = users.execute(SIGN.encode()).fetchone()
    assert row is not None
    assert row[0] > 312, "no id is given twice"


async def test_the_final_receipt_is_exact_to_the_row_though_users_write_again(trial: Trial) -> None:
    """Also with rows that came between the first receipt and the moment when the writers stopped."""
    inputs = plan(trial, at_most=20)
    await to_the_gate(trial, inputs)
    with psycopg.connect(trial.postgres.dsn(LIVE)) as users:
        users.execute(SIGN.encode())
    await done(trial, JudgeLoss, inputs)
    await done(trial, SwapDatabase, inputs)
    with psycopg.connect(trial.postgres.dsn(LIVE)) as users:
        users.execute(SIGN.encode())
    proof = await done(trial, FinalReceipt, inputs)
    assert (proof.facts["rows_discarded"], proof.facts["rows_before"]) == ("13", str(40 + 313))


async def test_beyond_the_ceiling_when_the_writers_have_stopped_the_question_goes_back(trial: Trial) -> None:
    inputs = plan(trial, at_most=13)
    await to_the_gate(trial, inputs)
    with psycopg.connect(trial.postgres.dsn(LIVE)) as users:
        users.execute(SIGN.encode())
        users.execute(SIGN.encode())
    with pytest.raises(ActionError, match=r"14 rows would go, beyond the 13 signed.*plan again"):
        await trial.action(JudgeLoss, inputs).perform(Heard())
    assert rows(trial, "transactions") == 314
    assert started(trial) == 1, "nobody waits with the service down"


async def test_a_writer_that_was_overlooked_cannot_slip_past_the_swap(trial: Trial) -> None:
    """What comes after the judgement is judged again once nobody can write; the live one is as it was."""
    inputs = plan(trial)
    await to_the_gate(trial, inputs)
    await done(trial, JudgeLoss, inputs)
    with psycopg.connect(trial.postgres.dsn(LIVE)) as users:
        users.execute(SIGN.encode())
    with pytest.raises(ActionError, match="plan again"):
        await trial.action(SwapDatabase, inputs).perform(Heard())
    assert databases(trial.postgres, f"{LIVE}%") == [LIVE, BESIDE]
    assert rows(trial, "transactions") == 313
    assert started(trial) == 1


async def test_every_write_that_users_were_told_of_is_in_one_of_the_two(trial: Trial) -> None:
    """Writers who reconnect and go on during the swap."""
    inputs = plan(trial, at_most=1_000_000)
    await to_the_gate(trial, inputs)
    told: list[str] = []
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            name = f"0xlive{number}"
            try:
                with psycopg.connect(trial.postgres.dsn(LIVE), connect_timeout=2) as users:
                    users.execute(b"INSERT INTO transactions (hash) VALUES (%s)", (name,))
            except psycopg.Error:
                continue
            told.append(name)
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        await done(trial, JudgeLoss, inputs)
        await done(trial, SwapDatabase, inputs)
    finally:
        stop.set()
        writer.join()
    kept: set[str] = set()
    for database in (LIVE, BEFORE):
        with psycopg.connect(trial.postgres.dsn(database)) as connection:
            kept |= {row[0] for row in connection.execute(b"SELECT hash FROM transactions")}
    assert told
    assert set(told) <= kept


async def test_the_swap_can_be_taken_back(trial: Trial) -> None:
    inputs = plan(trial)
    await to_the_gate(trial, inputs)
    await done(trial, JudgeLoss, inputs)
    await done(trial, SwapDatabase, inputs)
    await done(trial, SwapBack, inputs)
    assert (rows(trial, "transactions"), rows(trial, "transactions", UNDONE)) == (312, 300)
    assert (await trial.action(SwapBack, inputs).probe()).found == "done"


def undo_of(trial: Trial, inputs: Inputs) -> UndoSwap:
    """The swap's way back, from the params that its plan froze."""
    return UndoSwap(SwapDatabase.preview(inputs, trial.world).params, trial.world, "INC-7QK2-undo-1")


async def test_a_swap_that_is_undone_leaves_nobody_without_the_service(trial: Trial) -> None:
    """It says in the plan what it does; asked a second time it has nothing to do."""
    inputs = plan(trial)
    await to_the_gate(trial, inputs)
    undo = undo_of(trial, inputs)
    untouched = await undo.probe()
    assert (untouched.found, untouched.words.startswith("not swapped: ")) == ("done", True)
    assert (await undo.verify()).words == untouched.words
    back = SwapDatabase.way_back(undo.params, trial.world)
    assert back is not None
    assert (back.effects[0], back.effects[-1]) == ("stop the service", "start the service")
    assert f"RENAME {BEFORE} TO {LIVE}" in back.effects[2]
    await done(trial, JudgeLoss, inputs)
    await done(trial, SwapDatabase, inputs)
    assert (await undo.probe()).found == "not done"
    await undo.perform(Heard())
    await undo.verify()
    assert (rows(trial, "transactions"), rows(trial, "transactions", UNDONE)) == (312, 300)
    assert isinstance(trial.world.deployer, Writers)
    assert (trial.world.deployer.stopped, started(trial)) == (1, 1)
    assert (await undo.probe()).found == "done"


async def test_a_swap_cut_off_while_connections_are_refused_is_recognised_and_done_again(
    trial: Trial,
) -> None:
    inputs = plan(trial)
    await to_the_gate(trial, inputs)
    await done(trial, JudgeLoss, inputs)
    with psycopg.connect(trial.postgres.dsn(), autocommit=True) as admin:
        for name in (LIVE, BESIDE):
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
    finding = await trial.action(SwapDatabase, inputs).probe()
    assert finding.found == "not done"
    assert "refuses connections" in finding.words
    await done(trial, SwapDatabase, inputs)
    assert rows(trial, "transactions") == 300
