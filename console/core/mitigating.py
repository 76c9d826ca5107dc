"""Which mitigation covers what fires, what became of those that were tried, and who may ask for one. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Struct

from console.core.clock import Stamp
from console.core.metrics import Rung
from console.core.mitigations import Mitigation
from console.core.plan import Authority, Phase, Wish
from console.core.state import Incident, Mitigated, State
from console.core.strategy import Environment, RunbookStep
from console.core.words import duration

MITIGATE, UNDO = "mitigate", "undo-mitigation"
MITIGATIONS = (MITIGATE, UNDO)
"""By the names of the actions that do it."""
NAME = "mitigation"
"""The option that says which."""


def wish_of(name: str, *, undo: bool) -> Wish:
    """A plan of that mitigation, or of taking it back, and of nothing else."""
    return Wish(code=False, verb=UNDO if undo else MITIGATE, options={NAME: name})


def named_by(wish: Wish) -> str | None:
    """The mitigation that a wish is about; None when it is about none."""
    return wish.options.get(NAME) if wish.verb in MITIGATIONS else None


def step_id(name: str, *, undo: bool) -> str:
    """Id of the one step of such a plan."""
    return f"undo-{name}" if undo else name


def titles(environment: Environment) -> dict[str, str]:
    """Titles of the steps that do mitigations and take them back, by id."""
    return {
        step_id(name, undo=undo): f"undo {one.title}" if undo else one.title
        for name, one in environment.mitigations.items()
        for undo in (False, True)
    }


def line_of(environment: Environment, wish: Wish) -> RunbookStep:
    """The line of the runbook that does what is wished for; KeyError when the strategy has none of it.

    Behind the gate where its authority is the matrix, else it waits for nobody.
    """
    name, undo = wish.options[NAME], wish.verb == UNDO
    mitigation = environment.mitigations[name]
    behind = mitigation.authority == "matrix"
    return RunbookStep.model_validate(
        {
            "id": step_id(name, undo=undo),
            "action": wish.verb,
            "phase": Phase.SWITCH if behind else Phase.PREPARE,
            "title": titles(environment)[step_id(name, undo=undo)],
            "authority": Authority.MATRIX if behind else Authority.NONE,
            "expected": f"{mitigation.expected:g}s",
            "limit": f"{LIMITS * mitigation.limit:g}s",
        }
    )


LIMITS = 3
"""A step runs its command and the probe, each with the limit of a command, and has some to spare."""


def way_back_begun(incident: Incident) -> bool:
    """Whether a gate is open behind which something goes back; a mitigation's own gate does not count."""
    return incident.gate_opened is not None and named_by(incident.plan_wish) is None


# -- what fires, and what covers it -----------------------------------------------------------------


def firing(environment: Environment, rungs: Mapping[str, Rung], declared: Sequence[str]) -> tuple[str, ...]:
    """Metrics whose rung says roll back, then mandatory triggers that were declared, by name."""
    metrics = (name for name in environment.metrics if rungs.get(name, Rung.OK).says_roll_back)
    known = environment.triggers
    said = (name for name in known if name in declared and known[name].rung == "mandatory")
    return (*metrics, *said)


def covers(mitigation: Mitigation, fires: AbstractSet[str] | Sequence[str]) -> bool:
    """Whether it covers everything that fires; nothing is covered while nothing does."""
    return bool(fires) and set(fires) <= set(mitigation.covers)


def covering(environment: Environment, fires: Sequence[str]) -> tuple[str, ...]:
    """The mitigations that cover everything that fires, the cheapest first."""
    known = environment.mitigations
    fit = [name for name, mitigation in known.items() if covers(mitigation, fires)]
    return tuple(sorted(fit, key=lambda name: known[name].cost))


def title(environment: Environment, name: str) -> str:
    """What people call it; its name where the strategy has forgotten it since."""
    known = environment.mitigations.get(name)
    return known.title if known else name


# -- what became of them ----------------------------------------------------------------------------


def in_force(state: State, environment: Environment) -> tuple[str, ...]:
    """Names of those that are done, or may be, and could be taken back; in the order of doing."""
    known = environment.mitigations
    lasting = {name: one for name, one in state.mitigations.items() if one.status in ("in force", "unclear")}
    ordered = sorted(lasting, key=lambda name: lasting[name].since.utc_us)
    return tuple(name for name in ordered if name not in known or known[name].undo is not None)


def still_in_force(state: State, environment: Environment) -> str:
    """`still in force: gas estimates off`; empty when none is."""
    names = ", ".join(title(environment, name) for name in in_force(state, environment))
    return f"still in force: {names}" if names else ""


class Trial(Struct, frozen=True):
    """A mitigation that was tried for the open incident."""

    name: str
    title: str
    tried: Mitigated
    waits_s: float
    """Seconds until it must have helped; 0 when that time is over, or it was not done."""


def trials(state: State, incident: Incident, environment: Environment, now: Stamp) -> tuple[Trial, ...]:
    """Those that were done, or failed, for this incident, oldest first; what was taken back is no trial."""
    found = (
        Trial(name, title(environment, name), one, _waits(environment.mitigations.get(name), one, now))
        for name, one in state.mitigations.items()
        if one.incident == incident.id and one.status != "undone"
    )
    return tuple(sorted(found, key=lambda trial: trial.tried.since.utc_us))


def _waits(mitigation: Mitigation | None, tried: Mitigated, now: Stamp) -> float:
    if mitigation is None or tried.status not in ("in force", "doing"):
        return 0.0
    return max(0.0, mitigation.helps_within - now.seconds_since(tried.since))


def unhelpful(state: State, incident: Incident, environment: Environment, now: Stamp) -> str:
    """`gas estimates off did not help within 00:30`, of the last that was tried; empty while one may yet."""
    tried = trials(state, incident, environment, now)
    if not tried or tried[-1].waits_s > 0:
        return ""
    last = tried[-1]
    if last.tried.status == "failed":
        return f"{last.title} could not be done: {last.tried.words}"
    if last.tried.status == "unclear":
        return f"whether {last.title} is done, nobody can tell"
    known = environment.mitigations.get(last.name)
    within = f" within {duration(known.helps_within)}" if known else ""
    return f"{last.title} did not help{within}"


def unseen(environment: Environment, fires: Sequence[str], tried: Sequence[Trial]) -> str:
    """That only people can see whether the last one helped; empty where a rule can.

    So it is where all that is left was declared by somebody: what was said stays said until the end.
    """
    last = tried[-1] if tried else None
    known = environment.mitigations.get(last.name) if last and last.tried.status == "in force" else None
    if known is None or not covers(known, fires) or not set(fires) <= environment.triggers.keys():
        return ""
    said = ", ".join(environment.triggers[name].title for name in fires)
    return f"{known.title} is done, and no rule can see whether it helped against {said}"


# -- who may ----------------------------------------------------------------------------------------


def may_not(mitigation: Mitigation, incident: Incident | None, actor: str) -> str:
    """Why that person may not ask for it now; empty when they may. An incident that is over counts too."""
    if mitigation.authority == "none":
        return ""
    if incident is None or incident.commander is None:
        return "nobody commands an incident: D declares one"
    if mitigation.authority == "matrix":
        return "" if incident.status == "declared" else "it takes a plan: D declares an incident"
    if actor != incident.commander:
        return f"only {incident.commander}, who commands {incident.id}, may ask for it"
    return ""


def who_may(mitigation: Mitigation) -> str:
    """The same for everybody, in a few words."""
    return {
        "none": "anybody may",
        "commander": "the commander may",
        "matrix": "the matrix must say yes",
    }[mitigation.authority]


def choices(state: State, environment: Environment) -> Iterator[tuple[str, bool]]:
    """Everything that can be asked for: a mitigation's name, and whether it is to be taken back."""
    for name, mitigation in environment.mitigations.items():
        tried = state.mitigations.get(name)
        status = tried.status if tried else "undone"
        if status != "in force" or mitigation.undo is None:
            yield name, False
        if status in ("in force", "unclear") and mitigation.undo is not None:
            yield name, True
