"""What a restore takes: totals, the ceiling, and the bound that counters give without a look at any row."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.core.backups import FileFacts
from console.core.loss import (
    Baseline,
    Bound,
    Ceiling,
    Counter,
    Counters,
    Receipt,
    TableLoss,
    beyond,
    bound,
    decode,
    encode,
    recounted,
)
from console.core.plan import DataChange


def loss(table: str, gone: int = 0, go_back: int = 0, come_back: int = 0, note: str = "") -> TableLoss:
    return TableLoss(
        table=table,
        gone=gone,
        go_back=go_back,
        come_back=come_back,
        live=100 + gone,
        candidate=100 + come_back,
        note=note,
    )


def counters(epoch: str = "1", **keys: int) -> Counters:
    """Counters of tables of `public`; the identity of each is its name."""
    return Counters(epoch, {f"public.{name}": Counter(name, count) for name, count in keys.items()})


RECEIPT = Receipt(
    incident="INC-7QK2",
    database="walletconnect",
    candidate="walletconnect_restore_inc_7qk2",
    recovery_point=1,
    at=2,
    tables=(loss("public.transactions", 400, 30), loss("public.users", 12, 0, 1), loss("public.wallets")),
    chain_ids=400,
    rows_sha256="ab" * 32,
    folder="/evidence/INC-7QK2-1-loss",
    files=(FileFacts("001-public.users.gone.csv", 10, "cd" * 32),),
    counters=counters(transactions=1000, users=100),
)
BASE = Baseline({"public.transactions": 10, "public.users": 0}, counters(transactions=1000, users=100))


def test_the_totals_are_told_in_one_line() -> None:
    assert (RECEIPT.gone, RECEIPT.go_back, RECEIPT.come_back, RECEIPT.live) == (412, 30, 1, 712)
    assert RECEIPT.words == (
        "412 rows written since the recovery point, 30 go back to what they were, 1 come back, "
        "400 ids on the chain among them"
    )
    assert [table.table for table in RECEIPT.touched] == ["public.transactions", "public.users"]


def test_a_table_tells_only_what_there_is_to_tell() -> None:
    assert loss("public.users", 1, 2, 3).words == "public.users: 1 row gone, 2 go back, 3 come back"
    assert loss("public.users", note="dropped since").words == "public.users: nothing lost (dropped since)"


def test_a_receipt_can_be_read_again_as_it_was_written() -> None:
    assert decode(encode(RECEIPT)) == RECEIPT
    with pytest.raises(msgspec.DecodeError):
        decode(encode(RECEIPT)[:-10])


# -- the ceiling --------------------------------------------------------------------------------------


def test_the_ceiling_is_what_the_plan_says() -> None:
    change = DataChange("b1", 1, 2, loss_at_most=500, tables=("users", "audit.log"))
    assert Ceiling.of(change) == Ceiling(500, ("users", "audit.log"))
    assert Ceiling.of(change).words == "at most 500 rows of users and audit.log"
    assert Ceiling(1).words == "at most 1 row"


@given(
    st.dictionaries(st.sampled_from(["public.a", "public.b", "x.a"]), st.integers(0, 50)), st.integers(0, 99)
)
def test_so_many_rows_are_within_it_and_not_one_more(gone: dict[str, int], rows: int) -> None:
    assert bool(Ceiling(rows).beyond(gone)) == (sum(gone.values()) > rows)


def test_rows_of_a_table_that_nobody_signed_for_are_beyond_it() -> None:
    """However few; a name without a schema means `public`, and no other."""
    ceiling = Ceiling(100, ("users",))
    assert ceiling.beyond({"public.users": 100, "public.transactions": 0}) == ""
    assert ceiling.beyond({"public.users": 1, "audit.users": 1}) == (
        "rows of audit.users would go, beyond the tables signed: users"
    )


# -- the bound ----------------------------------------------------------------------------------------


def test_what_came_since_is_added_to_what_was_counted() -> None:
    told = bound(BASE, counters(transactions=1003, users=100))
    assert told == Bound({"public.transactions": 13, "public.users": 0}, (), ("public.transactions",))
    assert beyond(told, Ceiling(13)) == ""
    assert beyond(told, Ceiling(12)) == "13 rows would go, beyond the 12 signed"


@pytest.mark.parametrize(
    "now",
    [
        counters("2", transactions=1003, users=100),
        counters("", transactions=1003, users=100),
        counters(transactions=999, users=100),
        Counters("1", BASE.counters.tables | {"public.transactions": Counter("another", 1003)}),
    ],
    ids=["reset", "not counting", "fewer than before", "another table"],
)
def test_counters_that_do_not_go_on_say_nothing(now: Counters) -> None:
    told = bound(BASE, now)
    assert "public.transactions" in told.unsure
    assert "public.transactions" in told.touched
    assert "it cannot be told from counters what public.transactions" in beyond(told, Ceiling(10**9))


def test_a_server_that_did_not_count_at_the_receipt_says_nothing() -> None:
    base = replace(BASE, counters=replace(BASE.counters, epoch=""))
    assert set(bound(base, replace(BASE.counters, epoch="")).unsure) == set(BASE.gone)


def test_a_table_that_is_new_must_be_looked_at() -> None:
    told = bound(BASE, counters(transactions=1000, users=100, fresh=3))
    assert (told.unsure, told.touched) == (("public.fresh",), ("public.fresh",))


def test_a_table_that_was_dropped_since_has_nothing_to_lose() -> None:
    assert bound(BASE, counters(users=100)) == Bound({"public.users": 0}, (), ())


def test_a_table_that_is_never_compared_counts_for_nothing() -> None:
    """It belongs to an extension, which a restore makes itself."""
    base = replace(BASE, counters=counters(transactions=1000, users=100, spatial=5))
    assert bound(base, counters(transactions=1000, users=100, spatial=9)).touched == ()


def test_what_was_counted_again_starts_from_its_own_counters_and_the_rest_from_the_older_ones() -> None:
    """Otherwise a row that came between the two readings would be in neither."""
    now = counters(transactions=1003, users=100)
    found = Baseline({"public.transactions": 2}, counters(transactions=1004, users=107))
    told = recounted(bound(BASE, now), now, found)
    assert told.gone == {"public.transactions": 2, "public.users": 0}
    assert told.counters == counters(transactions=1004, users=100)
    assert bound(told, counters(transactions=1004, users=107)).gone["public.users"] == 7


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5)), max_size=8), st.integers(0, 3))
def test_the_bound_never_tells_less_than_what_was_written(writes: list[tuple[str, int]], seen: int) -> None:
    """Whatever part of the writes the receipt has already seen."""
    before = {name: sum(rows for other, rows in writes[:seen] if other == name) for name in "ab"}
    after = {name: sum(rows for other, rows in writes if other == name) for name in "ab"}
    base = Baseline({f"public.{name}": rows for name, rows in before.items()}, counters(**before))
    told = bound(base, counters(**after))
    assert told.gone == {f"public.{name}": rows for name, rows in after.items()}
