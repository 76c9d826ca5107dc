"""Single rows go back by key: shown first, kept, written in one transaction, and nothing else is touched."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from msgspec.structs import replace

from actions.action import Inputs, Proof
from actions.build_candidate import BuildCandidate, DropCandidate
from actions.restore_rows import RestoreRows, ShowRows
from console.core.errors import StatedError
from console.core.plan import RowsChange
from console.core.single_rows import SLOT_SHOWN
from console.targets.postgres import own, single_rows
from tests.integration.data.trials import Heard, Trial
from tests.integration.postgres.dumps import databases
from tests.servers import Databases, PostgresServer

LIVE, BESIDE = "rows_live", "rows_live_restore_inc_7qk2"
SEED = (
    "CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE, seen int)",
    "ALTER TABLE users ADD COLUMN shout text GENERATED ALWAYS AS (upper(name)) STORED",
    'CREATE SCHEMA "Odd"',
    'CREATE TABLE "Odd"."Bal.ances" (user_id bigint REFERENCES users, "Coin" varchar(4), amount numeric)',
    'ALTER TABLE "Odd"."Bal.ances" ADD PRIMARY KEY ("Coin", user_id)',
    "CREATE TABLE notes (said text)",
    "CREATE TABLE moving (id int, at int, word text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)",
    "CREATE TABLE moving_low PARTITION OF moving FOR VALUES FROM (0) TO (10)",
    "CREATE TABLE moving_high PARTITION OF moving FOR VALUES FROM (10) TO (20)",
    "CREATE TABLE counted (id int PRIMARY KEY, turn int GENERATED ALWAYS AS IDENTITY, word text)",
    "CREATE TABLE parent (code varchar(3) PRIMARY KEY, word text)",
    "CREATE TABLE child () INHERITS (parent)",
    "INSERT INTO users (name, seen) SELECT 'user ' || n, n FROM generate_series(1, 20) n",
    """INSERT INTO "Odd"."Bal.ances" SELECT n, 'ETH', n * 1.10 FROM generate_series(1, 20) n""",
    "INSERT INTO moving SELECT n, n, 'word' FROM generate_series(1, 5) n",
    "INSERT INTO counted (id, word) SELECT n, 'word ' || n FROM generate_series(1, 5) n",
    "INSERT INTO parent VALUES ('abc', 'good')",
    "INSERT INTO child VALUES ('chi', 'good')",
)
MADE = 1_760_000_400
GONE = ('DELETE FROM "Odd"."Bal.ances" WHERE user_id = 9', "DELETE FROM users WHERE id = 9")
"""A user goes with all that is theirs."""


def write(postgres: Databases, *statements: str, database: str = LIVE) -> None:
    """Something happens to a database."""
    with psycopg.connect(postgres.dsn(database)) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def rows(postgres: Databases, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(postgres.dsn(LIVE)) as connection:
        return connection.execute(query.encode()).fetchall()


class Rows:
    """A plan that puts rows of one table back."""

    def __init__(self, trial: Trial, table: str, *keys: str, made: int = MADE) -> None:
        change = RowsChange(table, keys, "b1", trial.clock.now().utc_us)
        self.trial = trial
        self.inputs: Inputs = replace(trial.inputs(), made=made, rows=change)

    async def show(self) -> Proof:
        """The step before the gate."""
        step = self.trial.action(ShowRows, self.inputs)
        await step.perform(Heard())
        return await step.verify()

    async def restore(self) -> Proof:
        """The step behind it."""
        step = self.trial.action(RestoreRows, self.inputs)
        await step.perform(Heard())
        proof: Proof = await step.verify()
        return proof

    async def not_shown(self) -> str:
        """Why the plan ends before anybody is asked."""
        with pytest.raises(StatedError) as caught:
            await self.show()
        return str(caught.value)

    async def refused(self) -> str:
        """Why the rows were not put back."""
        with pytest.raises(StatedError) as caught:
            await self.restore()
        assert (await self.trial.action(RestoreRows, self.inputs).probe()).found == "not done"
        return str(caught.value)


@pytest.fixture
async def trial(postgres: PostgresServer, tmp_path: Path) -> Trial:
    """A database of which a copy of its good state stands beside it, proven."""
    made = await saved(postgres, tmp_path)
    mark = RestoreRows.preview(Rows(made, "users", "1").inputs, made.world).params["mark"]
    async with own.held(made.server, BESIDE) as connection:
        await own.make(connection, BESIDE, mark)
    write(postgres, *SEED, database=BESIDE)
    return made


async def saved(postgres: PostgresServer, folder: Path) -> Trial:
    """A database with a backup, and no copy beside it."""
    postgres.drop(BESIDE)
    postgres.create(LIVE, *SEED)
    made = Trial(postgres, LIVE, folder)
    await made.back_up("b1")
    return made


async def test_rows_come_out_of_the_candidate_that_a_plan_builds(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    trial = await saved(postgres, tmp_path)
    write(postgres, "UPDATE users SET seen = 99")
    plan = Rows(trial, "users", "2")
    await trial.action(BuildCandidate, plan.inputs).perform(Heard())
    await plan.show()
    await plan.restore()
    assert rows(postgres, "SELECT id FROM users WHERE seen <> 99") == [(2,)]
    tidy = trial.action(DropCandidate, plan.inputs)
    assert (await tidy.probe()).found == "not done"
    await tidy.perform(Heard())
    assert (await tidy.verify()).words == f"{BESIDE} is dropped"
    assert databases(postgres, "rows_live%") == [LIVE]
    await tidy.perform(Heard())


async def test_rows_go_back_in_one_transaction_and_every_other_row_stays(trial: Trial) -> None:
    write(
        trial.postgres,
        "UPDATE users SET name = 'damaged ' || id, seen = 99 WHERE id <= 5",
        'DELETE FROM "Odd"."Bal.ances" WHERE user_id = 4',
        "DELETE FROM users WHERE id = 4",
        "INSERT INTO users (name, seen) VALUES ('new', 1)",
    )
    others = "SELECT * FROM users WHERE id NOT IN (2, 4) ORDER BY id"
    before = rows(trial.postgres, others)
    plan = Rows(trial, "users", "2", "4")
    shown = await plan.show()
    assert shown.words == "2 rows of public.users: 1 goes back in name, seen, 1 comes back"
    assert rows(trial.postgres, "SELECT name FROM users WHERE id = 2") == [("damaged 2",)]
    proof = await plan.restore()
    assert proof.words == "2 rows of public.users put back to what b1 has"
    asked = "SELECT id, name, seen, shout FROM users WHERE id IN (2, 4) ORDER BY id"
    assert rows(trial.postgres, asked) == [(2, "user 2", 2, "USER 2"), (4, "user 4", 4, "USER 4")]
    assert rows(trial.postgres, others) == before


async def test_both_versions_are_evidence_before_anybody_says_yes(trial: Trial) -> None:
    """Among the facts in short, in the file whole; and only ours to read."""
    write(trial.postgres, "UPDATE users SET name = repeat('x', 500) WHERE id = 2", *GONE)
    proof = await Rows(trial, "users", "2", "9", "3").show()
    assert proof.facts["row:2"].endswith('… (500 long), was "user 2"')
    assert proof.facts["row:9"] == 'is not there; was id "9", name "user 9", seen "9"'
    assert proof.facts["row:3"] == "is what it was"
    (slot,) = proof.evidence
    assert (slot.name, slot.holds, slot.inputs) == (SLOT_SHOWN, True, proof.facts["sha256"])
    path = Path(proof.facts["path"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert msgspec.json.decode(path.read_bytes())["present"]["2"]["name"] == "x" * 500


async def test_what_the_rows_were_until_then_can_be_loaded_again(trial: Trial) -> None:
    write(
        trial.postgres,
        "UPDATE users SET name = E'quo\"ted,\\n' WHERE id = 2",
        "UPDATE users SET name = NULL WHERE id = 3",
    )
    damaged = rows(trial.postgres, "SELECT * FROM users WHERE id IN (2, 3) ORDER BY id")
    plan = Rows(trial, "users", "2", "3")
    await plan.show()
    kept = Path((await plan.restore()).facts["kept"])
    assert kept.stat().st_mode & 0o777 == 0o600
    with psycopg.connect(trial.postgres.dsn(LIVE)) as connection:
        connection.execute('DELETE FROM "Odd"."Bal.ances" WHERE user_id IN (2, 3)')
        connection.execute("DELETE FROM users WHERE id IN (2, 3)")
        with connection.cursor().copy(
            "COPY users (id, name, seen) FROM STDIN (FORMAT csv, HEADER true)"
        ) as copy:
            copy.write(kept.read_bytes())
    assert rows(trial.postgres, "SELECT * FROM users WHERE id IN (2, 3) ORDER BY id") == damaged


async def test_a_key_of_several_columns_and_names_that_need_quotes(trial: Trial) -> None:
    """The key is written as a JSON list, in the order of the primary key."""
    write(trial.postgres, 'UPDATE "Odd"."Bal.ances" SET amount = 0 WHERE user_id < 4')
    plan = Rows(trial, '"Odd"."Bal.ances"', '["ETH", 2]')
    assert (await plan.show()).facts['row:["ETH","2"]'] == 'amount is "0", was "2.20"'
    await plan.restore()
    asked = 'SELECT user_id, amount::text FROM "Odd"."Bal.ances" WHERE user_id < 4 ORDER BY 1'
    assert rows(trial.postgres, asked) == [(1, "0"), (2, "2.20"), (3, "0")]
    assert await Rows(trial, '"Odd"."Bal.ances"', "2").not_shown() == (
        '2 is no key of Odd.Bal.ances, which has 2 columns: write ["Coin", "user_id"]'
    )


async def test_a_row_is_one_however_its_key_is_written(trial: Trial) -> None:
    write(trial.postgres, "UPDATE users SET seen = 99 WHERE id = 7")
    assert (await Rows(trial, "public.users", "7", "007", " 7").show()).words == (
        "1 row of public.users: 1 goes back in seen"
    )


async def test_a_key_that_is_too_long_finds_nobody_elses_row(trial: Trial) -> None:
    """A cast to varchar(3) would cut it."""
    write(trial.postgres, "UPDATE parent SET word = 'bad'")
    assert await Rows(trial, "parent", "abcdef").not_shown() == (
        f"{BESIDE} has no row abcdef of public.parent to put back: nor is there one now"
    )


async def test_rows_of_tables_that_inherit_are_not_the_parents(trial: Trial) -> None:
    write(trial.postgres, "UPDATE parent SET word = 'bad'")
    assert "has no row chi of public.parent" in await Rows(trial, "parent", "chi").not_shown()


async def test_rows_of_a_partitioned_table_go_where_they_were(trial: Trial) -> None:
    write(trial.postgres, "DELETE FROM moving WHERE id = 3", "UPDATE moving SET word = '' WHERE id = 2")
    plan = Rows(trial, "moving", "[3, 3]", "[2, 2]")
    await plan.show()
    await plan.restore()
    assert rows(trial.postgres, "SELECT * FROM moving_low ORDER BY id")[1:3] == [
        (2, 2, "word"),
        (3, 3, "word"),
    ]


NOT_SHOWN = [
    ("nobody", "1", "there is no table nobody to put rows back into: it takes the whole restore"),
    ("notes", "1", "public.notes has no primary key: nothing tells its rows apart"),
    ("users", "x", 'a row of public.users goes by id bigint: invalid input syntax for type bigint: "x"'),
    ("users", "99", f"{BESIDE} has no row 99 of public.users to put back: nor is there one now"),
    (
        "users",
        "21",
        f"{BESIDE} has no row 21 of public.users to put back: it was made since, and nothing is deleted",
    ),
    ("users", "1", "1 row of public.users: 1 is what was in b1: there is nothing to put back"),
    (
        "a.b.c.d",
        "1",
        "a.b.c.d is no name of a table: improper relation name (too many dotted names): a.b.c.d",
    ),
    (
        "moving_high",
        "[1, 2]",
        f'{BESIDE} has no row ["1","2"] of public.moving_high to put back: nor is there one now',
    ),
]


@pytest.mark.parametrize(("table", "key", "why"), NOT_SHOWN, ids=[why for _, _, why in NOT_SHOWN])
async def test_what_cannot_go_back_ends_the_plan_before_the_gate(
    trial: Trial, table: str, key: str, why: str
) -> None:
    write(trial.postgres, "INSERT INTO users (name, seen) VALUES ('new', 1)")
    assert await Rows(trial, table, key).not_shown() == why


async def test_another_table_of_the_same_name_is_refused(trial: Trial) -> None:
    """What a migration has made since, rows do not fit into."""
    write(trial.postgres, "ALTER TABLE counted ADD COLUMN more int")
    assert await Rows(trial, "counted", "1").not_shown() == (
        f"public.counted is another table in {BESIDE}: id integer, turn integer, word text, more integer "
        "by id here, id integer, turn integer, word text by id there"
    )
    write(trial.postgres, "CREATE TABLE young (id int PRIMARY KEY)")
    assert await Rows(trial, "young", "1").not_shown() == f"{BESIDE} has no table public.young"


# -- the copy -----------------------------------------------------------------------------------------


async def test_a_copy_that_is_not_there_gives_no_row(trial: Trial) -> None:
    trial.postgres.drop(BESIDE)
    assert await Rows(trial, "users", "2").not_shown() == (
        f"there is no database {BESIDE} to take rows from: plan again"
    )


async def test_a_copy_that_is_not_ours_gives_no_row(trial: Trial) -> None:
    trial.postgres.create(BESIDE, *SEED)
    write(trial.postgres, "UPDATE users SET seen = 99")
    assert await Rows(trial, "users", "2").not_shown() == (
        f"{BESIDE} is not marked as Warroom's: no row is taken from it"
    )
    with pytest.raises(StatedError, match="is left alone"):
        await trial.action(DropCandidate, trial.inputs()).perform(Heard())
    trial.postgres.drop(BESIDE)


async def test_a_copy_that_was_not_proven_or_is_another_gives_no_row(trial: Trial) -> None:
    """Also when it has become so after the rows were shown."""
    write(trial.postgres, "UPDATE users SET seen = 99")
    plan = Rows(trial, "users", "2")
    await plan.show()
    words = f"warroom {BESIDE} candidate testnet proven of something else"
    write(trial.postgres, f"COMMENT ON DATABASE {BESIDE} IS '{words}'")
    assert await plan.refused() == f"{BESIDE} is not proven to be b1: plan again"
    assert await plan.not_shown() == f"{BESIDE} is not proven to be b1: plan again"


async def test_rows_that_were_changed_in_the_copy_since_are_not_what_was_shown(trial: Trial) -> None:
    write(trial.postgres, "UPDATE users SET seen = 99")
    plan = Rows(trial, "users", "2")
    await plan.show()
    write(trial.postgres, "UPDATE users SET seen = 5 WHERE id = 2", database=BESIDE)
    assert "the copy's rows of public.users are not what was shown" in await plan.refused()


# -- users, who go on ---------------------------------------------------------------------------------


async def test_a_write_to_what_goes_back_anyway_does_not_hinder(trial: Trial) -> None:
    write(trial.postgres, "UPDATE users SET seen = 99 WHERE id = 2")
    plan = Rows(trial, "users", "2")
    await plan.show()
    write(trial.postgres, "UPDATE users SET seen = 100 WHERE id = 2")
    assert "\n2,user 2,100\n" in Path((await plan.restore()).facts["kept"]).read_text()
    assert rows(trial.postgres, "SELECT seen FROM users WHERE id = 2") == [(2,)]


SINCE = [
    (
        "UPDATE users SET name = 'mine' WHERE id = 2",
        "row 2 of public.users has been written to since it was shown, in name",
    ),
    ("DELETE FROM users WHERE id = 3", "row 3 of public.users has been deleted since it was shown"),
    (
        "INSERT INTO users OVERRIDING SYSTEM VALUE VALUES (9, 'again', 9)",
        "row 9 of public.users has been made since it was shown",
    ),
]


@pytest.mark.parametrize(("statement", "why"), SINCE, ids=[why for _, why in SINCE])
async def test_what_nobody_was_shown_does_not_go(trial: Trial, statement: str, why: str) -> None:
    """The question goes back to whoever has to say yes."""
    write(trial.postgres, *GONE, 'DELETE FROM "Odd"."Bal.ances"', "UPDATE users SET seen = 99 WHERE id < 4")
    plan = Rows(trial, "users", "2", "3", "9")
    await plan.show()
    write(trial.postgres, statement)
    before = rows(trial.postgres, "SELECT * FROM users ORDER BY id")
    assert await plan.refused() == f"{why}: nothing was changed; plan again to see it"
    assert rows(trial.postgres, "SELECT * FROM users ORDER BY id") == before


async def test_without_having_been_shown_no_row_goes(trial: Trial) -> None:
    write(trial.postgres, "UPDATE users SET seen = 99 WHERE id = 2")
    assert "there is no file of the rows that were shown at " in await Rows(trial, "users", "2").refused()


async def test_a_row_that_somebody_has_locked_is_waited_for_no_longer_than_the_limit(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's transaction is not ended."""
    monkeypatch.setattr(single_rows, "LOCKED_S", 1)
    write(trial.postgres, "UPDATE users SET seen = 99")
    plan = Rows(trial, "users", "2")
    await plan.show()
    with psycopg.connect(trial.postgres.dsn(LIVE)) as user:
        user.execute("UPDATE users SET name = 'mine' WHERE id = 2")
        began = time.monotonic()
        assert await plan.refused() == (
            "rows of users have been locked by somebody for more than 1 s: nothing was changed, retry"
        )
        assert 1 <= time.monotonic() - began < 4
        user.rollback()
    await plan.restore()
    assert rows(trial.postgres, "SELECT name, seen FROM users WHERE id = 2") == [("user 2", 2)]


async def test_a_database_that_is_read_only_by_default_takes_its_rows_back(trial: Trial) -> None:
    """As somebody may have set it to stop the damage."""
    write(
        trial.postgres,
        "UPDATE users SET seen = 99",
        f"ALTER DATABASE {LIVE} SET default_transaction_read_only = on",
        f"ALTER DATABASE {LIVE} SET default_transaction_isolation = 'serializable'",
    )
    plan = Rows(trial, "users", "2")
    await plan.show()
    await plan.restore()
    assert rows(trial.postgres, "SELECT seen FROM users WHERE id = 2") == [(2,)]


async def test_users_write_to_other_rows_all_the_while(trial: Trial) -> None:
    """Only the rows that go back are locked, and only until they have."""
    write(trial.postgres, "UPDATE users SET seen = 99")
    plan = Rows(trial, "users", "2")
    await plan.show()
    with psycopg.connect(trial.postgres.dsn(LIVE)) as user:
        user.execute("UPDATE users SET name = 'mine' WHERE id = 3")
        await plan.restore()
    assert rows(trial.postgres, "SELECT name FROM users WHERE id = 3") == [("mine",)]


# -- what the table itself holds against it -----------------------------------------------------------


async def test_a_row_whose_parent_is_gone_is_refused_with_the_reason(trial: Trial) -> None:
    write(trial.postgres, *GONE)
    plan = Rows(trial, '"Odd"."Bal.ances"', '["ETH", 9]')
    await plan.show()
    assert await plan.refused() == (
        '"Odd"."Bal.ances" does not take the rows back, insert or update on table "Bal.ances" violates '
        'foreign key constraint "Bal.ances_user_id_fkey": Key (user_id)=(9) is not present in table "users". '
        "Nothing was changed"
    )


async def test_a_constraint_that_waits_for_the_commit_is_refused_the_same_way(trial: Trial) -> None:
    write(
        trial.postgres,
        *GONE,
        'ALTER TABLE "Odd"."Bal.ances" ALTER CONSTRAINT "Bal.ances_user_id_fkey" '
        "DEFERRABLE INITIALLY DEFERRED",
    )
    plan = Rows(trial, '"Odd"."Bal.ances"', '["ETH", 9]')
    await plan.show()
    assert 'Key (user_id)=(9) is not present in table "users". Nothing was changed' in await plan.refused()


async def test_a_value_that_another_row_has_taken_is_refused(trial: Trial) -> None:
    write(
        trial.postgres,
        "UPDATE users SET name = 'x' WHERE id = 2",
        "UPDATE users SET name = 'user 2' WHERE id = 3",
    )
    plan = Rows(trial, "users", "2")
    await plan.show()
    assert "Key (name)=(user 2) already exists. Nothing was changed" in await plan.refused()


OWN_MIND = """
    CREATE FUNCTION mind() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN {}; RETURN NEW; END $$
"""
FIRES = "CREATE TRIGGER watches BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION mind()"


async def test_a_trigger_that_changes_the_row_is_found_out(trial: Trial) -> None:
    write(trial.postgres, "UPDATE users SET seen = 99", OWN_MIND.format("NEW.seen := 7"), FIRES)
    plan = Rows(trial, "users", "2")
    assert (await plan.show()).words.endswith("goes back in seen; watches will fire")
    assert await plan.refused() == (
        "1 row of public.users did not become what the copy has (2): a trigger (watches), a rule or an "
        "identity column holds against it; nothing was changed"
    )
    assert rows(trial.postgres, "SELECT seen FROM users WHERE id = 2") == [(99,)]


async def test_a_trigger_fires_as_for_any_write_and_once(trial: Trial) -> None:
    write(
        trial.postgres,
        "UPDATE users SET seen = 99",
        OWN_MIND.format("INSERT INTO notes VALUES (TG_OP || NEW.id)"),
        FIRES,
    )
    plan = Rows(trial, "users", "2")
    await plan.show()
    await plan.restore()
    assert rows(trial.postgres, "SELECT * FROM notes") == [("UPDATE2",)]


async def test_an_identity_that_only_an_insert_can_set_comes_back_and_never_changes(trial: Trial) -> None:
    write(trial.postgres, "DELETE FROM counted WHERE id = 2", "UPDATE counted SET word = '' WHERE id = 3")
    write(trial.postgres, "UPDATE counted SET turn = DEFAULT WHERE id = 4")
    plan = Rows(trial, "counted", "2", "3")
    await plan.show()
    await plan.restore()
    asked = "SELECT id, turn, word FROM counted WHERE id IN (2, 3) ORDER BY id"
    assert rows(trial.postgres, asked) == [(2, 2, "word 2"), (3, 3, "word 3")]
    other = Rows(trial, "counted", "4", made=MADE + 1)
    await other.show()
    assert "an identity column holds against it" in await other.refused()


# -- cut off ------------------------------------------------------------------------------------------

Wait = Callable[..., Awaitable[Any]]


def killed_at(plan: Rows, turn: int) -> bool:
    """Restore in a process that is killed before its so-manieth exchange with the server; whether it was."""
    child = os.fork()
    if child == 0:
        waits: Wait = psycopg.AsyncConnection.wait
        exchanges = 0

        async def wait(self: Any, *args: Any, **words: Any) -> Any:
            nonlocal exchanges
            exchanges += 1
            if exchanges == turn:
                os.kill(os.getpid(), signal.SIGKILL)
            return await waits(self, *args, **words)

        psycopg.AsyncConnection.wait = wait  # type: ignore[method-assign]
        try:
            asyncio.run(plan.restore())
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def damage(trial: Trial) -> None:
    write(trial.postgres, "UPDATE users SET seen = 99 WHERE id IN (2, 3)")


def seen(trial: Trial) -> list[int]:
    return [row[0] for row in rows(trial.postgres, "SELECT seen FROM users WHERE id IN (2, 3) ORDER BY id")]


def test_wherever_it_is_killed_all_rows_went_back_or_none_and_the_next_attempt_knows(trial: Trial) -> None:
    """Before every single exchange with the server, the commit's answer among them."""
    found = {"done": 0, "not done": 0}
    made, turn = MADE, 0
    while True:
        made, turn = made + 1, turn + 1
        damage(trial)
        plan = Rows(trial, "users", "2", "3", made=made)
        asyncio.run(plan.show())
        killed = killed_at(plan, turn)
        finding = asyncio.run(trial.action(RestoreRows, plan.inputs).probe())
        assert seen(trial) == ([2, 3] if finding.found == "done" else [99, 99])
        found[finding.found] += 1
        asyncio.run(plan.restore())
        assert seen(trial) == [2, 3]
        if not killed:
            break
    assert found["not done"] > 10, found
    assert found["done"] > 1, found


async def test_what_users_wrote_after_it_went_through_is_not_touched_by_a_repeat(trial: Trial) -> None:
    """The engine was killed before it could say so; somebody retries a minute later."""
    damage(trial)
    plan = Rows(trial, "users", "2", "3")
    await plan.show()
    await plan.restore()
    write(trial.postgres, "UPDATE users SET seen = 7 WHERE id = 2")
    proof = await plan.restore()
    assert proof.words == "2 rows of public.users put back to what b1 has; 1 of them written to since"
    assert seen(trial) == [7, 3]


async def test_a_disk_that_refuses_keeps_the_rows_as_they_are(trial: Trial) -> None:
    """What they are must be safe before it is written over."""
    damage(trial)
    plan = Rows(trial, "users", "2", "3")
    await plan.show()
    folder = Path(RestoreRows.preview(plan.inputs, trial.world).params["kept"])
    folder.write_text("in the way")
    assert "nothing was changed" in (await plan.refused())
    assert seen(trial) == [99, 99]
