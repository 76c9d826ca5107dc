"""Single rows back by key with nothing but commands, in a world whose data is being corrupted."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from console.core.exits import Exit
from console.core.single_rows import shown
from console.core.state import Status
from console.drill.world import stop_world
from console.targets.keeper import Keeper
from tests.faults import world
from tests.integration.cli.commands import APPROVERS, CommandLine, healthy, planned


@pytest.fixture(scope="module")
def warroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line on a world with a backup, then corrupted, and somebody in command."""
    folder = tmp_path_factory.mktemp("rows").resolve()
    try:
        asyncio.run(healthy(folder))
        yield CommandLine(folder)
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
    assert world.left_running(folder) == []


@pytest.fixture(scope="module")
def saved(warroom: CommandLine) -> str:
    """Id of a backup of the good state."""
    return str(warroom.json("backup")["facts"]["backup"])


@pytest.fixture(scope="module")
def incident(warroom: CommandLine, saved: str) -> str:
    """Id of the incident that the corruption leads to, its plan made."""
    asyncio.run(Keeper(Path(world.world(warroom.folder).socket)).break_("data-corruption"))
    warroom.wait_for(lambda snapshot: snapshot.state.open_incident is not None)
    opened = str(warroom.json("status")["incident"]["id"])
    assert warroom("go", opened).returncode == Exit.DONE
    warroom.wait_for(planned)
    return opened


def asked(warroom: CommandLine, query: str) -> list[tuple[Any, ...]]:
    """What the database answers."""
    with psycopg.connect(world.world(warroom.folder).postgres.admin) as connection:
        return connection.execute(query.encode()).fetchall()


ADDRESSES = "SELECT id, address LIKE '0x%' FROM users WHERE id <= 4 ORDER BY id"


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("users",), Exit.USAGE, "a table and at least one key"),
        (("users", "1", "--from", "b1", "--at", "-30s"), Exit.USAGE, "b1 shows one moment alone"),
        (("users", "1", "--from", "b1"), Exit.FAILED, "no backup b1"),
        (("users", "1", "--at", "2020-01-01T00:00:00Z"), Exit.FAILED, "cannot be reached"),
    ],
    ids=["no key", "a moment of a backup", "no such backup", "out of reach"],
)
def test_what_cannot_be_planned_is_refused_with_its_reason(
    warroom: CommandLine, incident: str, words: tuple[str, ...], code: Exit, why: str
) -> None:
    done = warroom("rows", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_rows_that_are_not_in_the_copy_end_the_plan_before_the_gate(
    warroom: CommandLine, saved: str, incident: str
) -> None:
    assert warroom("rows", "users", "999999", "--from", saved).returncode == Exit.DONE
    found = warroom.wait_for(
        lambda s: s.state.open_incident is not None and bool(s.state.open_incident.asking())
    )
    assert found.state.open_incident is not None
    words = found.state.open_incident.step("show-rows").words
    assert "has no row 999999 of public.users to put back: nor is there one now" in words


def test_rows_go_back_behind_the_gate_and_nothing_is_swapped(
    warroom: CommandLine, saved: str, incident: str
) -> None:
    """From the wish to the rows: whoever says yes reads both versions first."""
    assert asked(warroom, ADDRESSES) == [(n, False) for n in (1, 2, 3, 4)]
    made = warroom("rows", "users", "2", "3", "--from", saved)
    assert made.returncode == Exit.DONE, made.stderr
    assert "data kept, but for 2 rows of users back to " in made.stdout
    assert "RENAME" not in made.stdout
    warroom.wait_for(lambda s: s.state.open_incident is not None and bool(shown(s.state.open_incident)))
    for person in APPROVERS:
        done = warroom("go", incident, "--type", "production", actor=person)
        assert done.returncode == Exit.DONE, done.stderr
        assert 'row 2: address is "' in done.stdout
        assert ', was "0x' in done.stdout
    ended = warroom.wait_for(lambda s: s.state.open_incident is not None and s.state.open_incident.finished)
    assert ended.state.open_incident is not None
    step = ended.state.open_incident.step("restore-rows")
    assert step.status is Status.DONE
    assert "2 rows of public.users put back to what " in step.words
    assert asked(warroom, ADDRESSES) == [(1, False), (2, True), (3, True), (4, False)]
    kept = Path(step.facts["kept"]).read_text().splitlines()
    assert len(kept) == 3, "what they were until then, under a line of names"
    beside = "SELECT datname FROM pg_database WHERE datname ~ '_(before|restore)_'"
    assert asked(warroom, beside) == [], "nothing was swapped, and the copy is gone"
