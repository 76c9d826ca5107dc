"""The verdict on a schema: whether a release can work with today's, and what to do where it cannot. Pure."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

REHEARSE, SAME_SCHEMA = "rehearse", "same-schema"
"""The actions that prove a verdict: the one in *prepare*, the other when the switch begins."""
TARGET_REHEARSED = "target-rehearsed"
"""The slot of evidence that a rehearsal fills."""
Kind = Literal["same", "expanded", "contracted", "unknown"]
KINDS: tuple[Kind, ...] = ("same", "expanded", "contracted", "unknown")
"""From the best to the worst: what nobody knows may be anything."""


class Difference(Struct, frozen=True):
    """One thing in which the live schema is not what a release expects."""

    kind: Literal["expanded", "contracted"]
    words: str
    """`transactions.wallet added, may be null`."""


class SchemaVerdict(Struct, frozen=True):
    """What a plan says of the schema: frozen with it, and signed."""

    kind: Kind
    differences: tuple[Difference, ...] = ()
    why: str = ""
    """Why it cannot be told, where it is unknown."""
    live: str = ""
    """Digest of the live schema that was compared; empty where it could not be read."""
    expected: str = ""
    """Digest of the schema that the target release builds; empty where it could not be had."""
    rehearsed: bool = False
    """Whether the plan rehearses the target on today's schema before its gate."""
    unknown_allowed: bool = False
    """Whether the strategy lets people go on where the verdict is unknown."""
    nearest: str = ""
    """Another good release, whose verdict is a safe one; empty where none was found, or looked for."""


def worst(kinds: Iterable[Kind]) -> Kind:
    """The verdict on everything is the worst of the verdicts on its parts; on nothing, *same*."""
    return max(kinds, key=KINDS.index, default="same")


def unknown(why: str, *, live: str = "", allowed: bool = False) -> SchemaVerdict:
    """The verdict where nothing can be compared."""
    return SchemaVerdict("unknown", why=why, live=live, unknown_allowed=allowed)


def reasons(verdict: SchemaVerdict) -> tuple[str, ...]:
    """What speaks against it, the gravest first: contractions, or why nobody knows."""
    if verdict.kind == "unknown":
        return (verdict.why,)
    return tuple(found.words for found in verdict.differences if found.kind == "contracted")


def unsafe(verdict: SchemaVerdict | None) -> str:
    """Why the target cannot be trusted with today's schema, in a sentence; empty where it can.

    *Expanded* is believed because the gate demands the rehearsal, in a plan that has one.
    """
    if verdict is None:
        return "the schema was not compared"
    match verdict.kind:
        case "same":
            return ""
        case "expanded" if verdict.rehearsed:
            return ""
        case "expanded":
            return (
                "the schema has expanded, and nothing in this plan rehearses that: name `rehearse` in the "
                "strategy's `schema`, and a step of that action"
            )
        case "contracted":
            return f"the schema has contracted: {'; '.join(reasons(verdict))}"
        case "unknown":
            return f"the schema is not known to fit: {verdict.why}"


def closes(verdict: SchemaVerdict | None) -> str:
    """Why the gate of such a plan stays closed whoever says yes; empty where it does not.

    Without a verdict the data goes back with the code, and the schema with it.
    """
    if verdict is None or (verdict.kind == "unknown" and verdict.unknown_allowed):
        return ""
    return unsafe(verdict)


def caption(verdict: SchemaVerdict, *, rehearsed: bool) -> str:
    """As short as it is on the line of the way back: `schema expanded ✓ rehearsed`."""
    sign = "✗" if closes(verdict) else "✓" if rehearsed or verdict.kind == "same" else "…"
    proven = " rehearsed" if rehearsed else ""
    return f"schema {verdict.kind} {sign}{proven}"


def ways_out(verdict: SchemaVerdict) -> tuple[str, ...]:
    """What there is to do where the code alone cannot go back, in the order in which it is tried."""
    nearest = (
        f"go back to {verdict.nearest} instead, the nearest good release whose schema fits (T)"
        if verdict.nearest
        else "go back to another release (T); no good one is known whose schema fits"
    )
    return (
        "turn off the flag that the new code runs behind",
        nearest,
        "an additive shim: add what the old release misses, then plan again (T): it is judged and rehearsed",
        "roll forward to a fix",
        "migrate down as a data step, with loss receipt, lock timeout and every signature",
        "last: the data back to before the onset, with its loss receipt (b)",
    )
