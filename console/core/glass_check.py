"""What must be true of an environment where the glass may be broken: who may, and that it can be judged."""

from collections.abc import Iterator

from console.core.naming import quoted, unknown
from console.core.parts import Finding, Part, Rule


def quorum(environment: Part) -> Iterator[Finding]:
    """It is smaller than the matrix, of people whom the matrix asks, and signed."""
    rule = environment["authorisation"]
    glass = rule["break_glass"]
    if glass.value is None:
        return
    roles = [each["role"].text for each in rule["approvers"].each() if each["role"].text]
    for role in glass["one_of"].each():
        if role.text and roles and role.text not in roles:
            yield role.wrong(unknown("role of `approvers`", role.text, roles))
    counts = [each["count"].value for each in rule["approvers"].each()]
    seats = sum(count for count in counts if type(count) is int)
    wanted = glass["signatures"]
    if type(wanted.value) is int and 0 < seats <= wanted.value:
        yield wanted.wrong(f"the matrix asks for {seats} already: fewer break the glass, or nobody does")
    if rule["proof"].text == "claim":
        yield glass.wrong(f"the glass is broken by signatures: `proof` is {quoted('claim')}", on_key=True)


def schema(environment: Part) -> Iterator[Finding]:
    """Whether the schema is safe can be told only where somebody has said what a release builds."""
    glass = environment["authorisation"]["break_glass"]
    if glass.value is not None and environment["schema"]["build"].value is None:
        yield glass.wrong(
            "it needs to know that the schema is safe: name `schema` with `build` in this environment",
            on_key=True,
        )


RULES: tuple[Rule, ...] = (quorum, schema)
