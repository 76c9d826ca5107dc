"""Seats and the people who take them, held against trying every way of seating them."""

from itertools import combinations, permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from console.core.seats import unfilled

_role = st.sampled_from(["engineer", "security-lead", "operations-lead"])
_seats = st.lists(_role, max_size=4)
_people = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d"]), st.lists(_role, max_size=3, unique=True), max_size=4
)


def most_seated(seats: list[str], people: dict[str, list[str]]) -> int:
    """As many seats as can be filled: by every choice of seats, and every order of people in them."""
    for size in range(min(len(seats), len(people)), 0, -1):
        for chosen in combinations(seats, size):
            for order in permutations(people, size):
                if all(role in people[who] for role, who in zip(chosen, order, strict=True)):
                    return size
    return 0


@given(_seats, _people)
@settings(max_examples=300, deadline=None)
def test_no_seat_is_left_empty_that_could_be_filled(seats: list[str], people: dict[str, list[str]]) -> None:
    left = unfilled(seats, people)
    assert len(left) == len(seats) - most_seated(seats, people)
    assert all(left.count(role) <= seats.count(role) for role in left)


@given(_seats, _people)
@settings(max_examples=100, deadline=None)
def test_one_person_more_never_leaves_more_seats_empty(
    seats: list[str], people: dict[str, list[str]]
) -> None:
    before = len(unfilled(seats, people))
    assert before - 1 <= len(unfilled(seats, {**people, "e": ["engineer"]})) <= before


def test_somebody_with_two_roles_moves_to_where_nobody_else_fits() -> None:
    people = {"lead": ["engineer", "security-lead"], "eng": ["engineer"]}
    assert unfilled(["engineer", "security-lead"], people) == ()
    assert unfilled(["engineer", "engineer", "security-lead"], people) == ("security-lead",)
