"""Break-glass: a smaller quorum for a plan of the code alone, which the others review afterwards. Pure."""

from collections.abc import Mapping, Sequence

from console.core import schema_verdict
from console.core.plan import CodeChange, Glass, Need, Wish
from console.core.strategy import Authorisation

ANYBODY = "anybody else of the matrix"
"""What the seats are called that no one role has to fill."""


def refused(authorisation: Authorisation, wish: Wish) -> str:
    """Why this cannot be asked for; empty when it can. Whether it is safe is known once it is planned."""
    if authorisation.break_glass is None:
        return "the strategy has no `break_glass` in this environment: the whole matrix must say yes"
    if wish.data is not None or wish.verb is not None or not wish.code:
        return "only a plan of the code alone breaks the glass: nothing that changes data does"
    return ""


def unsafe(change: CodeChange) -> str:
    """Why the plan may not be opened by fewer than all, or by nobody; empty when it is schema safe.

    That is where the schema is the same, or has expanded and the gate waits for the rehearsal.
    """
    return schema_verdict.unsafe(change.schema)


def glass_of(authorisation: Authorisation) -> Glass | None:
    """What an environment lets open such a plan, and who reviews it; None where it has no such thing."""
    rule = authorisation.break_glass
    if rule is None:
        return None
    matrix = tuple(Need(each.role, each.count) for each in authorisation.approvers)
    return Glass(rule.signatures, tuple(rule.one_of), matrix, rule.review_within)


def needs(glass: Glass) -> tuple[Need, ...]:
    """Who must say yes, as the gate counts them."""
    return (Need(_key(glass), 1), Need(ANYBODY, glass.signatures - 1))


def missing(glass: Glass, people: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The seats that nobody has taken yet; `people`: the roles of those who said yes, by handle."""
    asked = {need.role for need in glass.matrix}
    counted = [set(roles) for roles in people.values() if asked & set(roles)]
    short = max(glass.signatures - len(counted), 0)
    if any(roles & set(glass.one_of) for roles in counted):
        return (ANYBODY,) * short
    return (_key(glass), *((ANYBODY,) * (short - 1)))


def wanted(glass: Glass, short: Sequence[str]) -> tuple[str, ...]:
    """The roles whose yes would fill a seat that is missing."""
    if ANYBODY in short:
        return tuple(dict.fromkeys((*glass.one_of, *(need.role for need in glass.matrix))))
    return glass.one_of if short else ()


def _key(glass: Glass) -> str:
    return " or ".join(glass.one_of)
