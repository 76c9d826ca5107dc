"""What the data could go back to: what is listed, what it costs, and why something is no candidate."""

from typing import Any

from console.core.backups import Backup, DatabaseFacts, FileFacts, Manifest, Proof, TableFacts, Window
from console.core.candidates import candidates
from console.core.live import Candidate
from console.core.plan import POINT_IN_TIME
from console.core.plan_words import moment
from console.core.state import Incident
from tests.unit.core.kit import INCIDENT, at

ONSET = at(100)
SECOND = 1_000_000


def backup(ends_s: float, **changes: Any) -> Backup:
    """A backup of 40 users that ends so many seconds after the tests' beginning of time."""
    ends = at(ends_s).utc_us
    database = DatabaseFacts(
        name="walletconnect",
        system_identifier="7",
        version="18.6",
        bytes=9_000_000,
        format="custom",
        tables={"public.users": TableFacts(40, "aa")},
    )
    fields: dict[str, Any] = {
        "id": f"backup-{ends_s:g}",
        "environment": "testnet",
        "incident": None,
        "began": ends - 1,
        "ends": ends,
        "finished": ends + 1,
        "database": database,
        "cache": None,
        "files": (),
        "journal_seq": 1,
        "journal_head": "0" * 64,
    }
    manifest = Manifest(**{**fields, **changes})
    return Backup(id=manifest.id, manifest=manifest)


def listed(*backups: Backup, window: Window | None = None, rows: int | None = 55) -> list[Candidate]:
    """The list in an open incident with its onset at 100 s; the strategy goes back 15 s before it."""
    incident = Incident(INCIDENT, "declared", ONSET, ())
    live = None if rows is None else {"public.users": rows}
    return list(candidates(backups, window, incident, before_us=15 * SECOND, live_rows=live))


def test_the_newest_comes_first() -> None:
    assert [one.id for one in listed(backup(10), backup(50), backup(30))] == [
        "backup-50",
        "backup-30",
        "backup-10",
    ]


def test_what_ends_before_the_onset_is_a_candidate_with_the_rows_written_since() -> None:
    (one,) = listed(backup(99))
    assert (one.why_not, one.loss) == ("", 15)


def test_what_ends_at_the_onset_or_later_is_none() -> None:
    for ends in (100, 101):
        (one,) = listed(backup(ends))
        assert one.why_not.endswith("not before the onset")


def test_the_backup_just_taken_is_the_way_back_and_never_the_way_to_go() -> None:
    """Also when somebody has moved the onset behind it."""
    (one,) = listed(backup(90, incident=INCIDENT))
    assert one.why_not == "taken in this incident: the way back from here, not the way to go"


def test_a_backup_that_cannot_be_read_says_why() -> None:
    (one,) = listed(Backup(id="broken", manifest=None, trouble="it has no manifest"))
    assert (one.why_not, one.loss) == ("it has no manifest", None)


def test_a_backup_of_the_cache_alone_holds_no_database() -> None:
    (one,) = listed(backup(10, database=None))
    assert one.why_not == "it holds no database"


def test_what_nobody_has_verified_has_no_proof() -> None:
    known = backup(10)
    proven = Backup(id=known.id, manifest=known.manifest, proof=Proof("0", at(20).utc_us, "restored"))
    assert [one.proof for one in listed(known)] == [""]
    (one,) = listed(proven)
    assert one.proof.startswith("restored, at ")


def test_one_that_is_encrypted_says_by_what() -> None:
    """Whoever wants to restore it needs the key."""
    (one,) = listed(backup(10, sealed_for="age age1qqq", files=(FileFacts("database.dump.age", 1500, "aa"),)))
    assert one.what == "database, 1.5 kB, encrypted by age"


def test_a_loss_that_nobody_could_ask_for_is_not_known() -> None:
    (one,) = listed(backup(10), rows=None)
    assert one.loss is None


def test_the_point_in_time_is_as_long_before_the_onset_as_the_strategy_says() -> None:
    (one,) = listed(window=Window(at(50).utc_us, at(120).utc_us))
    assert (one.id, one.ends, one.why_not) == (POINT_IN_TIME, at(85).utc_us, "")
    begins, ends = moment(at(50).utc_us), moment(at(120).utc_us)
    assert one.what == f"any instant from {begins} on, archived up to {ends}"


def test_a_point_before_the_first_base_backup_says_from_when_on_there_is_one() -> None:
    (one,) = listed(window=Window(at(90).utc_us, at(120).utc_us))
    assert "before the first base backup: any instant from" in one.why_not


def test_without_an_incident_everything_that_holds_a_database_can_be_restored() -> None:
    (one,) = candidates([backup(10)], None, None, before_us=0, live_rows=None)
    assert one.why_not == ""
