"""What an engine is doing this second: heartbeat and progress, which are not events and are not kept."""

from typing import Literal

import msgspec
from msgspec import Struct

from console.core.changes import Changes
from console.core.clock import Stamp


class Progress(Struct, frozen=True):
    """How far a step under way is."""

    words: str
    since: Stamp
    """When the step (or the planning) began."""
    done: float | None = None
    total: float | None = None
    """Where the work can be counted: `done` of `total` in `unit`."""
    unit: str = ""
    output: tuple[str, ...] = ()
    """The last lines that the step printed."""


class Impact(Struct, frozen=True):
    """How many people suffer, from the samples since the onset."""

    percent: float | None
    """Share of tries that fail now, in per cent."""
    failures: int
    """Failures since the onset."""
    per_minute: float | None
    trend: str
    """`better`, `worse`, `steady`, or `not known yet`."""
    users: float | None = None
    """How many users suffer, where the strategy has a metric of that and it is measured."""
    users_in: str = "count"
    """Whether that is a number of users (`count`) or a share of them (`%`)."""


class Candidate(Struct, frozen=True):
    """A state that the data could go back to, or a reason why it cannot."""

    id: str
    """Id of a backup; `point in time`."""
    ends: int
    """The moment that it shows, UTC microseconds; for a point in time, the one that the strategy proposes."""
    what: str
    """`database, cache, 1.2 GB`; `any instant since 09:10:00Z`."""
    proof: str
    """How it is known to be whole, and since when; empty when nobody has verified it."""
    why_not: str
    """Why it is no candidate: `ends after the onset`, `taken in this incident: the way back`; else empty."""
    loss: int | None
    """Rows written since, about; None when that is not known before it is built."""


class Catalogue(Struct, frozen=True):
    """What there is to go back to, as of one moment."""

    at: Stamp
    """When it began to be looked through: what was there by then is in it."""
    candidates: tuple[Candidate, ...]
    """Newest first."""
    trouble: str = ""
    """Why it may not be complete."""


class Listening(Struct, frozen=True):
    """Whether the engine hears of alerts, and how that goes."""

    at: str
    """The address, as the strategy has it."""
    why_not: str = ""
    """Why it does not listen; empty while it does."""
    taken: int = 0
    """Messages that were taken since the engine began."""
    last: Stamp | None = None
    """When the last of them came."""
    refused: int = 0
    """Messages that were not taken."""
    last_refused: str = ""
    """Why the last of those was not."""
    dropped: int = 0
    """Alerts that came too fast to be journalled each."""


class OnDuty(Struct, frozen=True):
    """Who is on call, as of one moment."""

    people: tuple[str, ...]
    """Their handles; several where the roster alone says it, none where nobody does."""
    source: Literal["command", "calendar", "http", "roster"]
    at: Stamp
    """When that was asked."""
    until: int | None = None
    """Until when, UTC microseconds; None where the source does not say."""
    trouble: str = ""
    """Why it is the roster's word, where the strategy names another source."""


class Live(Struct, frozen=True):
    """What one engine says of itself, once a tick and at each progress."""

    pid: int
    epoch: int
    beat: Stamp
    planning: Progress | None = None
    steps: dict[str, Progress] = {}
    gate: str = ""
    """Why the gate is closed, in a sentence; empty when there is none, or it is open."""
    impact: Impact | None = None
    trouble: dict[str, str] = {}
    """What gave no good answer last, or could not be kept, each with why in a line."""
    standing: str = ""
    """Until when it may roll back by itself, `2026-03-01T12:00:00Z`; empty where nobody signed for that."""
    webhook: Listening | None = None
    """None where the strategy names no webhook."""
    on_call: OnDuty | None = None
    """None while nobody has been asked."""
    catalogue: Catalogue | None = None
    """What the data could go back to; None where the strategy names no backups, or nobody has looked yet."""
    changes: Changes | None = None
    """What changed since the release to go back to; None while nobody has looked."""


_decoder = msgspec.json.Decoder(Live)
encode = msgspec.json.encode
decode = _decoder.decode
