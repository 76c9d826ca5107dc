"""What must be true of how an environment asks for a yes: its paging command, and its escalation path."""

import re
from collections.abc import Iterator

from console.core.fields import seconds_of
from console.core.naming import advice, quoted
from console.core.parts import Finding, Part, Rule

PLACEHOLDERS = ("{handle}", "{contact}")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


def placeholders(environment: Part) -> Iterator[Finding]:
    """A word of the paging command names nothing but whom it pages."""
    for word in environment["authorisation"]["paging"]["command"].each():
        for match in _PLACEHOLDER.finditer(word.text or ""):
            if match[0] not in PLACEHOLDERS:
                message = f"nothing is put in for {quoted(match[0])}: {advice(match[0], PLACEHOLDERS)}"
                yield word.wrong(message, column=match.start() + 1)


def escalation(environment: Part) -> Iterator[Finding]:
    """A path is walked by paging, and begins when a time is over; a level stands in it once."""
    rule = environment["authorisation"]
    path = rule["escalation"]
    if not path["roles"].value:
        return
    if rule["paging"].value is None:
        yield path.wrong("nobody is told without `paging` beside it", on_key=True)
    if _is_nothing(rule["within"]):
        yield path.wrong("it begins when the time to say yes is over, and `within` sets none", on_key=True)
    seen: set[str] = set()
    for role in path["roles"].each():
        if role.text in seen:
            yield role.wrong(f"{quoted(role.text)} is an earlier level of the path already")
        seen |= {role.text} if role.text else set()


def _is_nothing(span: Part) -> bool:
    """Whether it is a duration of no length; what is no duration is complained of elsewhere."""
    try:
        return seconds_of(span.text) == 0
    except ValueError:
        return False


RULES: tuple[Rule, ...] = (placeholders, escalation)
