"""How grave an incident is: by rung, as the environment's rule has it, until somebody changes it. Pure."""

from collections.abc import Collection, Mapping

from console.core.metrics import Rung
from console.core.state import RungState
from console.core.strategy import Environment, Severity


def severity(environment: Environment, rungs: Mapping[str, RungState], declared: Collection[str]) -> Severity:
    """By the worst rung there is; `declared` are the ids of the triggers that people have raised."""
    rule = environment.severity
    stand = {state.rung for state in rungs.values()}
    if Rung.AUTOMATIC in stand:
        return rule.automatic or rule.mandatory or rule.otherwise
    raised = (environment.triggers[name].rung for name in declared if name in environment.triggers)
    if Rung.MANDATORY in stand or "mandatory" in raised:
        return rule.mandatory or rule.otherwise
    return rule.otherwise
