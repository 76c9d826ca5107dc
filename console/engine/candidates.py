"""Which states the data can go back to: looked up for a plan, and listed for whoever has to choose."""

import asyncio
from datetime import UTC, datetime

from actions.action import World
from console.core.backups import Backup
from console.core.errors import StatedError
from console.core.plan import POINT_IN_TIME, DataChange, Wish
from console.core.state import Incident
from console.targets.stores import Stores


class CandidateError(StatedError):
    """The data cannot go back to what was asked for; the message says to what it can."""


async def data_change(world: World, run: Incident, wish: Wish) -> DataChange:
    """What a plan says of the data that is wished for; CandidateError when no such state can be had.

    This is a first look, so that nobody waits for what cannot be: the step that builds it proves it.
    """
    stores, recovery = world.stores, world.environment.recovery
    if stores is None or recovery is None:
        raise CandidateError(
            f"the strategy names no `backups` and `recovery` of {world.name}: the data cannot go back"
        )
    onset = run.onset.utc_us
    point = await _recovery_point(stores, wish, onset, before_us=round(recovery.before * 1e6))
    if point >= onset:
        raise CandidateError(
            f"{wish.data} ends at {_utc(point)}, not before the onset at {_utc(onset)}: choose an older one, "
            "or move the onset"
        )
    loss = recovery.loss_at_most if wish.loss_at_most is None else wish.loss_at_most
    return DataChange(wish.data or POINT_IN_TIME, point, onset, loss)


async def _recovery_point(stores: Stores, wish: Wish, onset: int, before_us: int) -> int:
    if wish.data != POINT_IN_TIME:
        backup = await asyncio.to_thread(stores.vault.get, wish.data or "")
        return _end_of(backup)
    point = onset - before_us if wish.recovery_point is None else wish.recovery_point
    window = await stores.archive.window() if stores.archive else None
    if window is None:
        raise CandidateError("there is no base backup with WAL after it: only a backup can be restored")
    if point < window.begins:
        raise CandidateError(
            f"{_utc(point)} cannot be reached: base backup and WAL reach from {_utc(window.begins)} on"
        )
    return point


def _end_of(backup: Backup) -> int:
    if backup.manifest is None:
        raise CandidateError(f"{backup.id}: {backup.trouble}")
    if backup.manifest.database is None:
        raise CandidateError(f"{backup.id} holds no database")
    return backup.manifest.ends


def _utc(utc_us: int) -> str:
    return datetime.fromtimestamp(utc_us / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
