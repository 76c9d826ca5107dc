"""Seats: who says yes in which role, each person once, whatever they hold. Pure matching, no rules."""

from collections.abc import Mapping, Sequence


def unfilled(seats: Sequence[str], people: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The seats, by their role, that nobody can take any more; as few as there can be.

    `seats` names a role for each seat, `people` the roles that everybody holds. Who comes first in `people`
    is seated first, and where it matters, the seats that come first are filled.
    """
    taken: dict[str, int] = {}
    return tuple(role for seat, role in enumerate(seats) if not _seated(seat, seats, people, taken, set()))


def _seated(
    seat: int,
    seats: Sequence[str],
    people: Mapping[str, Sequence[str]],
    taken: dict[str, int],
    tried: set[str],
) -> bool:
    """Whether somebody can take the seat, if need be by moving others to seats that they can take too."""
    for person, held in people.items():
        if seats[seat] in held and person not in tried:
            tried.add(person)
            if person not in taken or _seated(taken[person], seats, people, taken, tried):
                taken[person] = seat
                return True
    return False
