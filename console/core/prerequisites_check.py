"""What must be true of an environment's prerequisites: ids, steps that show them, who lets them go."""

from collections.abc import Iterator

from console.core.naming import quoted, unknown
from console.core.parts import Finding, Part, Rule


def ids(environment: Part) -> Iterator[Finding]:
    """An id is of one item: prerequisites and the checklist are ticked by the same word."""
    seen = {item["id"].text: "item of the checklist" for item in environment["checklist"].each()}
    for rule in environment["prerequisites"].each():
        known = rule["id"].text
        if known is not None and known in seen:
            yield rule["id"].wrong(f"{quoted(known)} is the id of another {seen[known]}: ids are unique")
        seen.setdefault(known, "prerequisite")


def steps(environment: Part) -> Iterator[Finding]:
    """What shows it before the gate opens is done before the gate."""
    phases = {step["id"].text: step["phase"].text for step in environment["runbook"].each()}
    for rule in environment["prerequisites"].each():
        for step in rule["proof"]["steps"].each():
            if step.text is None or not phases:
                continue
            if step.text not in phases:
                yield step.wrong(unknown("step", step.text, [name for name in phases if name]))
            elif phases[step.text] != "prepare":
                yield step.wrong(f"{quoted(step.text)} is no step of `prepare`: it comes after the gate")


def waivers(environment: Part) -> Iterator[Finding]:
    """Whoever may let an item go is named, and only where it may be let go."""
    for rule in environment["prerequisites"].each():
        allowed, roles = rule["may_be_waived"], rule["waived_by"]
        if allowed.value is True and not roles.value:
            yield allowed.wrong("who may waive it? name their roles: `waived_by: [ROLE]`")
        elif roles.value and allowed.value is not True:
            yield roles.wrong("without `may_be_waived: true` nobody may waive it")


RULES: tuple[Rule, ...] = (ids, steps, waivers)
