"""What must be true of automatic rollback in a strategy: each rung that starts one has a second path."""

from collections.abc import Iterator

from console.core.conditions import AllOf, AnyOf, Held, Node
from console.core.naming import quoted, unknown
from console.core.parts import Finding, Part, Rule


def second_paths(environment: Part) -> Iterator[Finding]:
    """A metric that may start an automatic rollback has a second path."""
    automatic, metrics = environment["automatic"], environment["metrics"]
    if automatic.names is None or metrics.names is None:
        return
    starting = [name for name, metric in metrics.items() if metric["rungs"]["automatic"].value is not None]
    named = automatic["second_path"].names or []
    for name in starting:
        if name not in named and metrics[name]["measure"].value is not None:
            yield metrics[name]["rungs"]["automatic"].wrong(
                f"{quoted(name)} would roll back on one source alone: name a second one under"
                " `automatic.second_path`",
                on_key=True,
            )
    for name, path in automatic["second_path"].items():
        if name not in metrics.names:
            yield path.wrong(unknown("metric", name, starting or metrics.names), on_key=True)


def independent(environment: Part) -> Iterator[Finding]:
    """A second path is of another source than what it confirms, and says something at once."""
    metrics = environment["metrics"]
    for name, path in environment["automatic"]["second_path"].items():
        if path.condition is None:
            continue
        first = metrics[name]["measure"]["source"].text
        for other, column in path.condition.names():
            source = metrics[other]["measure"]["source"].text
            if other == name or (source is not None and source == first):
                yield path.wrong(
                    f"{quoted(other)} is measured at {quoted(first or '')} as {quoted(name)} is, and would"
                    " fail with it: name a metric of another source",
                    column=column,
                )
        if _waits(path.condition.node):
            yield path.wrong("a second path is asked at once: leave `for` out")


def _waits(node: Node) -> bool:
    match node:
        case Held():
            return True
        case AllOf(parts=parts) | AnyOf(parts=parts):
            return any(_waits(part) for part in parts)
        case _:
            return False


RULES: tuple[Rule, ...] = (second_paths, independent)
