"""The target on a copy of today's schema: what cannot work is found there, and users never see it."""

import dataclasses

import psycopg
import pytest

from actions.action import Action, ActionError
from console.core import beside
from console.core.schema_verdict import TARGET_REHEARSED, SchemaVerdict
from console.targets.postgres import own
from console.targets.scratch_release import CommandFailedError
from tests.integration.data.trials import Heard
from tests.integration.postgres.dumps import databases
from tests.integration.schema.kit import DATABASE, USERS, WRITES, House, python, rules


async def rehearsal(
    house: House, tag: str = "v2.0", code: str = WRITES, verdict: SchemaVerdict | None = None
) -> Action:
    """That step of a plan back to a release, whose rehearsal is this code."""
    said = rules(rehearse={"argv": python(code), "limit": "20s"})
    house.world = dataclasses.replace(house.world, trial=dataclasses.replace(house.trial, rules=said))
    return house.action("rehearse", await house.inputs(tag, verdict or await house.verdict(tag)))


async def test_a_release_that_works_on_it_is_proven(house: House) -> None:
    """It writes to a copy with rows of ours; the live database has none more."""
    house.live("ALTER TABLE users ADD COLUMN wallet text")
    action, heard = await rehearsal(house), Heard()
    await action.perform(heard)
    proof = await action.verify()
    assert proof.words == "v2.0 works on a copy of judged: 1 table with 50 rows"
    assert [(slot.name, slot.holds) for slot in proof.evidence] == [(TARGET_REHEARSED, True)]
    assert "passed: reads and writes" in heard.lines
    assert house.users() == 50


async def test_the_wrong_choice_is_found_though_the_verdict_was_bypassed(house: House) -> None:
    """The verdict says contracted; a plan that claims otherwise fails here, before any gate."""
    true = await house.verdict("v2.1")
    assert true.kind == "contracted"
    action = await rehearsal(house, "v2.1", verdict=forged_from(true))
    with pytest.raises(CommandFailedError, match='relation "contacts" does not exist'):
        await action.perform(Heard())
    with pytest.raises(ActionError, match="was not rehearsed to its end"):
        await action.verify()
    assert house.users() == 50


def forged_from(verdict: SchemaVerdict) -> SchemaVerdict:
    """The same, as if nothing had been found."""
    return SchemaVerdict("same", live=verdict.live, expected=verdict.expected, rehearsed=True)


async def test_a_schema_that_is_not_the_one_of_the_plan_needs_another_plan(house: House) -> None:
    action = await rehearsal(house)
    house.live("ALTER TABLE users ADD COLUMN wallet text")
    with pytest.raises(ActionError, match="plan again"):
        await action.perform(Heard())


async def test_a_release_that_migrates_when_it_starts_is_refused(house: House) -> None:
    action = await rehearsal(house, code=WRITES + "db.execute('ALTER TABLE users ADD COLUMN mine text')")
    with pytest.raises(ActionError, match=r"v2\.0 changed the schema when it was started"):
        await action.perform(Heard())
    with pytest.raises(ActionError):
        await action.verify()


async def test_it_knows_the_scratch_database_by_variables_and_connects_as_the_service(house: House) -> None:
    """In parts and as a whole; nothing of it is on a command line."""
    code = (
        "import os, psycopg;"
        "one = psycopg.connect(os.environ['WARROOM_SCRATCH_DSN']); two = psycopg.connect('');"
        "ask = 'SELECT current_user, current_database()';"
        "assert one.execute(ask).fetchone() == two.execute(ask).fetchone();"
        "print(*one.execute(ask).fetchone())"
    )
    heard = Heard()
    await (await rehearsal(house, code=code)).perform(heard)
    assert f"service {beside.rehearsal(DATABASE, 'INC-7QK2')}" in heard.lines


class Waiting(Heard):
    """Asks for an abort as soon as the release is up."""

    def line(self, text: str) -> None:
        super().line(text)
        self.stopping = text == "up"


async def test_an_abort_ends_it_and_leaves_nothing(house: House) -> None:
    action = await rehearsal(house, code="import time; print('up', flush=True); time.sleep(60)")
    with pytest.raises(ActionError, match="stopped as was asked for"):
        await action.perform(Waiting())


async def test_what_a_killed_engine_left_is_dropped_when_it_is_looked_into(house: House) -> None:
    """Marked as ours, and held by nobody that lives."""
    action = await rehearsal(house)
    name = beside.rehearsal(DATABASE, "INC-7QK2")
    async with own.held(house.trial.server, name) as live:
        await own.make(live, name, f"scratch release {house.world.name} rehearsal of one that died")
    assert databases(house.postgres, name) == [name]
    found = await action.probe()
    assert found.found == "not done"
    assert f"{name} was left of it" in found.words


async def test_where_the_data_goes_back_it_is_the_candidate_that_is_tried(house: House) -> None:
    """The live database lacks what the release needs; what will be swapped in has it."""
    house.live("ALTER TABLE users RENAME address TO addr")
    candidate = beside.beside(DATABASE, "INC-7QK2")
    house.postgres.create(candidate)
    with psycopg.connect(house.postgres.dsn(candidate), autocommit=True) as connection:
        connection.execute(b"GRANT ALL ON SCHEMA public TO service")
        connection.execute(f"SET ROLE service; {USERS}".encode())
    try:
        action = house.action("rehearse", await house.inputs("v2.0", None, data=True))
        await action.perform(Heard())
        assert "works on a copy of judged_restore_inc_7qk2" in (await action.verify()).words
        live = house.action("rehearse", await house.inputs("v2.0", None))
        with pytest.raises(CommandFailedError, match="address"):
            await live.perform(Heard())
    finally:
        house.postgres.drop(candidate)


async def test_at_the_switch_the_schema_must_be_the_one_that_was_judged(house: House) -> None:
    action = house.action("same-schema", await house.inputs("v2.0", await house.verdict("v2.0")))
    await action.perform(Heard())
    assert (await action.verify()).words == "the schema is the one that was judged"
    house.live("CREATE INDEX ON users (address, id)")
    await action.verify()
    house.live("ALTER TABLE users ADD COLUMN wallet text")
    with pytest.raises(ActionError, match="has changed since the target was judged on it: plan again"):
        await action.verify()
