"""What another plan is asked for: what nobody spoke of stays as it is."""

import pytest
from msgspec.structs import replace

from console.core.plan import Way, Wish
from console.core.state import Incident
from console.core.wishes import alone, back_to, keeping, of_rows, rows_of, with_data, with_verb
from tests.unit.core.kit import INCIDENT, at, plan

RESTORES = Wish(target="v1.4.9", data="backup-1", loss_at_most=40, verb="flush-cache")


def incident(wish: Wish, *, planned: bool = True) -> Incident:
    """One whose plan, if it has one, was asked for with that wish."""
    return Incident(INCIDENT, "declared", at(0), (), wish=wish, plan=plan() if planned else None)


def test_another_release_leaves_the_data_where_it_goes() -> None:
    """T does not undo what was chosen with b."""
    assert back_to(incident(RESTORES), "v1.5.0") == replace(RESTORES, target="v1.5.0")


def test_another_release_is_gone_back_to_in_the_way_that_is_asked_for_now() -> None:
    """Neither the way nor the commits of before hold for it; what becomes of the data does."""
    before = replace(RESTORES, target=None, commits=("1a2b3c4d",), way="revert commits")
    assert back_to(incident(before), "v1.5.0") == replace(RESTORES, target="v1.5.0")
    asked = back_to(incident(RESTORES), None, commits=["1a2b3c4d^1"])
    assert asked == replace(RESTORES, target=None, commits=("1a2b3c4d^1",))


@pytest.mark.parametrize(
    ("target", "way", "commits", "words"),
    [
        ("v1.5.0", None, ["1a2b3c4d"], "a release to go back to, or commits to undo, not both"),
        (None, "restore tree", ["1a2b3c4d"], "commits are named to undo them"),
        (None, None, ["--force"], "names no commit: a commit is named by its id or tag"),
        (None, None, ["1a2b3c4d^0"], "names no commit"),
        (None, None, ["1a2b3c4d"] * 51, "51 commits are too many to undo one by one"),
    ],
)
def test_what_cannot_be_had_together_is_said(
    target: str | None, way: Way | None, commits: list[str], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        back_to(incident(Wish()), target, way=way, commits=commits)


def test_other_data_leaves_the_release_where_it_goes() -> None:
    """And what was said of the rows before does not hold for another candidate."""
    wish = with_data(incident(RESTORES), "backup-2", code=True)
    assert (wish.target, wish.data, wish.loss_at_most) == ("v1.4.9", "backup-2", None)


def test_the_release_may_stay() -> None:
    assert with_data(incident(Wish()), "backup-2", code=False) == Wish(code=False, data="backup-2")


def test_data_that_is_kept_has_no_bound_and_no_instant() -> None:
    asked = replace(RESTORES, recovery_point=5)
    assert keeping(asked) == Wish(target="v1.4.9", verb="flush-cache")


def test_a_verb_joins_the_way_back_while_its_gate_is_closed() -> None:
    wish = with_verb(incident(Wish(target="v1.4.9")), "invalidate-cache", {"prefix": "session:"})
    assert wish == Wish(target="v1.4.9", verb="invalidate-cache", options={"prefix": "session:"})


def test_a_verb_goes_by_itself_when_the_way_back_has_begun_or_there_is_none() -> None:
    """A plan that is under way is not made anew for a cache."""
    alone = Wish(code=False, verb="flush-cache")
    begun = replace(incident(Wish()), gate_opened=at(9))
    of_a_verb = incident(Wish(code=False, verb="swap-back"))
    for known in (begun, incident(Wish(), planned=False), of_a_verb, None):
        assert with_verb(known, "flush-cache", {}) == alone


def test_a_verb_that_was_by_itself_is_not_part_of_the_next_way_back() -> None:
    before = incident(Wish(code=False, verb="swap-back"))
    assert back_to(before, None) == Wish()
    assert with_data(before, "backup-1", code=False) == Wish(code=False, data="backup-1")


def test_without_an_incident_the_engine_is_asked_all_the_same() -> None:
    """It says why not; nobody else knows the rules."""
    assert back_to(None, "v1.5.0") == Wish(target="v1.5.0")
    assert with_data(None, "backup-1", code=True) == Wish(data="backup-1")


def test_rows_are_wished_for_by_table_key_and_copy_and_nothing_else() -> None:
    wish = of_rows("users", ["7", "8", "7"], "backup-1", 5)
    assert alone(wish)
    assert (wish.verb, wish.options["from"], wish.recovery_point) == ("restore-rows", "backup-1", 5)
    assert rows_of(wish) == ("users", ("7", "8"))


@pytest.mark.parametrize(
    ("table", "keys", "why"),
    [
        ("", ["7"], "name both"),
        ("users", [], "name both"),
        ("users", [""], "name both"),
        ("users", ["x" * 201], "at most 200 characters"),
        ("users", [str(n) for n in range(101)], "101 rows are too many to go back by key, at most 100 do"),
    ],
)
def test_rows_that_nobody_can_find_or_that_are_too_many_are_no_wish(
    table: str, keys: list[str], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        of_rows(table, keys, "backup-1")


def test_rows_that_went_back_are_not_part_of_the_next_way_back() -> None:
    before = incident(of_rows("users", ["7"], "backup-1"))
    assert back_to(before, None) == Wish()
