"""Which release is gone back to, and what incidents are called."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.ids import incident_id
from console.core.plan import Release
from console.core.releases import Known, ReleaseError, propose
from tests.unit.core.kit import at


def commit(number: int) -> str:
    return f"{number:x}" * 40


def known(*verdicts: str) -> list[Known]:
    """v1.5.0, v1.5.1, ... with those verdicts, in order of deployment."""
    return [
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
    ]


def running(number: int, tag: str | None = None) -> Release:
    return Release(tag or f"v1.5.{number}", commit(number), "0" * 40)


def test_the_newest_good_release_before_what_runs_is_proposed() -> None:
    ledger = known("good", "good", "unproven", "bad", "good")
    assert propose(ledger, running(3), None).tag == "v1.5.1"


def test_what_runs_is_known_by_its_commit_whatever_tag_it_goes_by() -> None:
    """A second tag on the commit must not make a release its own way back."""
    ledger = known("good", "good")
    assert propose(ledger, running(1, "latest"), None).tag == "v1.5.0"


def test_what_nobody_recorded_comes_after_all_that_was() -> None:
    assert propose(known("good", "unproven"), running(9, "9" * 12), None).tag == "v1.5.0"


def test_an_unproven_release_can_be_chosen_but_is_never_proposed() -> None:
    ledger = known("good", "unproven", "unproven")
    assert propose(ledger, running(2), "v1.5.1").verdict == "unproven"
    assert propose(ledger, running(2), None).tag == "v1.5.0"


def test_a_release_that_was_judged_bad_is_never_gone_back_to() -> None:
    with pytest.raises(ReleaseError, match=r"v1.5.1 was judged bad by ops-lead: choose another"):
        propose(known("good", "bad", "unproven"), running(2), "v1.5.1")


def test_a_release_that_nobody_recorded_cannot_be_chosen() -> None:
    with pytest.raises(ReleaseError, match=r"no release v9 is recorded; there are v1.5.0, v1.5.1"):
        propose(known("good", "good"), running(1), "v9")
    with pytest.raises(ReleaseError, match="there are none"):
        propose([], running(1), "v9")


def test_without_a_good_release_somebody_has_to_name_one() -> None:
    with pytest.raises(ReleaseError, match=r"no release before v1.5.2 was judged good: name one"):
        propose(known("bad", "unproven", "good", "good"), running(2), None)


@given(st.lists(st.sampled_from(["good", "unproven", "bad"]), max_size=6), st.integers(0, 7))
def test_a_proposal_is_good_and_older_than_what_runs(verdicts: list[str], now: int) -> None:
    ledger = known(*verdicts)
    older = [release for release in ledger[:now] if release.verdict == "good"]
    if older:
        assert propose(ledger, running(now), None) == older[-1]
    else:
        with pytest.raises(ReleaseError):
            propose(ledger, running(now), None)


@given(st.integers(1, 10_000), st.floats(0, 1e6))
def test_an_incident_has_a_name_that_can_be_said_on_the_phone(number: int, seconds: float) -> None:
    name = incident_id("testnet", number, at(seconds))
    assert re.fullmatch(r"INC-[2-9A-HJKMNP-Z]{4}", name)
    assert name == incident_id("testnet", number, at(seconds))


def test_incidents_of_two_environments_numbers_or_moments_are_called_differently() -> None:
    names = {
        incident_id("testnet", 1, at()),
        incident_id("production", 1, at()),
        incident_id("testnet", 2, at()),
        incident_id("testnet", 1, at(1)),
    }
    assert len(names) == 4
