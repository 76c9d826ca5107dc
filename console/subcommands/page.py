"""The plan on one page of paper: what will run, what is at stake, what is proven since when, who says yes."""

from collections.abc import Iterator
from textwrap import wrap

from console.core.clock import Stamp
from console.core.format import clock, plain
from console.core.moments import written
from console.core.plan import PHASES, Plan
from console.core.plan_words import code_words, data_words, glass_words
from console.core.policy import demanded, missing, prerequisites, refused, said_yes, unproven
from console.core.protocols import Snapshot
from console.core.receipt import told
from console.core.state import Approval, Incident
from console.core.triggers_words import triggers_lines

WIDTH = 78
HEIGHT = 62
"""Lines of a page, with its margins taken off."""
_LABEL = 10


def page(snapshot: Snapshot, incident: Incident, plan: Plan) -> list[str]:
    """Its lines, of at most WIDTH characters; what does not fit is counted, and where it is whole is said."""
    lines = [
        f"WARROOM  {plan.environment.upper()}  {incident.id}".ljust(WIDTH - 20) + written(snapshot.at.utc_us),
        f"plan {incident.plan_hash}",
        "-" * WIDTH,
        *_stake(snapshot, incident, plan),
        "-" * WIDTH,
        *_steps(incident, plan),
        "-" * WIDTH,
        *_proofs(snapshot, incident, plan),
        "-" * WIDTH,
        *_people(snapshot.at, incident),
    ]
    if len(lines) > HEIGHT:
        more = f"... {len(lines) - HEIGHT + 1} more lines: `warroom plan` prints all of it"
        lines = [*lines[: HEIGHT - 1], more]
    return [plain(line)[:WIDTH].rstrip() for line in lines]


def _labelled(label: str, words: str) -> list[str]:
    """Words in a column of their own, broken where they have to be."""
    first, *more = wrap(words, WIDTH - _LABEL) or [""]
    return [f"{label:<{_LABEL}}{first}", *(f"{'':{_LABEL}}{line}" for line in more)]


def _stake(snapshot: Snapshot, incident: Incident, plan: Plan) -> Iterator[str]:
    why = "; ".join(incident.triggers) or "declared by a person"
    yield from _labelled("WHY", f"{why}; since {clock(incident.onset)}; commander {incident.commander}")
    if snapshot.live is not None and (impact := snapshot.live.impact) is not None:
        share = "" if impact.percent is None else f"{impact.percent:.0f} % of tries fail; "
        yield from _labelled("STAKE", f"{share}{impact.failures:,} failures since then; {impact.trend}")
    yield from _labelled("RELEASE", code_words(plan.code))
    if plan.code is not None and plan.code.triggers is not None:
        yield from _labelled("PUSH", "; ".join(triggers_lines(plan.code.triggers)))
    yield from _labelled("DATA", data_words(plan))
    if plan.glass is not None:
        yield from _labelled("GLASS", glass_words(plan.glass))
    found = told(incident)
    if found is not None:
        yield from _labelled("LOSS", "; ".join(filter(None, (found.rows, found.chain))))


def _steps(incident: Incident, plan: Plan) -> Iterator[str]:
    for phase in PHASES:
        for number, step in enumerate(plan.of_phase(phase)):
            label = phase.value.upper() if number == 0 else ""
            state = incident.step(step.id)
            mark = "x" if state.status.settled else " "
            yield from _labelled(label, f"[{mark}] {step.title}: {step.words or step.title}")


def _proofs(snapshot: Snapshot, incident: Incident, plan: Plan) -> Iterator[str]:
    why_not = {predicate.slot: why for predicate, why in unproven(plan, incident, snapshot.at)}
    for number, predicate in enumerate(demanded(plan, incident)):
        evidence = incident.evidence.get(predicate.slot)
        label = "PROVEN" if number == 0 else ""
        if predicate.slot in why_not or evidence is None:
            words = f"[ ] {predicate.words}: {why_not.get(predicate.slot, 'not proven yet')}"
        else:
            words = f"[x] {predicate.words}, since {clock(evidence.at)}"
        yield from _labelled(label, words)
    for number, one in enumerate(prerequisites(incident, snapshot.at)):
        yield from _labelled("BEFORE" if number == 0 else "", f"[{'x' if one.met else ' '}] {one.item.title}")


def _people(now: Stamp, incident: Incident) -> Iterator[str]:
    for no in refused(incident):
        yield from _labelled("NO", f"{no.person}, {clock(no.at)}: {no.because}")
    for yes in said_yes(incident, now):
        yield from _labelled("YES", f"{yes.person} ({', '.join(yes.roles)}), {_how(yes)}")
    for role in missing(incident, now):
        yield f"{'':{_LABEL}}{role:<20} {'_' * (WIDTH - _LABEL - 21)}"


def _how(yes: Approval) -> str:
    if yes.signed is None:
        return f"by name at {clock(yes.at)}"
    return f"signed at {clock(yes.at)} with {yes.signed.key}"
