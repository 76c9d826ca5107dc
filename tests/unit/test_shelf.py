"""`warroom backup list` in lines: age, proof, price, and which of them end before the onset."""

from typing import Any

from console.subcommands.shelf import Item, Shelf, shelf_lines

ONSET = "2026-02-25T14:09:17Z"
MARK = f"-- onset {ONSET}: only what ends before it can be gone back to --"


def item(name: str, **changes: Any) -> Item:
    """A backup of an hour ago that nobody has verified."""
    fields: dict[str, Any] = {
        "id": name,
        "ends": "2026-02-25T13:09:17Z",
        "age_s": 3600.0,
        "what": "database, 1.2 GB",
        "proof": "",
        "before_onset": True,
        "why_not": "",
        "rows_lost": None,
    }
    return Item(**{**fields, **changes})


def lines(*items: Item, onset: str | None = ONSET) -> list[str]:
    """What is printed."""
    return shelf_lines(
        Shelf(environment="production", told_by="engine", onset=onset, backups=items, trouble="")
    )


def test_the_onset_stands_between_what_ends_after_it_and_what_ends_before() -> None:
    late, early = item("late", before_onset=False, why_not="it ends after"), item("early")
    assert [line.split()[0] for line in lines(late, early)] == ["late", "--", "early"]
    assert lines(late, early)[1] == MARK


def test_where_everything_ends_after_the_onset_it_stands_at_the_end() -> None:
    """Then there is nothing to go back to, and that must be seen."""
    assert lines(item("late", before_onset=False))[-1] == MARK


def test_what_cannot_be_read_stands_below_the_onset() -> None:
    """Nobody can say when it ends."""
    torn = item("torn", ends="", age_s=None, before_onset=None, why_not="it has no manifest")
    assert [line.split()[0] for line in lines(item("late", before_onset=False), torn)] == [
        "late",
        "--",
        "torn",
    ]
    assert lines(torn)[1] == "torn          ?  database, 1.2 GB; it has no manifest"


def test_without_an_incident_there_is_no_onset() -> None:
    assert lines(item("one", before_onset=None), onset=None) == [
        "one    1:00:00  database, 1.2 GB; not verified"
    ]


def test_each_line_tells_proof_and_price() -> None:
    proven = item("one", proof="restored, at 13:30:00Z", rows_lost=1234)
    assert lines(proven, onset=None) == [
        "one    1:00:00  database, 1.2 GB; restored, at 13:30:00Z, about 1,234 rows written since"
    ]


def test_why_it_is_none_says_more_than_its_proof() -> None:
    (line,) = lines(item("one", proof="restored", why_not="it holds no database"), onset=None)
    assert line.endswith("; it holds no database")
