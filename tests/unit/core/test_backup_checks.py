"""What speaks against a backup: each reason in a sentence of its own, and none against a sound one."""

import pytest
from msgspec.structs import replace

from console.core import backup_checks as checks
from console.core.backups import Backup, DatabaseFacts, FileFacts, Manifest, TableFacts

ENDS = 1_795_429_200_000_000
"""2026-11-23 10:20:00Z."""
USERS, SIGNED = TableFacts(3, "aa"), TableFacts(0, "00")
FILES = (FileFacts("database/toc.dat", 700, "1f" * 32), FileFacts("database/1.dat", 90, "2f" * 32))
DATABASE = DatabaseFacts(
    name="walletconnect",
    system_identifier="7400000000000000001",
    version="15.18",
    bytes=8_000_000,
    format="directory",
    tables={"public.users": USERS, "public.signed": SIGNED},
)
MANIFEST = Manifest(
    id="20261123T102000.250Z-production-1f9c",
    environment="production",
    incident=None,
    began=ENDS - 5,
    ends=ENDS,
    finished=ENDS + 5,
    database=DATABASE,
    cache=None,
    files=FILES,
    journal_seq=1,
    journal_head="ab" * 32,
)


def test_nothing_speaks_against_a_sound_backup() -> None:
    assert checks.unreadable(Backup(id=MANIFEST.id, manifest=MANIFEST)) is None
    assert checks.damaged(MANIFEST, FILES) is None
    assert checks.empty(DATABASE) is None
    assert checks.elsewhere(MANIFEST, "production") is None
    assert checks.foreign(DATABASE, "walletconnect", "7400000000000000001") is None
    assert checks.newer(MANIFEST, ENDS + 1) is None
    assert checks.way_back(MANIFEST, "INC-7QK2") is None
    assert checks.different(DATABASE.tables, dict(DATABASE.tables)) is None


def test_a_backup_without_a_manifest_says_why() -> None:
    backup = Backup(id="b", manifest=None, trouble="it has no manifest: it was never completed")
    assert checks.unreadable(backup) == "cannot be used: it has no manifest: it was never completed"


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (FILES[:1], "is incomplete: database/1.dat, which its manifest lists, is not there"),
        ((FILES[0], replace(FILES[1], bytes=60)), "is truncated: database/1.dat has 60 of 90 bytes"),
        (
            (FILES[0], replace(FILES[1], bytes=1091)),
            "was added to: database/1.dat has 1,091 bytes, 90 when it was made",
        ),
        (
            (FILES[0], replace(FILES[1], sha256="3f" * 32)),
            "was changed after it was made: database/1.dat has SHA-256 3f3f3f3f, its manifest says 2f2f2f2f",
        ),
        (
            (*FILES, FileFacts("database/2.dat", 1, "aa"), FileFacts("database/3.dat", 1, "aa")),
            "holds database/2.dat, which its manifest does not list (and 1 more)",
        ),
    ],
    ids=["missing", "truncated", "longer", "flipped", "extra"],
)
def test_files_are_those_of_the_manifest(found: tuple[FileFacts, ...], sentence: str) -> None:
    assert checks.damaged(MANIFEST, found) == sentence


def test_a_backup_without_a_table_is_empty() -> None:
    assert checks.empty(replace(DATABASE, tables={})) == "is empty: it has no table"


def test_a_backup_without_a_row_is_empty() -> None:
    tables = {"public.users": SIGNED, "public.signed": SIGNED}
    assert checks.empty(replace(DATABASE, tables=tables)) == "is empty: it has no row in any of its 2 tables"


def test_a_backup_of_another_environment_is_told() -> None:
    assert checks.elsewhere(MANIFEST, "mainnet-staging") == (
        "is of another environment: production, not mainnet-staging"
    )


def test_a_backup_of_another_database_is_told() -> None:
    assert checks.foreign(DATABASE, "analytics", DATABASE.system_identifier) == (
        "is of another database: walletconnect, not analytics"
    )


def test_a_backup_of_the_same_name_on_another_server_is_told() -> None:
    """Two environments may well call their database the same."""
    assert checks.foreign(DATABASE, "walletconnect", "42") == (
        "is of a database walletconnect on another server: that one's system identifier is "
        "7400000000000000001, this one's 42"
    )


@pytest.mark.parametrize("onset", [ENDS, ENDS - 1_000_000])
def test_a_backup_that_ends_at_the_onset_or_later_is_told(onset: int) -> None:
    """At the very microsecond of the onset it may hold the first damage."""
    sentence = checks.newer(MANIFEST, onset)
    assert sentence is not None
    assert sentence.startswith("ends after the onset: it shows 2026-11-23 10:20:00Z, the onset is 2026-11-23")


def test_a_backup_taken_in_an_incident_is_the_way_back() -> None:
    assert checks.way_back(replace(MANIFEST, incident="INC-7QK2"), "INC-7QK2") == (
        "was taken in this incident, INC-7QK2: it is the way back, never the way to go"
    )


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ({"public.signed": SIGNED}, "restores without table public.users"),
        ({}, "restores without table public.signed (and 1 more)"),
        (
            {**DATABASE.tables, "public.new": SIGNED},
            "restores with table public.new, which was not saved",
        ),
        (
            {"public.users": SIGNED, "public.signed": SIGNED},
            "restores empty: no row in any table instead of 3 rows",
        ),
        (
            {"public.users": replace(USERS, rows=1), "public.signed": SIGNED},
            "restores with 1 row in table public.users instead of 3",
        ),
        (
            {"public.users": replace(USERS, content="bb"), "public.signed": SIGNED},
            "restores with other content in table public.users: as many rows, not the same",
        ),
    ],
    ids=["missing", "all missing", "extra", "empty", "fewer rows", "other content"],
)
def test_what_is_restored_is_what_was_saved(found: dict[str, TableFacts], sentence: str) -> None:
    assert checks.different(DATABASE.tables, found) == sentence
