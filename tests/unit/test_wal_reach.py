"""What bases and WAL reach together, by names alone: gaps, timelines, segments of any size."""

import pytest

from console.targets.postgres import wal
from console.targets.postgres.reach import Base, Kept, Reach, reach

MB = 1 << 20


def base(number: int, *, timeline: int = 1, system: str = "7", name: str = "") -> Base:
    """A base backup that ends in that segment, and needs it."""
    end = number * 16 * MB + 200
    return Base(
        id=name or f"b{number}",
        began=number,
        ends=number + 1,
        timeline=timeline,
        start_lsn=end - 160,
        end_lsn=end,
        wal_from=end,
        system_identifier=system,
        version="18.0",
        bytes=1,
        segment_bytes=16 * MB,
        verified="",
    )


def kept(*numbers: int) -> Kept:
    """An archive that holds those segments whole."""
    return Kept(names(1, *numbers), {}, {})


def names(timeline: int, *numbers: int) -> frozenset[str]:
    """Of those segments."""
    return frozenset(wal.name(timeline, number, 16 * MB) for number in numbers)


def told(found: Reach) -> list[tuple[list[str], int]]:
    """The bases of each run, and how many segments follow."""
    return [([base.id for base in run.bases], len(run.segments)) for run in found.runs]


@pytest.mark.parametrize(
    ("name", "number", "size"),
    [
        ("000000010000000000000001", 1, 16 * MB),
        ("0000000100000001000000FF", 0x1FF, 16 * MB),
        ("000000020000000100000000", 0x1000, 1 * MB),
        ("000000010000000100000003", 7, 1024 * MB),
    ],
)
def test_names_and_numbers_of_segments_are_the_same_thing(name: str, number: int, size: int) -> None:
    """Also where segments are not of 16 MB, and beyond the first 4 GB."""
    assert wal.number(name, size) == number
    assert wal.name(wal.timeline(name), number, size) == name


def test_bases_without_a_gap_between_them_are_one_run() -> None:
    assert told(reach([base(2), base(5)], kept(2, 3, 4, 5, 6))) == [(["b2", "b5"], 5)]


def test_a_gap_parts_the_runs_and_is_named() -> None:
    found = reach([base(2), base(6)], kept(2, 3, 5, 6, 7))
    assert told(found) == [(["b2"], 2), (["b6"], 2)]
    assert found.missing == (wal.name(1, 4, 16 * MB),)


def test_a_gap_after_the_newest_base_ends_its_run() -> None:
    found = reach([base(2)], kept(2, 3, 5))
    assert told(found) == [(["b2"], 2)]
    assert found.missing == (wal.name(1, 4, 16 * MB),)


def test_what_is_not_archived_yet_is_no_gap() -> None:
    found = reach([base(2), base(4)], kept(2, 3))
    assert told(found) == [(["b2", "b4"], 2)]
    assert found.missing == ()


def test_wal_from_before_the_oldest_base_does_not_matter() -> None:
    assert reach([base(5)], kept(1, 3, 5, 6)).missing == ()


def test_only_bases_of_the_newest_ones_cluster_count() -> None:
    assert told(reach([base(2, system="6"), base(3)], kept(2, 3, 4))) == [(["b3"], 2)]


def test_nothing_reaches_nothing() -> None:
    assert reach([], kept(1, 2)) == Reach((), (), {})


HISTORY = "1\t0/5000060\tno recovery target specified\n"
"""Timeline 2 begins in segment 5."""


def test_a_new_timeline_goes_on_from_where_it_forked_off() -> None:
    """After a promotion, as recovery follows it: the file it forked in is the new timeline's."""
    there = Kept(names(1, 3, 4, 5) | names(2, 5, 6, 7), {}, {2: HISTORY})
    (run,) = reach([base(3), base(6, timeline=2)], there).runs
    assert [name[:8] + name[-1] for name in run.segments] == [
        *("000000013", "000000014"),
        *("000000025", "000000026", "000000027"),
    ]
    assert run.line.timeline == 2


def test_a_base_from_after_the_fork_on_the_old_timeline_leads_nowhere() -> None:
    there = Kept(names(1, 3, 4, 5, 6, 7) | names(2, 5, 6), {}, {2: HISTORY})
    assert told(reach([base(3), base(6, name="lost")], there)) == [(["b3"], 4)]


def test_comments_and_several_forks_in_a_history_file_are_read() -> None:
    line = wal.newest_line({3: f"# a comment\n{HISTORY}2\t0/8000000\tbefore 2026-11-23\n"}, at_least=1)
    assert line.begins == ((1, 0), (2, 0x5000060), (3, 0x8000000))
    assert line.holds(2, 0x8000000)
    assert not line.holds(2, 0x8000001)
    assert not line.holds(4, 0)


def test_first_bytes_that_are_no_header_of_wal() -> None:
    assert wal.header(b"") is None
    assert wal.header(bytes(wal.HEADER_BYTES)) is None


def test_positions_are_read_and_written_as_postgresql_does() -> None:
    assert wal.position("2A/3000028") == 0x2A_0300_0028
    assert wal.words(0x2A_0300_0028) == "2A/3000028"
