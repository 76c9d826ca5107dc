"""The engine's stream of two outputs, taken apart however it is cut into pieces."""

import struct
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from console.targets.docker.frames import STDERR, STDOUT, Frames, only

_FRAMES = st.lists(st.tuples(st.sampled_from((STDOUT, STDERR)), st.binary(max_size=40)), max_size=8)


def stream_of(frames: list[tuple[int, bytes]]) -> bytes:
    return b"".join(struct.pack(">BxxxL", output, len(data)) + data for output, data in frames)


@given(_FRAMES, st.lists(st.integers(min_value=0, max_value=400), max_size=12))
def test_outputs_are_whole_and_in_order_however_the_stream_is_cut(
    frames: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    stream = stream_of(frames)
    places = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    taking = Frames()
    pieces = [piece for begin, end in pairwise(places) for piece in taking.split(stream[begin:end])]
    for output in (STDOUT, STDERR):
        assert only(output, pieces) == only(output, frames)
    assert b"".join(data for _, data in pieces) == b"".join(data for _, data in frames)
    assert taking.whole


@given(_FRAMES.filter(bool), st.data())
def test_a_stream_that_ends_within_a_frame_is_not_whole(
    frames: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    output, last = frames[-1]
    within = data.draw(st.integers(min_value=1, max_value=8 + len(last) - 1))
    taking = Frames()
    taking.split(stream_of(frames[:-1]) + stream_of([(output, last)])[:within])
    assert not taking.whole
