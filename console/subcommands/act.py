"""Acts: what the commander and the team ask of the engine, each answered by it or refused with a reason."""

import sys
from typing import Annotated, Literal

from cyclopts import Parameter
from msgspec.structs import replace

from console.core import requests as rq
from console.core.format import plain, short
from console.core.plan import Way
from console.core.plan_words import code_words, data_words, glass_words
from console.core.receipt import beyond, told
from console.core.requests import AnyAsk
from console.core.single_rows import shown
from console.core.state import Incident
from console.core.strategy import Severity
from console.core.wishes import back_to, keeping
from console.subcommands.room import RefusedError, ask, enter
from console.subcommands.tell import line, names_of
from console.subcommands.where import Place, Where, find

HERE = Where()
_WAYS: dict[str, Way] = {"restore": "restore tree", "revert": "revert commits"}


def declare(
    note: str, *, trigger: tuple[str, ...] = (), role: dict[str, str] | None = None, where: Where = HERE
) -> None:
    """Open an incident, or take command of the suspected one.

    Parameters
    ----------
    note
        What you see, in a sentence.
    trigger
        A declared trigger of the strategy, for what no metric can see; may be given more than once.
    role
        Who is asked to take a role: `--role.operations ops-1`; may be given for each role.
    """
    do(find(where), rq.Declare(note, trigger, role or {}))


def go(
    incident: str,
    *,
    type_: Annotated[
        str | None, Parameter(name="--type", help="The environment's name, typed; asked for otherwise.")
    ] = None,
    type_again: Annotated[
        str | None, Parameter(help="The name once more, for a plan that swaps data; asked for otherwise.")
    ] = None,
    where: Where = HERE,
) -> None:
    """Take command of an incident that nobody commands; or say yes to the plan of one that is commanded.

    Where automatic rollback waits at the gate, it is a yes: nobody needs to command for that.

    Parameters
    ----------
    incident
        The incident's id, INC-....
    """
    place = find(where)
    known = _incident(place, incident)
    armed = known.automatic is not None and known.automatic.active and known.automatic.mode == "arms"
    if known.commander is None and not armed:
        do(place, rq.Declare("took command"))
        return
    if known.plan is None or known.plan_hash is None:
        raise RefusedError(f"{incident} has no plan yet; `warroom status` says what it waits for")
    plan = known.plan
    print(f"{plan.environment}: {code_words(plan.code)}; data {data_words(plan)}")
    if plan.glass is not None:
        print(glass_words(plan.glass))
    for key, words in shown(known):
        print(plain(f"row {key}: {words}"))
    print(f"plan {short(known.plan_hash)}; read all of it with `warroom plan`")
    typed = type_ if type_ is not None else typed_name("Type the environment's name to say yes: ")
    again = ""
    if plan.data is not None:
        print(_loss(known))
        asked = "Type the environment's name once more to swap its data: "
        again = type_again if type_again is not None else typed_name(asked, "--type-again")
    do(place, rq.Go(plan_hash=known.plan_hash, typed=typed, typed_again=again))


def _loss(incident: Incident) -> str:
    found = told(incident)
    if found is None:
        return "loss: not known yet; it is compared before the gate opens"
    held = beyond(incident, found) or "within the ceiling"
    return "; ".join(filter(None, (f"loss: {found.rows}", found.chain, held)))


def replan(
    *,
    to: str | None = None,
    way: Literal["restore", "revert"] | None = None,
    commit: tuple[str, ...] = (),
    keep_data: bool = False,
    break_glass: bool = False,
    where: Where = HERE,
) -> None:
    """Make a new plan; what was said to the old one is void.

    Parameters
    ----------
    to
        Tag of the release to go back to; the newest good one otherwise.
    way
        Restore its tree in one commit, or revert the commits that came after it, newest first; as the runbook
        has it otherwise.
    commit
        A commit to revert, instead of a release to go back to; may be given more than once, in any order. A
        merge with the parent that stays: 1a2b3c4d^1.
    keep_data
        Leave the data as it is; otherwise what the old plan says of it stays.
    break_glass
        Let fewer people open it than the matrix asks for, as the strategy's `break_glass` says: only where
        the data stays as it is and no migration lies between the releases. The others review it afterwards.
    """
    place = find(where)
    incident = enter(place).snapshot().state.open_incident
    try:
        wish = back_to(incident, to, way=_WAYS[way] if way else None, commits=commit)
    except ValueError as error:
        raise RefusedError(str(error)) from error
    wish = keeping(wish) if keep_data else wish
    do(place, rq.Replan(replace(wish, break_glass=break_glass)))


def severity(severity: Severity, reason: str, *, where: Where = HERE) -> None:
    """Say how grave the incident is, and why; the commander may, and whoever is on-call engineer."""
    do(find(where), rq.ChangeSeverity(severity, reason))


def note(text: str, *, where: Where = HERE) -> None:
    """Say something on the timeline."""
    do(find(where), rq.Note(text))


def tick(item: str, *, note: str = "", undo: bool = False, where: Where = HERE) -> None:
    """Tick an item of the checklist or a prerequisite, or take the tick back with --undo."""
    do(find(where), rq.Tick(item, note, done=not undo))


def allow(
    step: str,
    *,
    type_: Annotated[
        str | None, Parameter(name="--type", help="The environment's name, typed; asked for otherwise.")
    ] = None,
    where: Where = HERE,
) -> None:
    """Say the commander's yes to a step that waits for it, as freezing the CI does.

    Parameters
    ----------
    step
        The step's id, as `warroom steps` lists it.
    """
    place = find(where)
    known = enter(place).snapshot().state.open_incident
    if known is None or known.plan is None or known.plan_hash is None:
        raise RefusedError(f"there is no plan in {place.name} with a step to say yes to")
    for asked in (one for one in known.plan.steps if one.id == step):
        print(plain(f"{asked.title}: {asked.words}"))
    typed = type_ if type_ is not None else typed_name("Type the environment's name to say yes: ")
    do(place, rq.Allow(step, known.plan_hash, typed))


def abort(reason: str, *, where: Where = HERE) -> None:
    """Stop the run before its next step."""
    do(find(where), rq.Abort(reason))


def resume(*, where: Where = HERE) -> None:
    """Go on after an abort."""
    do(find(where), rq.Resume())


def resolve(outcome: str = "recovered", *, note: str = "", where: Where = HERE) -> None:
    """Close the incident: as recovered, mitigated, or "false alarm"."""
    place = find(where)
    do(place, rq.Resolve(outcome, note))
    for held in enter(place).snapshot().state.frozen.values():
        words = f"{held.workflow} of {held.repository} is still frozen: `warroom unfreeze` brings it back"
        print(plain(words), file=sys.stderr)


def do(place: Place, what: AnyAsk) -> None:
    """Ask for it, and say what the engine answered."""
    names = names_of(place.environment)
    for event in ask(enter(place), what):
        print(line(event, names))


def _incident(place: Place, wanted: str) -> Incident:
    incident = enter(place).snapshot().state.open_incident
    if incident is None:
        raise RefusedError(f"no incident is open in {place.name}")
    if incident.id != wanted:
        raise RefusedError(f"{wanted} is not open in {place.name}; {incident.id} is")
    return incident


def typed_name(prompt: str, option: str = "--type") -> str:
    """The environment's name, from whoever sits there; RefusedError where nobody does."""
    if not sys.stdin.isatty():
        raise RefusedError(f"the environment's name has to be typed: at a terminal, or with {option} NAME")
    return input(prompt).strip()
