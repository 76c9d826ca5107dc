"""What must be true of how incidents are staffed: no role twice, and tasks only of roles that there are."""

from collections.abc import Iterator

from console.core.naming import quoted, unknown
from console.core.parts import Finding, Part, Rule


def roles(environment: Part) -> Iterator[Finding]:
    """Each role is asked for once."""
    seen: set[str] = set()
    for role in environment["war_room"]["roles"].each():
        if role.text in seen:
            yield role.wrong(f"{quoted(role.text)} is asked for already")
        seen |= {role.text} if role.text else set()


def tasks(environment: Part) -> Iterator[Finding]:
    """A first task is somebody's who is asked for."""
    room = environment["war_room"]
    asked = [role.text for role in room["roles"].each() if role.text]
    for task in room["tasks"].each():
        who = task["who"]
        if who.text and asked and who.text not in asked:
            yield who.wrong(unknown("role of `roles`", who.text, asked))


RULES: tuple[Rule, ...] = (roles, tasks)
