"""Events, plans and answers as plain lines or as documents, for terminals that are no screen."""

from typing import Any

import msgspec

from console.core.events import Event
from console.core.format import clock, plain, short
from console.core.mitigating import titles
from console.core.plan import Plan
from console.core.plan_words import code_words, data_words, glass_words
from console.core.prerequisites import shown_by
from console.core.reverting import revert_line
from console.core.strategy import Environment
from console.core.triggers_words import triggers_lines
from console.core.undoing import back_words
from console.core.wording import Names, said


def names_of(environment: Environment) -> Names:
    """Titles of the environment's steps, mitigations, prerequisites and checklist items, by id."""
    steps = {step.id: step.title for step in environment.runbook}
    steps |= titles(environment)
    steps |= {rule.id: rule.title for rule in environment.prerequisites}
    return steps | {item.id: item.title for item in environment.checklist}


def line(event: Event, names: Names) -> str:
    """`14:08:33 ops-1    signed: ...`: time in UTC, who, and what."""
    return f"{clock(event.at)} {plain(event.actor):8} {plain(said(event, names).words)}"


def document(value: Any) -> str:
    """What `--json` prints: one line."""
    return msgspec.json.encode(value, enc_hook=str).decode()


def plan_lines(plan: Plan, digest: str) -> list[str]:
    """The whole plan: nothing that it does is left out."""
    lines = [
        f"plan {digest}",
        f"{plan.environment}, {plan.incident}: {code_words(plan.code)}",
        f"data {data_words(plan)}",
        *((glass_words(plan.glass),) if plan.glass else ()),
    ]
    if code := plan.code:
        ids = f"{short(code.running.commit)} back to {short(code.target.commit)}"
        lines.append(f"{code.way}, {ids}, on {code.branch}, as commit {code.restored}")
        lines.extend(f"{'':2}{revert_line(one)}" for one in code.reverts)
        lines.extend((code.protection,) if code.protection else ())
        lines.extend(triggers_lines(code.triggers) if code.triggers else ())
    for step in plan.steps:
        lines.append(f"{step.phase:8} {step.id:14} {step.words}")
        lines.extend(f"{'':23} $ {effect}" for effect in step.effects)
        if step.back is not None:
            lines.append(f"{'':23} back: {back_words(step)}")
            lines.extend(f"{'':23} back $ {effect}" for effect in step.back.effects)
    lines.extend(f"gate     {predicate.words}" for predicate in plan.predicates)
    lines.extend(f"gate     {item.id:14} {item.title}, {shown_by(item)}" for item in plan.prerequisites)
    lines.extend(f"gate     {need.count} {need.role} must say yes, by {plan.proof}" for need in plan.needs)
    return lines
