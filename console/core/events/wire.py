"""An event as the journal holds it: which kinds there are, and how one is written to bytes and read back."""

import msgspec
from msgspec import Raw, Struct

from console.core.clock import Stamp
from console.core.events import (
    alerting,
    automatic,
    ci,
    engine,
    gate,
    incident,
    plan,
    review,
    staff,
    standing,
    undo,
)
from console.core.events.body import Body


class Unknown(Body, frozen=True):
    """An event of a kind, or of a version, that this program does not know: kept, and shown raw."""

    kind = "unknown"
    raw: bytes


KNOWN: dict[tuple[str, int], type[Body]] = {
    (cls.kind, cls.version): cls
    for module in (alerting, engine, incident, plan, gate, standing, review, automatic, ci, staff, undo)
    for cls in module.KINDS
}


class Event(Struct, frozen=True):
    """One line of the journal."""

    environment: str
    incident: str | None
    seq: int
    """From 1, without a gap."""
    at: Stamp
    actor: str
    """Handle of the person who asked for it, or `engine`."""
    request: str | None
    """Id of the request that led to it."""
    kind: str
    version: int
    critical: bool
    body: Body


class Draft(Struct, frozen=True):
    """An event before the journal has numbered it."""

    body: Body
    at: Stamp
    incident: str | None = None
    actor: str = "engine"
    request: str | None = None


class _Wire(Struct, frozen=True):
    """An event as it is stored; the body stays as written."""

    environment: str
    incident: str | None
    seq: int
    at: Stamp
    actor: str
    request: str | None
    kind: str
    version: int
    critical: bool
    body: Raw


_wire = msgspec.json.Decoder(_Wire)
_bodies = {key: msgspec.json.Decoder(cls) for key, cls in KNOWN.items()}


def encode(draft: Draft, environment: str, seq: int) -> bytes:
    """The bytes of an event: encoded here once, never again."""
    body = draft.body
    return msgspec.json.encode(
        _Wire(
            environment=environment,
            incident=draft.incident,
            seq=seq,
            at=draft.at,
            actor=draft.actor,
            request=draft.request,
            kind=body.kind,
            version=body.version,
            critical=body.critical,
            body=Raw(msgspec.json.encode(body)),
        )
    )


def decode(raw: bytes) -> Event:
    """The event in those bytes; msgspec.DecodeError when they hold none."""
    wire = _wire.decode(raw)
    decoder = _bodies.get((wire.kind, wire.version))
    body: Body = decoder.decode(wire.body) if decoder else Unknown(raw=bytes(wire.body))
    return Event(
        environment=wire.environment,
        incident=wire.incident,
        seq=wire.seq,
        at=wire.at,
        actor=wire.actor,
        request=wire.request,
        kind=wire.kind,
        version=wire.version,
        critical=wire.critical,
        body=body,
    )
