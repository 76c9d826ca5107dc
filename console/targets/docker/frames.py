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

    def split(self, data: bytes) -> dict[int, bytes]:
        """What `data` adds to each output, by STDOUT and STDERR."""
        data = self._held + data
        parts: dict[int, list[bytes]] = {STDOUT: [], STDERR: []}
        at = 0
        while at < len(data):
            if not self._left:
                if len(data) - at < _HEADER.size:
                    break
                self._output, self._left = _HEADER.unpack_from(data, at)
                at += _HEADER.size
            piece = data[at : at + self._left]
            parts[self._output].append(piece)
            self._left -= len(piece)
            at += len(piece)
        self._held = data[at:]
        return {output: b"".join(pieces) for output, pieces in parts.items()}
