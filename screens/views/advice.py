"""What speaks against a rollback, with all reasons: shown where somebody is about to say yes to one."""

from console.core.protocols import Snapshot
from console.core.recommendation import of_snapshot
from console.core.strategy import Environment
from screens.lines import Line, Role, wrap

_ROLE = {"held": Role.BAD, "consider": Role.WARN}


def advice_lines(snapshot: Snapshot, environment: Environment, width: int) -> list[Line]:
    """What is recommended, then why, where that is not simply to roll back."""
    found = of_snapshot(snapshot, environment)
    if found.level not in _ROLE:
        return []
    head = wrap(f"Recommended: rollback {found.level}: {found.words}", width, _ROLE[found.level])
    others = (reason for reason in found.reasons if reason not in found.words)
    return [*head, *(row for reason in others for row in wrap(f"· {reason}", width, Role.DIM, indent=2))]
