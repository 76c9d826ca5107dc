"""The chain by itself: no file, no database."""

from hypothesis import given
from hypothesis import strategies as st

from console.store.chain import EMPTY, Audit, Link, seal
from tests.integration.store.kit import DRAFTS, ENV, note

LINKS = st.lists(DRAFTS, min_size=1, max_size=6).map(lambda drafts: seal(drafts, EMPTY, ENV)[0])


def first_fault(links: list[Link], heads: dict[int, str] | None = None) -> int | None:
    """Number of the first link that does not hold."""
    audit = Audit(ENV, heads or {})
    for link in links:
        if audit.fault(*link):
            return audit.head.seq + 1
    return audit.head.seq + 1 if audit.missing() else None


@given(links=LINKS)
def test_what_was_sealed_holds(links: list[Link]) -> None:
    """Also against every head of it that was published."""
    assert first_fault(links, {link.seq: link.hash.hex() for link in links}) is None


@given(links=LINKS, data=st.data())
def test_any_change_is_found_where_it_is(links: list[Link], data: st.DataObject) -> None:
    """One byte, in the bytes or in the hash."""
    index = data.draw(st.integers(0, len(links) - 1))
    in_raw = data.draw(st.booleans())
    seq, raw, hash_ = links[index]
    changed = bytearray(raw if in_raw else hash_)
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    bad = Link(seq, bytes(changed), hash_) if in_raw else Link(seq, raw, bytes(changed))
    assert first_fault([*links[:index], bad, *links[index + 1 :]]) == index + 1


@given(links=LINKS, data=st.data())
def test_any_link_left_out_is_found(links: list[Link], data: st.DataObject) -> None:
    """In the middle by the gap, at the end by the newest head that was published."""
    index = data.draw(st.integers(0, len(links) - 1))
    newest = {links[-1].seq: links[-1].hash.hex()}
    assert first_fault([*links[:index], *links[index + 1 :]], newest) == index + 1


def test_batches_make_the_same_chain_as_single_events() -> None:
    """How many are committed at once leaves no trace."""
    drafts = [note(str(number)) for number in range(4)]
    first, _ = seal(drafts[:1], EMPTY, ENV)
    head = EMPTY.__class__(first[-1].seq, first[-1].hash)
    assert first + seal(drafts[1:], head, ENV)[0] == seal(drafts, EMPTY, ENV)[0]
