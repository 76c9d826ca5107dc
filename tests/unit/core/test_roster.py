"""People and keys count from their first day to their last, both among them, in UTC."""

from datetime import UTC, datetime

import pytest

from console.core.keys import public_key
from console.core.roster import HeldKey, Person, Roster

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHWsWBCLIVcA/HvEmh1yBcDzRcXySjNXSd4WNDxSwy46 eng-1"


def at(text: str) -> int:
    """A moment, UTC microseconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1e6)


def person(**fields: object) -> Person:
    return Person.model_validate({"handle": "eng-1", "roles": ["engineer"], **fields})


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        ("2026-02-28T23:59:59.999999", "counts only from 2026-03-01 on"),
        ("2026-03-01T00:00:00", ""),
        ("2026-03-31T23:59:59.999999", ""),
        ("2026-04-01T00:00:00", "counted only until 2026-03-31"),
    ],
)
def test_both_days_are_among_those_that_count(moment: str, why: str) -> None:
    dated = person(valid_from="2026-03-01", valid_until="2026-03-31")
    assert dated.not_valid(at(moment)) == why


def test_without_dates_it_counts_for_ever() -> None:
    assert person().not_valid(0) == person().not_valid(at("9999-12-31")) == ""


def test_a_key_is_a_line_or_a_line_with_dates() -> None:
    plain, dated = person(keys=[KEY]), person(keys=[{"key": KEY, "valid_until": "2026-03-31"}])
    assert plain.keys == [HeldKey(key=KEY)]
    assert plain.public_keys == dated.public_keys == (public_key(KEY),)
    assert dated.held(public_key(KEY)).not_valid(at("2026-04-01")) == "counted only until 2026-03-31"
    with pytest.raises(KeyError):
        person().held(public_key(KEY))


def test_a_deputy_holds_the_role_they_stand_in_for() -> None:
    people = [{"handle": "eng-2", "roles": ["engineer"], "deputy_for": ["security-lead", "engineer"]}]
    roster = Roster.model_validate({"schema": "warroom.roster/1", "people": people})
    assert roster.roles_of("eng-2") == ("engineer", "security-lead")
    assert roster.roles_of("stranger") == ()
