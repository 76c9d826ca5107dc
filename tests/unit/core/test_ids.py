"""What incidents are called."""

import re

from hypothesis import given
from hypothesis import strategies as st

from console.core.ids import incident_id
from tests.unit.core.kit import at


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
