"""The verdict on the schema, in lines: on the way back, at the gate, and whole in the plan. Pure."""

from console.core.plan import Plan
from console.core.plan_words import verdict_words
from console.core.protocols import Snapshot
from console.core.schema_verdict import TARGET_REHEARSED, SchemaVerdict, caption, closes, unsafe, ways_out
from console.core.state import Evidence, Incident
from console.core.words import duration
from screens.lines import Line, Role, blank, line, span, wrap

_SIGN = {"contracted": ("✗", Role.BAD), "expanded": ("+", Role.GOOD)}


def schema_caption(incident: Incident, plan: Plan) -> Line:
    """` · schema expanded ✓ rehearsed`, for the line of the way back; nothing in a plan without a verdict."""
    verdict = _verdict(plan)
    if verdict is None:
        return ()
    words = caption(verdict, rehearsed=_rehearsal(incident) is not None)
    return line(" · ", span(words, Role.BAD if closes(verdict) else Role.PLAIN))


def schema_fact(snapshot: Snapshot, incident: Incident, plan: Plan) -> str:
    """What one says yes to: `expanded: t.a added, may be null; rehearsed 00:38 ago`."""
    verdict = _verdict(plan)
    if verdict is None:
        return ""
    proof = _rehearsal(incident)
    ago = f"; rehearsed {duration(snapshot.at.seconds_since(proof.at))} ago" if proof else ""
    return verdict_words(verdict).removeprefix("schema ") + ago


def schema_lines(plan: Plan, width: int) -> list[Line]:
    """Every difference; and where the gate stays closed because of them, what there is to do instead."""
    verdict = _verdict(plan)
    if verdict is None:
        return []
    why = closes(verdict)
    lines = wrap(_head(verdict), width, Role.BAD if why else Role.PLAIN)
    for found in verdict.differences:
        sign, role = _SIGN[found.kind]
        first, *more = wrap(found.words, width - 4)
        lines += [(blank(2), span(f"{sign} ", role), *first), *((blank(4), *row) for row in more)]
    if why:
        lines += wrap("The gate of this plan stays closed. The ways out, in their order:", width, Role.STRONG)
        for number, way in enumerate(ways_out(verdict), 1):
            lines += [(blank(2), *row) for row in wrap(f"{number} {way}", width - 2, indent=2)]
    return lines


def _head(verdict: SchemaVerdict) -> str:
    if verdict.kind == "unknown":
        allowed = "; the strategy lets people go on all the same" if verdict.unknown_allowed else ""
        return f"schema unknown: {verdict.why}{allowed}"
    if verdict.kind == "expanded" and not unsafe(verdict):
        return "schema expanded, believed when the target is rehearsed on it"
    return f"schema {verdict.kind}"


def _verdict(plan: Plan) -> SchemaVerdict | None:
    return plan.code.schema if plan.code else None


def _rehearsal(incident: Incident) -> Evidence | None:
    """The proof that the target works on today's schema, once there is one."""
    proof = incident.evidence.get(TARGET_REHEARSED)
    return proof if proof is not None and proof.holds else None
