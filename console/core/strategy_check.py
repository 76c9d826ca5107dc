"""What must be true of a strategy beyond its shape: every name names something, no two values contradict."""

from collections.abc import Collection, Iterator

from console.core import (
    alerting_check,
    asking_check,
    automatic_check,
    ci_check,
    conditions_check,
    data_check,
    deploying_check,
    glass_check,
    instances_check,
    measures_check,
    mitigations_check,
    on_call_check,
    prerequisites_check,
    pulls_check,
    runbook_check,
    schema_check,
    separation_check,
    swarm_deploy_check,
    war_room_check,
)
from console.core.parts import Finding, Part

RULES = (
    *conditions_check.RULES,
    *measures_check.RULES,
    *runbook_check.RULES,
    *prerequisites_check.RULES,
    *data_check.RULES,
    *asking_check.RULES,
    *alerting_check.RULES,
    *on_call_check.RULES,
    *automatic_check.RULES,
    *glass_check.RULES,
    *schema_check.RULES,
    *mitigations_check.RULES,
    *ci_check.RULES,
    *instances_check.RULES,
    *deploying_check.RULES,
    *pulls_check.RULES,
    *separation_check.RULES,
    *swarm_deploy_check.RULES,
    *war_room_check.RULES,
)


def check_strategy(document: object, actions: Collection[str] | None) -> Iterator[Finding]:
    """Every mistake of names and values in a document that was read from a strategy file.

    `actions` are the actions that runbooks may name; None when the caller does not know them.
    """
    for environment in Part(document)["environments"].values():
        for rule in RULES:
            yield from rule(environment)
        if actions is not None:
            yield from runbook_check.actions(environment, actions)
