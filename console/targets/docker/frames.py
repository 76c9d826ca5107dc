"""The engine's stream of a program without a terminal, taken apart into its two outputs."""

import struct

STDOUT = 1
STDERR = 2
_HEADER = struct.Struct(">BxxxL")


class Frames:
    """Pieces of the stream go in as they come, pieces of outputs come out; at most a header is held back."""

    def __init__(self) -> None:
        self._held = b""
        self._output = STDOUT
        self._left = 0

    @property
    def whole(self) -> bool:
        """Whether the stream may end here: not within a frame."""
        return not self._held and not self._left

    def split(self, data: bytes) -> list[tuple[int, bytes]]:
        """What `data` adds to the outputs, in its order: STDOUT or STDERR with a piece each."""
        data = self._held + data
        pieces: list[tuple[int, bytes]] = []
        at = 0
        while at < len(data):
            if not self._left:
                if len(data) - at < _HEADER.size:
                    break
                self._output, self._left = _HEADER.unpack_from(data, at)
                at += _HEADER.size
            piece = data[at : at + self._left]
            pieces.append((self._output, piece))
            self._left -= len(piece)
            at += len(piece)
        self._held = data[at:]
        return pieces


def only(output: int, pieces: list[tuple[int, bytes]]) -> bytes:
    """What belongs to one output."""
    return b"".join(piece for which, piece in pieces if which == output)
