"""What the data can go back to, for the command line: from the engine where one runs, else from the vault."""

from typing import Literal

from msgspec import Struct

from console.core.candidates import candidates
from console.core.clock import Stamp
from console.core.events import ErrandEnded
from console.core.format import plain
from console.core.live import Candidate
from console.core.moments import written
from console.core.presence import Presence, presence
from console.core.protocols import Snapshot
from console.core.words import age
from console.subcommands.room import RefusedError
from console.subcommands.where import Place
from console.targets.vault import Vault


class Item(Struct, frozen=True):
    """A state that the data could go back to."""

    id: str
    ends: str
    """The moment that it shows, `2026-02-25T13:55:02Z`; empty where that cannot be told."""
    age_s: float | None
    what: str
    proof: str
    """Empty when nobody has verified it."""
    before_onset: bool | None
    """None where no incident is open, or its end cannot be told."""
    why_not: str
    """Why it cannot be gone back to; empty when it can."""
    rows_lost: int | None
    """About so many rows were written since; None when that is not known."""


class Shelf(Struct, frozen=True, kw_only=True):
    """All of them, newest first; with `--json`, printed as it stands here."""

    schema: Literal["warroom.backups/1"] = "warroom.backups/1"
    environment: str
    told_by: Literal["engine", "vault"]
    onset: str | None
    """Of the open incident."""
    backups: tuple[Item, ...]
    trouble: str
    """Why it may not be complete; empty when it is."""


def is_current(snapshot: Snapshot) -> bool:
    """Whether the engine, if one runs, has looked since the last verb ended that may have changed it."""
    catalogue = snapshot.live.catalogue if snapshot.live else None
    ended = [event.at.utc_us for event in snapshot.events if isinstance(event.body, ErrandEnded)]
    return (
        not ended
        or presence(snapshot) is not Presence.ALIVE
        or (catalogue is not None and catalogue.at.utc_us >= ended[-1])
    )


def look_through(place: Place, snapshot: Snapshot) -> Shelf:
    """Everything there is; RefusedError where the strategy names no place for it, or nobody can tell."""
    backups = place.environment.backups
    if backups is None:
        raise RefusedError(f"the strategy names no `backups` of {place.name}")
    incident = snapshot.state.open_incident
    onset = incident.onset.utc_us if incident else None
    catalogue = snapshot.live.catalogue if snapshot.live else None
    told_by: Literal["engine", "vault"] = "vault"
    if catalogue is not None and presence(snapshot) is Presence.ALIVE:
        known, trouble, told_by = catalogue.candidates, catalogue.trouble, "engine"
    else:
        vault = Vault(place.strategy.parent / backups.folder)
        try:
            known = candidates(vault.backups(), None, incident, before_us=0, live_rows=None)
        except PermissionError as error:
            closed = f"{vault.folder} is open to the engine's account alone, and none runs that could tell"
            raise RefusedError(closed) from error
        trouble = "no engine runs: points in time, and rows written since, are not told"
    return Shelf(
        environment=place.name,
        told_by=told_by,
        onset=None if onset is None else written(onset),
        backups=tuple(_item(one, snapshot.at, onset) for one in known),
        trouble=trouble,
    )


def _item(one: Candidate, now: Stamp, onset: int | None) -> Item:
    return Item(
        id=one.id,
        ends=written(one.ends) if one.ends else "",
        age_s=(now.utc_us - one.ends) / 1e6 if one.ends else None,
        what=one.what,
        proof=one.proof,
        before_onset=None if onset is None or not one.ends else one.ends < onset,
        why_not=one.why_not,
        rows_lost=one.loss,
    )


def shelf_lines(shelf: Shelf) -> list[str]:
    """A line each, with the onset in its place, and the proof below what has one."""
    if not shelf.backups:
        return [f"there is no backup of {shelf.environment}"]
    cells = max(len(item.id) for item in shelf.backups)
    lines: list[str] = []
    onset = shelf.onset
    for item in shelf.backups:
        if onset is not None and item.before_onset is not False:
            lines.append(_mark(onset))
            onset = None
        old = age(item.age_s) if item.age_s is not None else "?"
        said = item.why_not or item.proof or "not verified"
        lost = "" if item.rows_lost is None else f", about {item.rows_lost:,} rows written since"
        lines.append(plain(f"{item.id:<{cells}}  {old:>9}  {item.what}; {said}{lost}"))
    return lines if onset is None else [*lines, _mark(onset)]


def _mark(onset: str) -> str:
    return f"-- onset {onset}: only what ends before it can be gone back to --"
