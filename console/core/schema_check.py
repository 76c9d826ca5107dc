"""What must be true of an environment's schema rules: that what needs a verdict can have one."""

from collections.abc import Iterator

from console.core.fields import seconds_of
from console.core.naming import quoted
from console.core.parts import Finding, Part, Rule
from console.core.schema_verdict import REHEARSE, SAME_SCHEMA


def steps(environment: Part) -> Iterator[Finding]:
    """A step about the schema belongs where the strategy says how it is done, and where it helps."""
    schema = environment["schema"]
    for step in environment["runbook"].each():
        action, phase = step["action"], step["phase"]
        if action.text == REHEARSE and schema["rehearse"].value is None:
            yield action.wrong("`rehearse` needs `schema` with `rehearse` in this environment")
        elif action.text == REHEARSE and phase.text not in (None, "prepare"):
            yield phase.wrong("a rehearsal belongs to `prepare`: afterwards it helps nobody")
        elif action.text == REHEARSE:
            yield from _longer(step["limit"], schema["rehearse"]["limit"])
        elif action.text == SAME_SCHEMA and schema.value is None:
            yield action.wrong("`same-schema` needs `schema` in this environment")


def _longer(step: Part, command: Part) -> Iterator[Finding]:
    """The step copies the schema too, before its command runs."""
    try:
        outlives = seconds_of(step.value) > seconds_of(command.value)
    except ValueError:
        return  # not durations, which is said of their shape
    if not outlives:
        yield step.wrong(f"the step's limit must be longer than its command's, {quoted(str(command.value))}")


def rehearsed(environment: Part) -> Iterator[Finding]:
    """A command that no step runs would leave every expanded schema disbelieved."""
    rehearse = environment["schema"]["rehearse"]
    actions = {step["action"].text for step in environment["runbook"].each()}
    if rehearse.value is not None and actions and REHEARSE not in actions:
        yield rehearse.wrong("no step of the runbook has the action `rehearse`: it never runs", on_key=True)


RULES: tuple[Rule, ...] = (steps, rehearsed)
