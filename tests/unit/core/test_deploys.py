"""The line of deploys: what is known of each landing, where the onset lies, and what that says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.changes import Deployed, by_folder, inside
from console.core.deploys import Landing, attributed, attribution, line_of_deploys, onset_index, onset_words
from console.core.state import RunningRelease
from tests.unit.core.kit import at
from tests.unit.engine.kit import environment

HOUR, DAY = 3600.0, 86400.0
COMMITS = {f"v{n}": f"{n}" * 40 for n in range(10)}


def recorded(tag: str, seconds: float | None, verdict: str = "unproven") -> Deployed:
    moment = None if seconds is None else at(seconds).utc_us
    return Deployed(tag, COMMITS[tag], verdict, "eng-2", moment)


def seen(tag: str, seconds: float, before: str | None, commit: str | None = None) -> RunningRelease:
    return RunningRelease(tag, commit, at(seconds), before)


def shown(line: tuple[Landing, ...]) -> list[tuple[str, float, str]]:
    return [(one.release, (one.at - at().utc_us) / 1e6, one.how) for one in line]


class TestTheLine:
    """One landing, one row."""

    def test_what_was_seen_and_what_was_written_of_the_same_is_one(self) -> None:
        """The service is believed; the verdict comes from the list."""
        line = line_of_deploys(
            [recorded("v1", 0, "good"), recorded("v2", 500)], [seen("v1", 100, None), seen("v2", 540, "v1")]
        )
        assert shown(line) == [("v1", 0, "recorded"), ("v2", 540, "seen")]
        assert [(one.verdict, one.said_by) for one in line] == [("good", "eng-2"), ("unproven", "eng-2")]

    def test_a_list_that_is_written_later_than_it_happened_is_not_believed(self) -> None:
        assert shown(line_of_deploys([recorded("v2", 900)], [seen("v2", 540, "v1")])) == [("v2", 540, "seen")]

    def test_going_back_is_a_landing_of_its_own(self) -> None:
        line = line_of_deploys(
            [recorded("v1", 0), recorded("v2", 500)], [seen("v2", 540, "v1"), seen("v1", 700, "v2")]
        )
        assert shown(line) == [("v1", 0, "recorded"), ("v2", 540, "seen"), ("v1", 700, "seen")]

    def test_what_was_there_already_and_nobody_recorded_is_shown_as_that(self) -> None:
        line = line_of_deploys([recorded("v1", 0)], [seen("v3", 100, None)])
        assert shown(line) == [("v1", 0, "recorded"), ("v3", 100, "there")]

    def test_the_commit_decides_where_the_service_tells_one(self) -> None:
        """A tag can be moved; an id may be told in short."""
        line = line_of_deploys([recorded("v2", 0, "bad")], [seen("renamed", 10, "v1", COMMITS["v2"][:8])])
        assert [(one.release, one.verdict) for one in line] == [("renamed", "bad")]
        line = line_of_deploys([recorded("v2", 0, "bad")], [seen("v2", 10, "v1", "f" * 40)])
        assert [(one.release, one.verdict) for one in line] == [("v2", "bad"), ("v2", "")]

    def test_what_has_no_moment_is_not_on_it(self) -> None:
        assert line_of_deploys([recorded("v1", None)], []) == ()

    @given(
        st.lists(st.tuples(st.sampled_from(sorted(COMMITS)), st.integers(0, 50))),
        st.lists(st.tuples(st.sampled_from(sorted(COMMITS)), st.integers(0, 50))),
        st.integers(-1, 51),
    )
    def test_it_is_in_order_and_the_onset_has_one_place(
        self, written: list[tuple[str, int]], told: list[tuple[str, int]], onset: int
    ) -> None:
        entries = [recorded(tag, seconds) for tag, seconds in written]
        line = line_of_deploys(entries, [seen(tag, seconds, "v0") for tag, seconds in told])
        moments = [one.at for one in line]
        assert moments == sorted(moments)
        index = onset_index(line, at(onset).utc_us)
        assert all(moment <= at(onset).utc_us for moment in moments[:index])
        assert all(moment > at(onset).utc_us for moment in moments[index:])
        assert {one.release for one in line} == {tag for tag, _ in (*written, *told)}


def landing(tag: str, seconds: float, how: Any = "seen") -> Landing:
    return Landing(tag, None, at(seconds).utc_us, how)


class TestAttribution:
    """Whether a release landed that it may come from."""

    def test_a_release_that_landed_shortly_before(self) -> None:
        found = attribution((landing("v2", 0), landing("v3", 100)), at(107).utc_us, within_s=DAY)
        assert (found.words, found.may_help) == ("v3 landed 00:07 before the onset", True)
        assert onset_words(found) == "00:07 after v3"

    def test_a_release_that_landed_in_that_very_second(self) -> None:
        """`00:00 before` would look like a mistake."""
        found = attribution((landing("v3", 100),), at(100.2).utc_us, within_s=DAY)
        assert found.words == "v3 landed in the second of the onset"
        assert onset_words(found) == "as v3 landed"

    def test_nothing_within_the_time_that_the_strategy_names(self) -> None:
        found = attribution((landing("v2", 0, "recorded"),), at(25 * HOUR).utc_us, within_s=DAY)
        assert found.words == "nothing landed within 24 h before the onset: a rollback may not help"
        assert found.may_help is False

    def test_without_such_a_time_its_age_is_said_and_no_more(self) -> None:
        found = attribution((landing("v2", 0),), at(25 * HOUR).utc_us, within_s=None)
        assert (found.words, found.may_help) == ("v2 landed 1 d 1 h before the onset", None)

    def test_what_landed_afterwards_is_not_what_it_came_from(self) -> None:
        found = attribution((landing("v3", 100),), at(50).utc_us, within_s=DAY, slack_s=3)
        assert found.words == (
            "nothing is known to have landed before the onset; v3 landed 00:50 after it: "
            "a rollback may not help"
        )
        assert (found.landing, found.may_help, onset_words(found)) == (None, False, "")

    @pytest.mark.parametrize(("how", "helps"), [("seen", True), ("recorded", False)])
    def test_a_release_is_seen_a_little_later_than_it_landed(self, how: str, *, helps: bool) -> None:
        """The service is asked every few seconds, and its users do not wait for that."""
        found = attribution((landing("v3", 102, how),), at(100).utc_us, within_s=DAY, slack_s=3)
        assert found.may_help is helps
        if helps:
            assert found.words == "v3 was first seen 00:02 after the onset, about when it landed"
            assert onset_words(found) == "00:02 before v3"

    def test_what_was_there_when_first_asked_has_no_landing(self) -> None:
        found = attribution((landing("v3", 0, "there"),), at(100).utc_us, within_s=DAY)
        assert found.landing is None

    def test_the_strategy_says_how_old_and_how_often(self) -> None:
        """Its probe asks every second, and waits a second."""
        line = (landing("v3", 102),)
        stages = dict.fromkeys(("detection", "alert", "validation", "execution", "verification"), "1m")
        rule = {"unsigned": "runs", "release_within": "24h", "stages": stages}
        assert attributed(environment(automatic=rule), line, at(100).utc_us).may_help is True
        assert attributed(environment(automatic=rule), line, at(99).utc_us).may_help is False
        assert attributed(environment(), line, at(100).utc_us).may_help is None


def test_places_are_files_or_folders() -> None:
    paths = ("config/a.toml", "configs/b.toml", "app/.env", "app/.env.md", "x")
    assert inside(paths, ("config/", "app/.env", "x")) == ("config/a.toml", "app/.env", "x")
    assert inside(paths, ()) == ()


def test_files_are_counted_by_folder_the_most_first() -> None:
    counted = by_folder(("README", "b/x", "a/y", "a/z", "a/deep/q"))
    assert [(one.name, one.files) for one in counted] == [("a", 2), (".", 1), ("a/deep", 1), ("b", 1)]
