"""Long spans of samples: one metric, a row at a time, from where it begins; and how long they stay."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.core.clock import Stamp
from console.core.course import course, thinned
from console.core.metrics import Reading, Row, Rung
from console.core.state import Incident, State
from console.store import samples
from console.store.course import read_course
from console.store.retention import AFTER_S, BEFORE_S, REPORT_S, Retention, needed_since
from console.store.samples import SampleReader, SampleWriter, files, offset_since, pack, raw_rows
from tests.integration.store.kit import at

HOUR = 3600.0
DAY = 24 * HOUR
END = at(DAY)


def row(seconds: float, value: float = 1.0, *names: str) -> Row:
    return Row(
        at(seconds),
        tuple(
            Reading(name, value + place, 10, at(seconds), Rung.OK)
            for place, name in enumerate(names or ("errors", "p99"))
        ),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "samples"


@pytest.fixture
def written(folder: Path) -> Iterator[Callable[[list[Row]], None]]:
    writer = SampleWriter(folder)

    def write(rows: list[Row]) -> None:
        for each in rows:
            writer.append(each)

    yield write
    writer.close()


class TestCourse:
    """One metric, from a moment on."""

    @pytest.mark.parametrize("metric", ["errors", "p99"])
    def test_it_is_what_all_rows_say_of_it(
        self, folder: Path, written: Callable[[list[Row]], None], metric: str
    ) -> None:
        """Across hours, wherever it begins."""
        rows = [row(second, float(second * 7919 % 101)) for second in range(0, 9000, 7)]
        written(rows)
        for since in (-5, 0, 3, 3599, 3600, 8999):
            seen = [each for each in rows if each.at.seconds_since(at(since)) >= 0]
            wanted = list(thinned(course(seen, metric), at(since), 60.0))
            assert read_course(folder, metric, at(since), at(9000), 60.0) == wanted

    def test_what_came_after_the_end_is_not_read(
        self, folder: Path, written: Callable[[list[Row]], None]
    ) -> None:
        """An incident that was closed days ago costs no more than one of today."""
        written([row(second) for second in (0, 1, 2, HOUR, 2 * HOUR)])
        assert [piece.until for piece in read_course(folder, "errors", at(0), at(1), 0.1)] == [at(0), at(1)]

    def test_a_metric_that_moved_among_the_readings_is_found(
        self, folder: Path, written: Callable[[list[Row]], None]
    ) -> None:
        """An engine with another strategy wrote the rest."""
        written([row(0, 1.0, "a", "b"), row(1, 1.0, "b"), row(2, 1.0, "c", "a", "b"), row(3, 1.0, "c")])
        found = read_course(folder, "b", at(0), END, 0.001)
        assert [piece.low for piece in found] == [2.0, 1.0, 3.0]
        assert read_course(folder, "gone", at(0), END, 1.0) == []

    def test_of_a_row_that_is_torn_nothing_is_read(
        self, folder: Path, written: Callable[[list[Row]], None]
    ) -> None:
        written([row(0), row(1)])
        path = next(folder.iterdir())
        whole = path.read_bytes()
        for cut in range(len(pack(row(0))), len(whole)):
            path.write_bytes(whole[:cut])
            assert [piece.until for piece in read_course(folder, "errors", at(0), END, 0.1)] == [at(0)]

    def test_who_begins_behind_the_last_row_waits_before_what_is_torn(
        self, folder: Path, written: Callable[[list[Row]], None]
    ) -> None:
        """The next writer cuts it off, and goes on there."""
        written([row(0)])
        with next(folder.iterdir()).open("ab") as file:
            file.write(pack(row(1))[:-1])
        reader = SampleReader(folder)
        assert reader.since(at(5)) == []
        again = SampleWriter(folder)
        again.append(row(6))
        again.close()
        assert reader.new() == [row(6)]

    @pytest.mark.parametrize("garbage", [bytes(64), b"\xff" * 64, b"\x08\0\0\0garbage!"])
    def test_what_a_power_failure_left_ends_its_file_and_no_other(
        self, folder: Path, written: Callable[[list[Row]], None], garbage: bytes
    ) -> None:
        """A length of four billion is not believed."""
        written([row(0), row(1)])
        with next(folder.iterdir()).open("ab") as file:
            file.write(garbage)
        samples_after = SampleWriter(folder)
        (folder / samples.hour(at(HOUR))).write_bytes(pack(row(HOUR)))
        samples_after.close()
        found = read_course(folder, "errors", at(0), END, 0.1)
        assert [piece.until for piece in found] == [at(0), at(1), at(HOUR)]
        assert [each.at for each in SampleReader(folder).since(at(1))] == [at(1), at(HOUR)]

    def test_only_what_is_needed_is_decoded(
        self, folder: Path, written: Callable[[list[Row]], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The beginning is found by halves: of an hour, a dozen stamps."""
        written([row(second) for second in range(3600)])
        looked: list[int] = []
        decode = samples._decode_at
        monkeypatch.setattr(samples, "_decode_at", lambda raw: looked.append(1) or decode(raw))
        with next(folder.iterdir()).open("rb") as file:
            assert len(list(raw_rows(file, offset_since(file, at(3590))))) == 10
        assert len(looked) <= 13

    def test_where_a_span_begins_is_found_whatever_it_is(self) -> None:
        """Before the first row, behind the last, between two; and of no row at all."""
        with Path("/dev/null").open("rb") as nothing:
            assert offset_since(nothing, at(0)) == 0

    def test_the_beginning_of_each_row(self, tmp_path: Path) -> None:
        packed = [pack(row(second)) for second in range(0, 50, 5)]
        path = tmp_path / "hour"
        path.write_bytes(b"".join(packed))
        with path.open("rb") as file:
            for second in range(-1, 52):
                before = sum(
                    len(each) for each, at_s in zip(packed, range(0, 50, 5), strict=True) if at_s < second
                )
                assert offset_since(file, at(second)) == before

    def test_a_file_that_is_removed_this_moment_harms_nobody(
        self, folder: Path, written: Callable[[list[Row]], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written([row(0), row(HOUR)])
        reader = SampleReader(folder)
        gone = [*files(folder), folder / "20251009T08.rows"]
        monkeypatch.setattr("console.store.course.files", lambda *_: sorted(gone))
        monkeypatch.setattr("console.store.samples.files", lambda *_: sorted(gone))
        assert len(read_course(folder, "errors", at(0), END, 0.1)) == 2
        assert reader.new() == [row(0), row(HOUR)]


def _hours(folder: Path, hours: int, size: int = 100) -> None:
    folder.mkdir()
    for number in range(hours):
        (folder / samples.hour(at(number * HOUR))).write_bytes(bytes(size))


def _left(folder: Path) -> list[str]:
    return [path.name for path in files(folder)]


def _state(onset: float, resolved: float | None) -> State:
    incident = Incident(
        "INC-1", "declared", at(onset), (), resolved=None if resolved is None else at(resolved)
    )
    return State("testnet", incident=incident)


class TestRetention:
    """Old samples make room; those of the last incident stay until its report is written."""

    def test_what_is_too_old_goes(self, folder: Path) -> None:
        _hours(folder, 10)
        Retention(folder, lambda _: None, kept_s=3 * HOUR)(at(9 * HOUR))
        assert _left(folder) == [samples.hour(at(number * HOUR)) for number in (6, 7, 8, 9)]

    def test_what_is_too_much_goes_the_oldest_first(self, folder: Path) -> None:
        _hours(folder, 10)
        Retention(folder, lambda _: None, most_bytes=450)(at(9 * HOUR))
        assert _left(folder) == [samples.hour(at(number * HOUR)) for number in (6, 7, 8, 9)]

    def test_what_a_report_needs_stays_whatever_its_age_and_size(self, folder: Path) -> None:
        _hours(folder, 10)
        state = _state(onset=5.5 * HOUR, resolved=None)
        Retention(folder, lambda now: needed_since(state, now), kept_s=1.0, most_bytes=1)(at(9 * HOUR))
        assert _left(folder) == [samples.hour(at(number * HOUR)) for number in range(4, 10)]

    def test_the_newest_file_stays(self, folder: Path) -> None:
        """Somebody writes it."""
        _hours(folder, 1)
        Retention(folder, lambda _: None, kept_s=0.0, most_bytes=0)(at(100 * DAY))
        assert len(_left(folder)) == 1

    def test_it_is_needed_from_before_the_onset_until_long_after_the_end(self) -> None:
        for after in (0.0, AFTER_S, AFTER_S + REPORT_S):
            assert needed_since(_state(DAY, 2 * DAY), at(2 * DAY + after)) == at(DAY - BEFORE_S)
        assert needed_since(_state(DAY, 2 * DAY), at(2 * DAY + AFTER_S + REPORT_S + 1)) is None
        assert needed_since(_state(DAY, None), at(90 * DAY)) == at(DAY - BEFORE_S)
        assert needed_since(State("testnet"), at(0)) is None

    def test_a_writer_asks_for_it_with_each_new_file(self, folder: Path) -> None:
        asked: list[Stamp] = []
        writer = SampleWriter(folder, retention=asked.append)
        for seconds in (0, 1, HOUR, HOUR + 1):
            writer.append(row(seconds))
        writer.close()
        assert asked == [at(0), at(HOUR)]

    def test_a_file_that_cannot_be_removed_stops_nobody(self, folder: Path) -> None:
        """It is said in the log."""
        _hours(folder, 3)
        first = folder / _left(folder)[0]
        first.unlink()
        first.mkdir()
        Retention(folder, lambda _: None, most_bytes=0)(at(0))
        assert len(_left(folder)) == 3
