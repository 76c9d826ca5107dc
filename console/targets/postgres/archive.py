"""The archive of a server's WAL with its base backups: which moments it reaches, and what is wrong with it."""
from typing import Protocol
from msgspec import Struct
from console.core.backups import Window
from console.core.errors import StatedError


class ArchiveError(StatedError):
    """The archive cannot be read, written, or reach a moment; one line that says what to do."""


class Base(Struct, frozen=True, kw_only=True):
    """A base backup; times are UTC microseconds."""

    id: str
    began: int
    ends: int


class Archive(Protocol):
    """Base backups and WAL of one cluster."""

    async def window(self) -> Window | None: ...
    async def reach_now(self, limit_s: float) -> int: ...
