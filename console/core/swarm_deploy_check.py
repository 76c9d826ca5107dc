"""What must be true of a deployment by Docker Swarm: the step that waits for it has enough time."""

from collections.abc import Iterator

from console.core.fields import seconds_of
from console.core.parts import Finding, Part, Rule


def enough_time(environment: Part) -> Iterator[Finding]:
    """An update ends when its last tasks have been watched: a step that gives up before never sees it end."""
    deploy = _of(environment)
    monitor = None if deploy is None else _seconds(deploy["monitor"])
    if monitor is None:
        return
    for step in environment["runbook"].each():
        limit = _seconds(step["limit"])
        if step["action"].text == "deploy" and limit is not None and limit <= monitor:
            yield step["limit"].wrong(
                f"the swarm watches new tasks for {monitor:g} s (`deploy.monitor`): give this step longer"
            )


def _of(environment: Part) -> Part | None:
    deploy = environment["deploy"]
    return deploy if deploy["kind"].text == "swarm" else None


def _seconds(part: Part) -> float | None:
    try:
        return seconds_of(part.value)
    except ValueError:
        return None


RULES: tuple[Rule, ...] = (enough_time,)
