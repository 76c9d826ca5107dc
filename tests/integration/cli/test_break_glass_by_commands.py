"""Two people undo a bad release while nobody else answers; the others say afterwards what they think."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from console.core.exits import Exit
from console.core.policy import gate
from console.core.protocols import Snapshot
from console.core.statement import parse
from console.drill.keyring import Keyring
from console.drill.world import stop_world
from console.targets.keeper import Keeper
from tests.faults import world
from tests.integration.cli.commands import CommandLine, healthy, planned

MATRIX = [
    {"role": role, "count": count}
    for role, count in (("engineer", 2), ("security-lead", 1), ("executive", 1), ("product-manager", 1))
]
GLASS = {"signatures": 2, "one_of": ["security-lead"], "review_within": "24h"}


@pytest.fixture(scope="module")
def warroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line on a service whose gate asks for five, and may be opened by two."""
    folder = tmp_path_factory.mktemp("glass").resolve()
    rules = {"approvers": MATRIX, "within": "30m", "initiator_may_approve": "code only", "break_glass": GLASS}
    try:
        asyncio.run(healthy(folder, "testnet", proof="signature", **rules))
        yield CommandLine(folder)
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
    assert world.left_running(folder) == []


@pytest.fixture(scope="module")
def incident(warroom: CommandLine) -> str:
    """Id of an incident whose plan, of the code alone, waits for five."""
    asyncio.run(Keeper(Path(world.world(warroom.folder).socket)).break_("bad-config"))
    warroom.wait_for(lambda snapshot: snapshot.state.open_incident is not None)
    opened = str(warroom.json("status")["incident"]["id"])
    assert warroom("go", opened).returncode == Exit.DONE
    warroom.wait_for(planned)
    return opened


def sign(warroom: CommandLine, person: str) -> None:
    """They sign what they are asked, with their key."""
    key = str(Keyring(warroom.folder).private(person))
    done = warroom("sign", "--yes", "--key", key, "--approve", actor=person)
    assert done.returncode == Exit.DONE, done.stderr


def broken(snapshot: Snapshot) -> bool:
    found = snapshot.state.open_incident
    return planned(snapshot) and found is not None and found.plan is not None and found.plan.glass is not None


@contextmanager
def contracted(folder: Path) -> Iterator[None]:
    """The live schema asks for something that the service never breaks, and that its releases do not know."""
    dsn = (folder / "secrets" / "postgres-admin.dsn").read_text()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ALTER TABLE users ADD CONSTRAINT positive CHECK (id > 0)")
        yield
        connection.execute("ALTER TABLE users DROP CONSTRAINT positive")


def test_a_release_that_does_not_fit_the_schema_is_not_opened_by_two(
    warroom: CommandLine, incident: str
) -> None:
    """The plan that there was stays."""
    with contracted(warroom.folder):
        done = warroom("replan", "--break-glass")
        assert done.returncode == Exit.DONE, done.stderr
        snapshot = warroom.wait_for(
            lambda s: bool(s.state.open_incident and s.state.open_incident.planning_failed)
        )
    found = snapshot.state.open_incident
    assert found is not None
    assert found.planning_failed is not None
    assert "cannot break the glass: the schema has contracted: users: check" in found.planning_failed
    assert found.plan is not None
    assert found.plan.glass is None


def test_two_open_it_and_the_release_goes_back(warroom: CommandLine, incident: str) -> None:
    """Across a migration that it need not know of, because it was rehearsed on today's schema."""
    done = warroom("replan", "--break-glass")
    assert done.returncode == Exit.DONE, done.stderr
    warroom.wait_for(broken)
    page = warroom("plan").stdout
    assert "breaks the glass: 2 of 5 signatures, one of security-lead" in page
    asked = parse(warroom("request", "sec-1").stdout)
    assert any(words.startswith("breaks the glass") for words in asked.does)
    sign(warroom, "eng-2")
    warroom.prepare()
    snapshot = warroom.wait_for(lambda _: True)
    assert snapshot.state.open_incident is not None
    assert gate(snapshot.state.open_incident, snapshot.at).closed == ("1 security-lead must say yes",)
    sign(warroom, "sec-1")
    final = warroom.wait_for(lambda s: s.state.open_incident is not None and s.state.open_incident.finished)
    assert final.state.running is not None
    assert final.state.running.release == "v1.5.0"


def test_the_others_are_asked_what_they_think(warroom: CommandLine, incident: str) -> None:
    """And their word is a signature too; whoever opened it has nothing to add."""
    (told,) = warroom.json("review")
    assert (told["incident"], told["opened_by"]) == (incident, ["eng-2", "sec-1"])
    assert told["missing"] == ["engineer", "executive", "product-manager"]
    key = str(Keyring(warroom.folder).private("pm-1"))
    words = ("review", "sign", incident, "--objected", "customers were not told", "--key", key)
    handed = warroom(*words, actor="pm-1").stdout
    done = warroom("review", "approve", stdin=handed)
    assert done.returncode == Exit.DONE, done.stderr
    (told,) = warroom.json("review")
    assert told["missing"] == ["engineer", "executive"]
    assert told["said"] == ["pm-1 objected: customers were not told"]
    assert (
        f"{incident}: opened by eng-2, sec-1; engineer, executive review it until" in warroom("review").stdout
    )
    again = warroom("review", "approve", stdin=handed)
    assert again.returncode == Exit.UNAUTHORISED
    assert "no review of product-manager is missing" in again.stderr


def test_a_review_says_what_was_thought(warroom: CommandLine, incident: str) -> None:
    for words in ((), ("--agreed", "yes", "--objected", "no")):
        done = warroom("review", "sign", incident, *words, actor="exec-1")
        assert done.returncode == Exit.FAILED
        assert "say what you think" in done.stderr
    assert (
        "nobody is asked to review INC-0000" in warroom("review", "sign", "INC-0000", "--agreed", "y").stderr
    )
