"""What must be true of an environment's runbook and checklist: ids, order, authority, and what steps name."""

from collections.abc import Collection, Iterator

from console.core.fields import seconds_of
from console.core.naming import quoted, unknown
from console.core.parts import Finding, Part, Rule
from console.core.plan import PHASES, Authority, Phase


def _twice(parts: Iterator[Part], what: str) -> Iterator[Finding]:
    """Ids that were given before."""
    seen: set[str] = set()
    for part in parts:
        if part.text in seen:
            yield part.wrong(f"{quoted(part.text or '')} is the id of an earlier {what}: ids are unique")
        seen |= {part.text} if part.text else set()


def step_ids(environment: Part) -> Iterator[Finding]:
    """No two steps share an id."""
    return _twice((step["id"] for step in environment["runbook"].each()), "step")


def item_ids(environment: Part) -> Iterator[Finding]:
    """No two items of the checklist share an id."""
    return _twice((item["id"] for item in environment["checklist"].each()), "item")


def needs(environment: Part) -> Iterator[Finding]:
    """A step needs steps that stand before it, in its own phase or an earlier one."""
    order = {phase.value: index for index, phase in enumerate(PHASES)}
    steps = list(environment["runbook"].each())
    every = [step["id"].text for step in steps if step["id"].text]
    earlier: dict[str, int | None] = {}
    for step in steps:
        own = order.get(step["phase"].text or "")
        for need in step["needs"].each():
            if need.text is None:
                continue
            if need.text not in every:
                yield need.wrong(unknown("step", need.text, earlier or every))
            elif need.text not in earlier:
                yield need.wrong(f"{quoted(need.text)} does not stand before this step: move it up")
            elif own is not None and (earlier[need.text] or 0) > own:
                yield need.wrong(f"{quoted(need.text)} belongs to a later phase than this step")
        if step["id"].text:
            earlier.setdefault(step["id"].text, own)


def switch_authority(environment: Part) -> Iterator[Finding]:
    """What touches users stands behind the gate, and nothing else does: *prepare* could never run there."""
    for step in environment["runbook"].each():
        authority, phase = step["authority"], step["phase"].text
        wanted = ("matrix",) if phase == "switch" else ("none", "commander")
        if phase in tuple(Phase) and authority.text in tuple(Authority) and authority.text not in wanted:
            words = " or ".join(f"`{one}`" for one in wanted)
            yield authority.wrong(f"a step of `{phase}` has authority {words}, not `{authority.text}`")


def proves(environment: Part) -> Iterator[Finding]:
    """What a step proves are items of the checklist."""
    items = [item["id"].text for item in environment["checklist"].each() if item["id"].text]
    if not isinstance(environment["checklist"].value, list):
        return
    for step in environment["runbook"].each():
        for proof in step["proves"].each():
            if proof.text is not None and proof.text not in items:
                yield proof.wrong(unknown("item of the checklist", proof.text, items))


def commands(environment: Part) -> Iterator[Finding]:
    """A step that runs a command names one of the environment."""
    known = environment["commands"].names
    for step in environment["runbook"].each():
        command = step["with"]["command"]
        if step["action"].text == "run-command" and command.value is None:
            yield step["action"].wrong("`run-command` needs to know which: add `with: {command: NAME}`")
        elif command.text is not None and known is not None and command.text not in known:
            yield command.wrong(unknown("command", command.text, known))
        elif command.text is not None:
            yield from _longer(step["limit"], environment["commands"][command.text]["limit"])


def _longer(step: Part, command: Part) -> Iterator[Finding]:
    """A step outlives its command: so the command's own limit is what decides about an advisory one."""
    try:
        outlives = seconds_of(step.value) > seconds_of(command.value)
    except ValueError:
        return  # not durations, which is said of their shape
    if not outlives:
        yield step.wrong(f"the step's limit must be longer than its command's, {quoted(str(command.value))}")


def actions(environment: Part, known: Collection[str]) -> Iterator[Finding]:
    """A step names an action that exists."""
    for step in environment["runbook"].each():
        action = step["action"]
        if action.text is not None and action.text not in known:
            yield action.wrong(unknown("action", action.text, sorted(known)))


RULES: tuple[Rule, ...] = (step_ids, item_ids, needs, switch_authority, proves, commands)
"""Every rule that needs to know nothing beside the document."""
