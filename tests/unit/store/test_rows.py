"""Rows as they stand in a file: whatever a crash leaves, the whole ones before it are read."""

from hypothesis import given
from hypothesis import strategies as st

from console.core.metrics import Reading, Row, Rung
from console.store.samples import pack, unpack
from tests.integration.store.kit import at

READINGS = st.builds(
    Reading,
    metric=st.text(max_size=8),
    value=st.none() | st.floats(allow_nan=False),
    count=st.none() | st.integers(0, 2**40),
    measured=st.none() | st.integers(0, 10**6).map(at),
    rung=st.sampled_from(Rung),
    failed=st.integers(0, 2**40),
)
ROWS = st.lists(
    st.builds(Row, at=st.integers(0, 10**6).map(at), readings=st.lists(READINGS, max_size=3).map(tuple)),
    max_size=6,
)


@given(rows=ROWS)
def test_rows_come_back_as_they_were(rows: list[Row]) -> None:
    """All of them, in order."""
    assert [row for row, _ in unpack(b"".join(map(pack, rows)))] == rows


@given(rows=ROWS, data=st.data())
def test_any_truncation_leaves_the_rows_before_it(rows: list[Row], data: st.DataObject) -> None:
    """And the offset behind the last whole one, which is where the next row belongs."""
    packed = [pack(row) for row in rows]
    whole = b"".join(packed)
    cut = data.draw(st.integers(0, len(whole)))
    kept = 0
    while kept < len(packed) and sum(map(len, packed[: kept + 1])) <= cut:
        kept += 1
    found = list(unpack(whole[:cut]))
    assert [row for row, _ in found] == rows[:kept]
    assert max((end for _, end in found), default=0) == sum(map(len, packed[:kept]))


@given(rows=ROWS, garbage=st.binary(max_size=40) | st.just(bytes(40)))
def test_garbage_behind_the_rows_harms_none_of_them(rows: list[Row], garbage: bytes) -> None:
    """A power failure can leave anything there, zeros above all."""
    found = [row for row, _ in unpack(b"".join(map(pack, rows)) + garbage)]
    assert found[: len(rows)] == rows
