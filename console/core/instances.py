"""The instances that a release runs on, and what their answers come to: right on all, or not right."""

from collections import Counter
from collections.abc import Mapping

BEHIND = "behind"
"""The fact under which a proof that failed names the instances that run another release."""
NAMED = 6
"""How many instances are named; there may be hundreds."""


def together(wrong: Mapping[str, str], right: str) -> str:
    """`4 of 6 on v1.5.0: app-5, app-6 on v1.5.3`; empty where nothing is wrong with any of them.

    `wrong` says by instance what is wrong with it, empty where nothing is; `right` is what the others are.
    """
    by_reason: dict[str, list[str]] = {}
    for name, why in wrong.items():
        if why:
            by_reason.setdefault(why, []).append(name)
    if not by_reason:
        return ""
    good = sum(1 for why in wrong.values() if not why)
    told = "; ".join(f"{names(instances)} {why}" for why, instances in by_reason.items())
    return f"{good} of {len(wrong)} {right}: {told}"


def names(instances: list[str]) -> str:
    """`app-5, app-6`; of many the first, and how many more."""
    more = len(instances) - NAMED
    return ", ".join(instances[:NAMED]) + (f" and {more} more" if more > 0 else "")


def prevailing(versions: Mapping[str, str]) -> str:
    """What most of them run; of two that are level, what is met first."""
    return Counter(versions.values()).most_common(1)[0][0]


def spread(versions: Mapping[str, str]) -> str:
    """What a mixed fleet runs, in words; empty where all run the same, or nobody has told."""
    if not versions:
        return ""
    usual = prevailing(versions)
    others = {name: "" if version == usual else f"on {version}" for name, version in versions.items()}
    return together(others, f"on {usual}")
