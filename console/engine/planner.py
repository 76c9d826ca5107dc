"""The planner: finds out where things are and where to go back to, and freezes that as a plan."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace as with_changes

from msgspec import Raw
from msgspec.structs import replace

from actions.action import Action, Inputs, Preview, World
from actions.registry import ACTIONS
from console.core.changes import inside
from console.core.clock import Stamp
from console.core.errors import StatedError
from console.core.events import PlanFrozen
from console.core.format import short
from console.core.glass import glass_of, unsafe
from console.core.glass import needs as glass_needs
from console.core.mitigating import line_of, named_by
from console.core.plan import (
    CodeChange,
    Glass,
    Need,
    Phase,
    Plan,
    Predicate,
    Prerequisite,
    Release,
    RowsChange,
    Step,
    Wish,
    digest,
    frozen,
)
from console.core.proposal import good_before, propose
from console.core.releases import Known, OnRecord, place
from console.core.schema_verdict import REHEARSE, SAME_SCHEMA, SchemaVerdict, closes
from console.core.state import Incident
from console.core.strategy import (
    ByApproval,
    ByEvidence,
    ByHand,
    Environment,
    PrerequisiteRule,
    RunbookStep,
)
from console.core.verbs import COMPANIONS, RESTORE_ROWS, VERBS
from console.core.wishes import alone, rows_of
from console.engine.candidates import data_change
from console.engine.pushes import set_off
from console.engine.schema_judge import judge, live_digest
from console.engine.ways import Made, Start, in_that_way, protection_of, to_release, without
from console.targets.git import GitError

FETCH_S = 120


class PlanError(StatedError):
    """No plan can be made; nothing was changed."""


async def make_plan(world: World, run: Incident, show: Callable[[str], None]) -> PlanFrozen:
    """Freeze what the run was asked for (its `wish`). Changes nothing but our own clone."""
    wish, now = run.wish, world.clock.now()
    inputs = Inputs(
        incident=run.id,
        author=run.commander or "warroom",
        made=now.utc_us // 1_000_000,
        since=(run.switched or run.declared or now).utc_us // 1_000_000,
        onset=run.onset.utc_us,
        options=wish.options,
    )
    if wish.code:
        show("fetching, and finding the release to go back to")
        inputs = await _back_in_git(world, inputs, wish, now, show, run.given_up)
    if wish.data is not None:
        show("looking whether the data can go back there")
        inputs = replace(inputs, restore=await data_change(world, run, wish))
    if wish.verb == RESTORE_ROWS:
        show("looking whether a copy of that moment can be had")
        inputs = await _with_rows(world, run, inputs, wish)
    plan = await asyncio.to_thread(_plan, world, inputs, wish)
    raw = frozen(plan)
    return PlanFrozen(digest=digest(raw), plan=Raw(raw))


async def _with_rows(world: World, run: Incident, inputs: Inputs, wish: Wish) -> Inputs:
    """The rows that are wished for, and the candidate they come out of; nothing is swapped."""
    table, keys = rows_of(wish)
    change = await data_change(world, run, replace(wish, data=wish.options.get("from")))
    rows = RowsChange(table, keys, change.candidate, change.recovery_point)
    return replace(inputs, restore=change, rows=rows)


# -- the code ---------------------------------------------------------------------------------------


async def _back_in_git(
    world: World,
    inputs: Inputs,
    wish: Wish,
    now: Stamp,
    show: Callable[[str], None],
    given_up: Sequence[str],
) -> Inputs:
    """The way back to the release that is wished for, or to the newest good one that was not given up."""
    await world.clone.fetch(show, FETCH_S)
    record = await _on_record(world, wish)
    known = record.known
    running, recorded = _running(world, known)
    start, why = Start(running, inputs, now), ""
    if wish.commits:
        made = await without(world, start, wish, known)
    else:
        found = propose(_candidates(record, given_up, wish), recorded, wish.target)
        made, why = await _to_release(world, start, wish, found.release), found.why
    goal, chosen = made.target, made.known
    repository = world.environment.repository
    rollback = repository.rollback_branch.format(epoch=inputs.made)
    change = CodeChange(
        running=running,
        target=goal,
        verdict=chosen.verdict if chosen else "unproven",
        releases_back=_behind(known, recorded, chosen) if chosen else 0,
        way=made.way,
        branch=rollback,
        restored=made.restored,
        migrations=await asyncio.to_thread(_migrations, world, running, goal),
        schema=await _schema(world, _candidates(record, given_up, wish), recorded, goal, wish, show),
        images=await _images(world, chosen) if chosen else {},
        why=why,
        reverts=made.reverts,
        version=made.version,
        triggers=await asyncio.to_thread(set_off, world.clone, running, goal, repository.branch, rollback),
        protection=await protection_of(world),
        instances=tuple(world.environment.service.instances),
    )
    if wish.break_glass and (why := unsafe(change)):
        raise PlanError(f"this plan cannot break the glass: {why}")
    return replace(inputs, change=change, commit=made.commit, reverting=made.reverting)


async def _to_release(world: World, start: Start, wish: Wish, chosen: Known) -> Made:
    """To that release, in the way that is wished for."""
    goal = _goal(world, chosen)
    if goal.tree == start.running.tree:
        raise PlanError(f"{world.environment.repository.branch} builds the tree of {goal.tag} already")
    return await to_release(world, start, wish, chosen, goal)


async def _on_record(world: World, wish: Wish) -> OnRecord:
    """The releases; what was found contracted counts as that while the live schema is the one of then.

    Where the data goes back, its schema goes with it: today's keeps no release from fitting.
    """
    record = await asyncio.to_thread(world.releases)
    if wish.data is not None:
        return with_changes(record, contracted={})
    if not record.contracted:
        return record
    live = await live_digest(world)
    still = {commit: then for commit, then in record.contracted.items() if then == live}
    return with_changes(record, contracted=still)


async def _images(world: World, chosen: Known) -> dict[str, str]:
    """The release's images as they were recorded; else those here that say they were built of its commit."""
    pinned = chosen.images
    if not pinned and world.images is not None:
        pinned = await world.images(chosen.commit)
    return dict(sorted(pinned.items()))


def _running(world: World, known: Sequence[Known]) -> tuple[Release, Release]:
    """What the deploy branch builds now, by the tag that it was recorded under; and as it was recorded.

    After a rollback that was taken back the branch has another head, but builds the tree of the release that
    is to be got away from; of a good one there is nothing to get away from.
    """
    found = world.clone.release(world.clone.branch(world.environment.repository.branch))
    at = place(known, found.commit)
    if at is None:
        left = ((n, one) for n, one in enumerate(known) if one.verdict != "good")
        at = next((n for n, one in left if _tree_of(world, one) == found.tree), None)
    if at is None:
        return found, found
    named = replace(found, tag=known[at].tag)
    return named, replace(named, commit=known[at].commit)


def _tree_of(world: World, known: Known) -> str | None:
    """The tree of a release that was recorded; None where the repository has lost it."""
    try:
        return world.clone.tree_of(known.commit)
    except GitError:
        return None


def _candidates(record: OnRecord, given_up: Sequence[str], wish: Wish) -> OnRecord:
    """Without the releases that this incident went back to and away from, unless one is wished for."""
    left = (one for one in record.known if one.tag not in given_up or one.tag == wish.target)
    return with_changes(record, known=tuple(left))


def _goal(world: World, chosen: Known) -> Release:
    """The release as git knows it; it must be the commit that was judged."""
    goal = world.clone.release(chosen.tag)
    if goal.commit != chosen.commit:
        raise PlanError(
            f"tag {chosen.tag} is commit {short(goal.commit)}, but {short(chosen.commit)} was judged "
            f"{chosen.verdict}: find out who moved the tag"
        )
    return replace(goal, tag=chosen.tag)


def _migrations(world: World, running: Release, goal: Release) -> tuple[str, ...] | None:
    """Files that migrate the schema and are not the same in both; None where nobody has said which do."""
    folders = world.environment.repository.migrations
    if folders is None:
        return None
    return inside(world.clone.changed(running.commit, goal.commit), folders)


async def _schema(
    world: World,
    record: OnRecord,
    running: Release,
    goal: Release,
    wish: Wish,
    show: Callable[[str], None],
) -> SchemaVerdict | None:
    """Whether the release that is gone back to can work with today's schema, where that is kept."""
    if wish.data is not None:
        return None
    good = [one for one in good_before(record, running) if one.commit != goal.commit]
    rehearsed = any(line.action == REHEARSE for line in world.environment.runbook)
    return await judge(world, goal, good, show, rehearsed=rehearsed)


def _behind(known: Sequence[Known], running: Release, chosen: Known) -> int:
    """How many releases lie between what runs and what is gone back to."""
    now = place(known, running.commit)
    return (len(known) if now is None else now) - known.index(chosen)


# -- the steps --------------------------------------------------------------------------------------


def _plan(world: World, inputs: Inputs, wish: Wish) -> Plan:
    environment = world.environment
    lines = tuple(
        in_that_way(line, inputs.change)
        for line in _lines(environment, wish)
        if not _is_idle(line.action, inputs)
    )
    previews = [_preview(line, inputs, world) for line in lines]
    there = {line.id for line in lines}
    glass = glass_of(environment.authorisation) if wish.break_glass else None
    steps = tuple(_step(line, preview, there, world) for line, preview in zip(lines, previews, strict=True))
    return Plan(
        environment=world.name,
        incident=inputs.incident,
        code=inputs.change,
        data=inputs.restore if inputs.rows is None else None,
        verb=wish.verb,
        steps=steps,
        predicates=tuple(_predicates(lines, previews)),
        needs=_needs(environment, steps, glass),
        glass=glass,
        proof=environment.authorisation.proof,
        recover_within_s=environment.recover_within,
        rows=inputs.rows,
        prerequisites=_prerequisites(environment, steps, wish),
    )


def _lines(environment: Environment, wish: Wish) -> Iterator[RunbookStep]:
    """The runbook's lines that serve the wish; a verb that it does not name gets a line of its own."""
    if named_by(wish):
        return iter((line_of(environment, wish),))
    if alone(wish):
        return _lines_of(environment, wish.verb or "")
    chosen = [
        line
        for line in environment.runbook
        if _serves(line.action, wish) and _action(line.action).belongs(environment)
    ]
    if wish.verb is not None and all(line.action != wish.verb for line in chosen):
        chosen.append(_line_of(wish.verb))
    return iter(chosen)


def _is_idle(name: str, inputs: Inputs) -> bool:
    """Whether an action of the schema has nothing to show in this plan.

    Where the verdict keeps the gate closed, nothing that a rehearsal says opens it.
    """
    if name not in (REHEARSE, SAME_SCHEMA):
        return False
    verdict = inputs.change.schema if inputs.change else None
    if verdict is None:
        return inputs.change is None or name == SAME_SCHEMA
    return bool(closes(verdict)) or not verdict.live


def _lines_of(environment: Environment, verb: str) -> Iterator[RunbookStep]:
    """The verb with what is done around it, each when the one before is done."""
    before: list[str] = []
    for name in (*VERBS[verb].first, verb, *VERBS[verb].then):
        lines = [line for line in environment.runbook if line.action == name] or [_line_of(name)]
        for line in lines:
            yield line.model_copy(update={"needs": [*line.needs, *before]})
        before = [line.id for line in lines]


def _serves(name: str, wish: Wish) -> bool:
    match _action(name).serves:
        case "code":
            return wish.code
        case "restore":
            return wish.data is not None
        case "keep":
            return wish.data is None
        case "asked":
            return name == wish.verb
        case "any":
            return True


def _line_of(name: str) -> RunbookStep:
    verb = VERBS.get(name) or COMPANIONS[name]
    return RunbookStep.model_validate(
        {
            "id": name,
            "action": name,
            "phase": verb.phase,
            "title": verb.title,
            "authority": verb.authority,
            "expected": f"{verb.expected_s:g}s",
            "limit": f"{verb.limit_s:g}s",
        }
    )


def _preview(line: RunbookStep, inputs: Inputs, world: World) -> Preview:
    options = {**inputs.options, **line.with_}
    return _action(line.action).preview(replace(inputs, options=options), world)


def _step(line: RunbookStep, preview: Preview, there: set[str], world: World) -> Step:
    action = _action(line.action)
    return Step(
        id=line.id,
        action=line.action,
        title=line.title,
        phase=line.phase,
        authority=line.authority,
        needs=tuple(need for need in line.needs if need in there),
        params=preview.params,
        words=preview.words,
        effects=preview.effects,
        repeatable=action.repeatable,
        expected_s=line.expected,
        limit_s=line.limit,
        proves=tuple(line.proves),
        fills=tuple(action.fills),
        again=action.again,
        back=action.way_back(preview.params, world),
    )


def _action(name: str) -> type[Action]:
    if name not in ACTIONS:
        raise PlanError(f"this version has no action {name}: it cannot be planned")
    return ACTIONS[name]


def _predicates(lines: Sequence[RunbookStep], previews: Sequence[Preview]) -> Iterator[Predicate]:
    """The gate, where there is one, demands whatever the steps of *prepare* prove."""
    if all(line.phase is Phase.PREPARE for line in lines):
        return
    for line, preview in zip(lines, previews, strict=True):
        if line.phase is Phase.PREPARE:
            for slot, words in _action(line.action).fills.items():
                yield Predicate(slot, words, preview.fresh_s)


def _needs(environment: Environment, steps: Sequence[Step], glass: Glass | None) -> tuple[Need, ...]:
    """Who must say yes; nobody where nothing waits for the gate."""
    if not any(step.phase is Phase.SWITCH for step in steps):
        return ()
    if glass is not None:
        return glass_needs(glass)
    return tuple(Need(rule.role, rule.count) for rule in environment.authorisation.approvers)


def _prerequisites(environment: Environment, steps: Sequence[Step], wish: Wish) -> tuple[Prerequisite, ...]:
    """Those of a plan that takes something back; where the glass is broken, nobody's yes is one of them."""
    if alone(wish):
        return ()
    asked = prerequisites(environment, steps, wish)
    return tuple(one for one in asked if not (wish.break_glass and one.proof == "approval"))


def prerequisites(environment: Environment, steps: Sequence[Step], wish: Wish) -> Iterator[Prerequisite]:
    """What else must be done before the gate opens, with the slots of this plan that show it."""
    for rule in environment.prerequisites:
        proof = rule.proof
        slots: tuple[str, ...] = ()
        roles: tuple[str, ...] = ()
        if isinstance(proof, ByEvidence):
            slots = tuple(slot for step in steps if step.id in proof.steps for slot in step.fills)
        elif isinstance(proof, ByApproval):
            roles = (proof.role,)
        elif isinstance(proof, ByHand):
            roles = tuple(proof.roles)
        yield Prerequisite(rule.id, rule.title, proof.kind, slots, roles, _waived_by(rule, wish))


def _waived_by(rule: PrerequisiteRule, wish: Wish) -> tuple[str, ...]:
    """Evidence can be let go only while the data is untouched: to restore it needs the whole."""
    if not rule.may_be_waived or (wish.data is not None and isinstance(rule.proof, ByEvidence)):
        return ()
    return tuple(rule.waived_by)
