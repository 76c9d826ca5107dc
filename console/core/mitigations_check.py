"""What must be true of mitigations, and of metrics that speak of something no rollback helps."""

from collections.abc import Iterator

from console.core.naming import quoted, unknown
from console.core.parts import Finding, Part, Rule


def covers(environment: Part) -> Iterator[Finding]:
    """A mitigation covers metrics that are judged, and triggers that are declared."""
    metrics, triggers = environment["metrics"].names, environment["triggers"].names
    if metrics is None or triggers is None:
        return
    for mitigation in environment["mitigations"].values():
        for covered in mitigation["covers"].each():
            if covered.text is None:
                continue
            if covered.text not in metrics and covered.text not in triggers:
                yield covered.wrong(unknown("metric or trigger", covered.text, [*metrics, *triggers]))
            elif covered.text in metrics and not _demands(environment["metrics"][covered.text]):
                yield covered.wrong(
                    f"{quoted(covered.text)} has no `mandatory` rung: it never fires, so nothing covers it"
                )


def ids(environment: Part) -> Iterator[Finding]:
    """A mitigation is no step of the runbook: the timeline could not say which it means."""
    steps = {step["id"].text for step in environment["runbook"].each()}
    for name, mitigation in environment["mitigations"].items():
        if {name, f"undo-{name}"} & steps:
            yield mitigation.wrong(f"{quoted(name)} is the id of a step of the runbook", on_key=True)


def explains(environment: Part) -> Iterator[Finding]:
    """A cause that is not ours has a rung on which it is there, and explains names that exist."""
    metrics, triggers = environment["metrics"].names, environment["triggers"].names
    for name, metric in environment["metrics"].items():
        cause = metric["not_ours"]
        if cause.names is not None and not _demands(metric):
            yield cause.wrong(
                f"{quoted(name)} has no `mandatory` rung: nobody could say when the cause is there",
                on_key=True,
            )
        for explained in cause["explains"].each():
            known = [*(metrics or ()), *(triggers or ())]
            if explained.text is not None and triggers is not None and explained.text not in known:
                yield explained.wrong(unknown("metric or trigger", explained.text, known))


def _demands(metric: Part) -> bool:
    return metric["rungs"]["mandatory"].value is not None


RULES: tuple[Rule, ...] = (covers, ids, explains)
