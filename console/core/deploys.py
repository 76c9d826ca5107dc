"""The line of deploys with the onset on it, and what that says about a rollback. Pure."""

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from console.core.changes import Deployed
from console.core.state import RunningRelease
from console.core.strategy import Environment
from console.core.watched import Probe
from console.core.words import age

_HOUR = 3600
_SAME_S = 0.5
"""What is no further apart is shown with the same second."""
How = Literal["seen", "recorded", "there"]


class Landing(Struct, frozen=True):
    """A release on the line of deploys."""

    release: str
    commit: str | None
    at: int
    """UTC microseconds."""
    how: How
    """`seen`: the service was seen to begin to answer it then. `recorded`: so the list of releases has it.

    `there`: the service answered it when it was first asked; it landed at some time before."""
    verdict: str = ""
    """Empty where nobody has recorded the release."""
    said_by: str = ""


class Attribution(Struct, frozen=True):
    """Whether the trouble can come from a release that landed."""

    landing: Landing | None
    """The last that landed before the onset."""
    before_s: float | None
    """How long before; below zero where it was first seen a moment later than the trouble."""
    may_help: bool | None
    """Whether a rollback may help; None where nobody has said how old a release may be for that."""
    words: str


def line_of_deploys(recorded: Iterable[Deployed], seen: Iterable[RunningRelease]) -> tuple[Landing, ...]:
    """Every landing that is known, oldest first.

    What the service itself was seen to answer counts more than what is written of the same deployment.
    """
    verdicts = tuple(recorded)
    both = [_recorded(entry, entry.at) for entry in verdicts if entry.at is not None]
    both += [_judged(_seen(running), verdicts) for running in seen]
    line: list[Landing] = []
    for landing in sorted(both, key=lambda one: one.at):
        if line and _same(line[-1], landing):
            line[-1] = _better(line[-1], landing)
        else:
            line.append(landing)
    return tuple(line)


def _recorded(entry: Deployed, at: int) -> Landing:
    return Landing(entry.tag, entry.commit, at, "recorded", entry.verdict, entry.said_by)


def _seen(running: RunningRelease) -> Landing:
    how: How = "there" if running.before is None else "seen"
    return Landing(running.release, running.commit, running.since.utc_us, how)


def _judged(landing: Landing, verdicts: Sequence[Deployed]) -> Landing:
    """With the verdict on it, where somebody has said one."""
    found = next((entry for entry in verdicts if _is(entry, landing)), None)
    return replace(landing, verdict=found.verdict, said_by=found.said_by) if found else landing


def _is(entry: Deployed, landing: Landing) -> bool:
    """By commit, where the service tells one, perhaps abbreviated: a name can be given away again."""
    return entry.commit.startswith(landing.commit) if landing.commit else entry.tag == landing.release


def _same(before: Landing, after: Landing) -> bool:
    """Whether the two tell of one deployment: no other release landed between them."""
    if before.commit and after.commit:
        return before.commit.startswith(after.commit) or after.commit.startswith(before.commit)
    return before.release == after.release


def _better(before: Landing, after: Landing) -> Landing:
    """Of two that tell of the same, the one whose moment is to be believed."""
    if after.how == "seen" and before.how == "recorded":
        return after
    return before


def attribution(
    line: Sequence[Landing], onset: int, *, within_s: float | None, slack_s: float = 0.0
) -> Attribution:
    """Whether a release that landed before the onset (UTC microseconds) may be what it came from.

    `within_s`: how old that release may be; None: nobody has said. `slack_s`: how much later than it landed
    a release may be seen to answer.
    """
    landed = [one for one in line if one.how != "there"]
    before = [one for one in landed if one.at <= onset + (slack_s * 1e6 if one.how == "seen" else 0)]
    if not before:
        after = f"; {landed[0].release} landed {_long(landed[0].at - onset)} after it" if landed else ""
        none = f"nothing is known to have landed before the onset{after}: a rollback may not help"
        return Attribution(None, None, None if within_s is None else False, none)
    last = before[-1]
    ago = (onset - last.at) / 1e6
    if within_s is not None and ago > within_s:
        old = f"nothing landed within {_span(within_s)} before the onset: a rollback may not help"
        return Attribution(last, ago, may_help=False, words=old)
    return Attribution(last, ago, None if within_s is None else True, _landed(last, ago))


def _landed(last: Landing, ago: float) -> str:
    if abs(ago) < _SAME_S:
        return f"{last.release} landed in the second of the onset"
    if ago < 0:
        return f"{last.release} was first seen {age(-ago)} after the onset, about when it landed"
    return f"{last.release} landed {age(ago)} before the onset"


def attributed(environment: Environment, line: Sequence[Landing], onset: int) -> Attribution:
    """The same by the strategy: how old a release may be, and how often the service is asked for its name."""
    within = environment.automatic.release_within if environment.automatic else None
    return attribution(line, onset, within_s=within, slack_s=_slack(environment))


def _slack(environment: Environment) -> float:
    """How long after it landed a release is seen, at most: the rhythm in which the service is asked."""
    asked = (s for s in environment.sources.values() if isinstance(s, Probe))
    return next((s.every + s.limit for s in asked if s.url == environment.service.health), 0.0)


def onset_index(line: Sequence[Landing], onset: int) -> int:
    """How many of the landings come before the onset."""
    return sum(1 for one in line if one.at <= onset)


def onset_words(attributed: Attribution) -> str:
    """How the onset lies to the last landing: `00:07 after v1.5.3`; empty where there is none before it."""
    if attributed.landing is None or attributed.before_s is None:
        return ""
    if abs(attributed.before_s) < _SAME_S:
        return f"as {attributed.landing.release} landed"
    side = "after" if attributed.before_s >= 0 else "before"
    return f"{age(abs(attributed.before_s))} {side} {attributed.landing.release}"


def _long(microseconds: int) -> str:
    return age(max(0, microseconds) / 1e6)


def _span(seconds: float) -> str:
    """`24 h`; as an age where it is no whole number of hours."""
    return f"{seconds / _HOUR:.0f} h" if seconds >= _HOUR and seconds % _HOUR == 0 else age(seconds)
