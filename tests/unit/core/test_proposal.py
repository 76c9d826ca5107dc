"""Which release is proposed to go back to, and what is said for or against the others."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.plan import Release
from console.core.proposal import Weighed, good_before, propose, weigh
from console.core.releases import Known, OnRecord, ReleaseError


def commit(number: int) -> str:
    return f"{number:x}" * 40


def record(*verdicts: str, **changes: Any) -> OnRecord:
    """v1.5.0, v1.5.1, ... with those verdicts, in order of deployment."""
    known = tuple(
        Known.model_validate(
            {
                "tag": f"v1.5.{number}",
                "commit": commit(number),
                "verdict": verdict,
                "said_by": "ops-lead",
                "deployed": "2026-02-25T14:00:00Z",
            }
        )
        for number, verdict in enumerate(verdicts)
    )
    return replace(OnRecord(known, "ledger", "the release ledger"), **changes)


def running(number: int, tag: str | None = None) -> Release:
    return Release(tag or f"v1.5.{number}", commit(number), "0" * 40)


def proposed(on_record: OnRecord, now: Release) -> str:
    return propose(on_record, now, None).release.tag


def reasons(weighed: tuple[Weighed, ...]) -> dict[str, str]:
    return {one.tag: one.why for one in weighed}


def test_the_newest_good_release_before_what_runs_is_proposed() -> None:
    assert proposed(record("good", "good", "unproven", "bad", "good"), running(3)) == "v1.5.1"


def test_what_runs_is_known_by_its_commit_whatever_tag_it_goes_by() -> None:
    """A second tag on the commit must not make a release its own way back."""
    assert proposed(record("good", "good"), running(1, "latest")) == "v1.5.0"


def test_what_nobody_recorded_comes_after_all_that_was() -> None:
    assert proposed(record("good", "unproven"), running(9, "9" * 12)) == "v1.5.0"


def test_an_unproven_release_can_be_chosen_and_the_reason_says_so() -> None:
    ledger = record("good", "unproven", "unproven")
    chosen = propose(ledger, running(2), "v1.5.1")
    assert chosen.release.verdict == "unproven"
    assert chosen.why == "asked for by name; unproven: nobody has judged it, by the release ledger"
    assert proposed(ledger, running(2)) == "v1.5.0"


def test_a_release_that_was_judged_bad_is_never_gone_back_to() -> None:
    with pytest.raises(ReleaseError, match=r"v1.5.1 was judged bad by ops-lead: choose another"):
        propose(record("good", "bad", "unproven"), running(2), "v1.5.1")


def test_a_release_that_nobody_recorded_cannot_be_chosen() -> None:
    with pytest.raises(ReleaseError, match=r"no release v9 is recorded; there are v1.5.0, v1.5.1"):
        propose(record("good", "good"), running(1), "v9")
    with pytest.raises(ReleaseError, match="there are none"):
        propose(record(), running(1), "v9")


def test_a_refusal_names_the_newest_and_counts_the_rest() -> None:
    with pytest.raises(ReleaseError, match=r"there are v1.5.2, .*, v1.5.9, 2 older$"):
        propose(record(*["good"] * 10), running(9), "v9")


def test_without_a_good_release_somebody_has_to_name_one() -> None:
    with pytest.raises(
        ReleaseError, match=r"no release before v1.5.2 was judged good: name one to go back to$"
    ):
        propose(record("bad", "unproven", "good", "good"), running(2), None)


def test_where_there_are_only_git_tags_those_that_can_be_named_are_told() -> None:
    tags = record("unproven", "unproven", "unproven", source="git", words="git tags, which nobody has judged")
    with pytest.raises(ReleaseError, match=r"go back to, git tags, which nobody has judged: v1.5.0, v1.5.1$"):
        propose(tags, running(2), None)
    assert propose(tags, running(2), "v1.5.1").why.endswith("by git tags, which nobody has judged")


def test_a_release_whose_tag_does_not_match_is_neither_proposed_nor_chosen() -> None:
    ledger = record("good", "good", "good", matching=r"\.[02]$")
    chosen = propose(ledger, running(2), None)
    assert chosen.release.tag == "v1.5.0"
    assert r"not v1.5.1, left out: its tag does not match `\.[02]$`" in chosen.why
    with pytest.raises(ReleaseError, match=r"v1.5.1 is no candidate: left out"):
        propose(ledger, running(2), "v1.5.1")


def test_a_release_beyond_which_the_schema_has_contracted_is_passed_over_but_can_be_chosen() -> None:
    ledger = record("good", "good", "unproven", contracted={commit(1): "digest"})
    chosen = propose(ledger, running(2), None)
    assert chosen.release.tag == "v1.5.0"
    assert "not v1.5.1, today's schema has contracted beyond it" in chosen.why
    assert propose(ledger, running(2), "v1.5.1").release.tag == "v1.5.1"


def test_where_no_schema_fits_it_is_the_newest_good_one_and_says_so() -> None:
    """Its plan keeps the gate closed, and offers what else can be done."""
    ledger = record("good", "good", "unproven", contracted={commit(0): "digest", commit(1): "digest"})
    chosen = propose(ledger, running(2), None)
    assert chosen.release.tag == "v1.5.1"
    assert chosen.why.startswith("the newest good one, but today's schema has contracted beyond it")


def test_the_good_ones_before_what_runs_are_candidates_all_of_them() -> None:
    """Among them the nearest is looked for whose schema fits."""
    ledger = record("good", "good", "bad", "good", "good", "good", matching="[^1]$")
    assert [one.tag for one in good_before(ledger, running(4))] == ["v1.5.3", "v1.5.0"]
    assert len(good_before(ledger, running(9))) == 4


def test_every_release_has_a_reason_newest_first() -> None:
    ledger = record("good", "unproven", "bad", "good", "good", "unproven")
    weighed = weigh(ledger, commit(4))
    assert reasons(weighed) == {
        "v1.5.5": "newer than what runs",
        "v1.5.4": "runs now",
        "v1.5.3": "the newest good one that can be gone back to, says ops-lead",
        "v1.5.2": "bad, says ops-lead",
        "v1.5.1": "unproven: nobody has judged it",
        "v1.5.0": "good, and older, says ops-lead",
    }
    assert [one.tag for one in weighed] == list(reasons(weighed))
    assert {one.tag for one in weighed if not one.may_be_chosen} == {"v1.5.4", "v1.5.2"}


VERDICTS = st.lists(st.sampled_from(["good", "unproven", "bad"]), max_size=6)


@given(VERDICTS, st.integers(0, 7), st.sets(st.integers(0, 6)))
def test_a_proposal_is_good_older_than_what_runs_and_fits_the_schema(
    verdicts: list[str], now: int, contracted: set[int]
) -> None:
    ledger = record(*verdicts, contracted={commit(number): "digest" for number in contracted})
    good = [
        number
        for number, known in enumerate(ledger.known)
        if known.verdict == "good" and (now >= len(verdicts) or number < now)
    ]
    fit = [number for number in good if number not in contracted]
    if fit or good:
        assert proposed(ledger, running(now)) == ledger.known[(fit or good)[-1]].tag
    else:
        with pytest.raises(ReleaseError):
            propose(ledger, running(now), None)


@given(VERDICTS, st.none() | st.integers(0, 7), st.sampled_from(["", "[024]$", "nothing"]))
def test_what_is_said_of_each_release_goes_with_what_a_plan_does(
    verdicts: list[str], now: int | None, matching: str
) -> None:
    """One is proposed at most; each has a reason; and what may be chosen is what a plan accepts by name."""
    ledger = record(*verdicts, matching=matching)
    weighed = weigh(ledger, None if now is None else commit(now))
    assert len(weighed) == len(verdicts)
    assert sum(one.proposed for one in weighed) <= 1
    assert all(one.why and (one.may_be_chosen or not one.proposed) for one in weighed)
    for one in weighed:
        if one.may_be_chosen:
            assert propose(ledger, running(9 if now is None else now), one.tag).release.tag == one.tag
        elif one.why != "runs now":
            with pytest.raises(ReleaseError):
                propose(ledger, running(9 if now is None else now), one.tag)
