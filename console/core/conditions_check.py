"""What must be true of an environment's conditions: their names, their units, and the order of the rungs."""

from collections.abc import Iterator
from itertools import chain

from console.core.conditions import Comparison, Flag
from console.core.ladder import out_of_order, unsupported
from console.core.measures_check import true_unit
from console.core.naming import quoted, unknown
from console.core.parts import Finding, Part, Rule


def _conditions(environment: Part) -> Iterator[Part]:
    """Every place of an environment where a condition stands."""
    for metric in environment["metrics"].values():
        yield from (rung for rung in metric["rungs"].values())
        yield metric["critical"]["when"]
    yield from environment["watch"]["alerts"].each()
    yield from environment["automatic"]["second_path"].values()


def condition_names(environment: Part) -> Iterator[Finding]:
    """A condition mentions metrics of its environment and triggers that it declares, nothing else."""
    metrics, triggers = environment["metrics"].names, environment["triggers"].names
    if metrics is None or triggers is None:
        return
    for part in _conditions(environment):
        for name, column in part.condition.names() if part.condition else ():
            if name not in metrics and name not in triggers:
                message = unknown("metric or trigger", name, [*metrics, *triggers])
                yield part.wrong(message, column=column)


def names_twice(environment: Part) -> Iterator[Finding]:
    """A name is a metric's or a trigger's, not both: a condition could not say which it means."""
    metrics = environment["metrics"].names or ()
    for name, trigger in environment["triggers"].items():
        if name in metrics:
            yield trigger.wrong(f"{quoted(name)} is the name of a metric already", on_key=True)


def own_rungs(environment: Part) -> Iterator[Finding]:
    """A rung of a metric is about that metric; a name that is unknown anyway is complained of once."""
    known = {*(environment["metrics"].names or ()), *(environment["triggers"].names or ())}
    for name, metric in environment["metrics"].items():
        for rung in chain(metric["rungs"].values(), (metric["critical"]["when"],)):
            mentioned = {mention for mention, _ in rung.condition.names()} if rung.condition else {name}
            if name not in mentioned and mentioned <= known:
                text = quoted((rung.text or "").strip())
                yield rung.wrong(f"a rung of {quoted(name)} must mention it: {text} does not")


def units(environment: Part) -> Iterator[Finding]:
    """A number in a condition is in the unit of its metric."""
    unit_of = dict.fromkeys(environment["triggers"].names or (), "flag")
    sources = environment["sources"]
    units = {name: true_unit(metric, sources) for name, metric in environment["metrics"].items()}
    unit_of |= {name: unit for name, unit in units.items() if unit}
    for part in _conditions(environment):
        for leaf in part.condition.leaves() if part.condition else ():
            name = leaf.metric if isinstance(leaf, Comparison) else leaf.name
            if name in unit_of and (message := _unit_mistake(leaf, unit_of[name])):
                yield part.wrong(message, column=leaf.column)


def _unit_mistake(leaf: Comparison | Flag, unit: str) -> str | None:
    """What is wrong with comparing, or not comparing, a metric of that unit like this."""
    if isinstance(leaf, Flag):
        if unit == "flag":
            return None
        example = {"%": "> 5%", "s": "> 2s", "count": "> 3"}[unit]
        return f"{quoted(leaf.name)} is no flag: compare it, `{leaf.name} {example}`"
    if unit == "flag":
        return f"{quoted(leaf.metric)} is a flag, true or not: write `{leaf.metric}` or `not {leaf.metric}`"
    wanted = "" if unit == "count" else unit
    if leaf.unit == wanted:
        return None
    words = {"%": "in per cent", "s": "in seconds", "count": "a count, without unit"}[unit]
    return f"{quoted(leaf.metric)} is {words}: write `{leaf.metric} {leaf.operator} {leaf.number:g}{wanted}`"


def ladders(environment: Part) -> Iterator[Finding]:
    """The rungs of a metric are in order, and none is there without the one that it demands."""
    for name, metric in environment["metrics"].items():
        yield from unsupported(metric["rungs"])
        yield from out_of_order(name, metric["rungs"])


RULES: tuple[Rule, ...] = (condition_names, names_twice, own_rungs, units, ladders)
