"""The planner: finds out where the branch is and where to go back to, and freezes that as a plan."""

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Raw
from msgspec.structs import replace

from actions.action import Inputs, World
from actions.registry import ACTIONS
from console.config.releases import load_releases
from console.core.clock import Stamp
from console.core.errors import StatedError
from console.core.events import PlanFrozen
from console.core.format import short
from console.core.plan import Need, Phase, Plan, Predicate, Release, Step, digest, frozen
from console.core.releases import Known, place, propose
from console.core.strategy import Environment, RunbookStep
from console.targets.git import commit_bytes

FETCH_S = 120


class PlanError(StatedError):
    """No plan can be made; nothing was changed."""


async def make_plan(
    world: World, incident: str, author: str, target: str | None, on_line: Callable[[str], None]
) -> PlanFrozen:
    """Freeze the way back to `target`, or to the newest good release. Changes nothing but our own clone."""
    now = world.clock.now()
    await world.clone.fetch(on_line, FETCH_S)
    known = await asyncio.to_thread(load_releases, world.releases)
    running = _running(world, known)
    chosen = propose(known, running, target)
    goal = _goal(world, chosen)
    if goal.tree == running.tree:
        raise PlanError(f"{world.environment.repository.branch} builds the tree of {goal.tag} already")
    inputs = await _inputs(world, incident, author, running, goal, now)
    plan = _plan(world, inputs, chosen, _behind(known, running, chosen))
    raw = frozen(plan)
    return PlanFrozen(digest=digest(raw), plan=Raw(raw))


def _running(world: World, known: Sequence[Known]) -> Release:
    """What the deploy branch builds now, by the tag that it was recorded under, where it was."""
    found = world.clone.release(world.clone.branch(world.environment.repository.branch))
    recorded = place(known, found.commit)
    return found if recorded is None else replace(found, tag=known[recorded].tag)


def _goal(world: World, chosen: Known) -> Release:
    """The release as git knows it; it must be the commit that was judged."""
    goal = world.clone.release(chosen.tag)
    if goal.commit != chosen.commit:
        raise PlanError(
            f"tag {chosen.tag} is commit {short(goal.commit)}, but {short(chosen.commit)} was judged "
            f"{chosen.verdict}: find out who moved the tag"
        )
    return replace(goal, tag=chosen.tag)


def _behind(known: Sequence[Known], running: Release, chosen: Known) -> int:
    """How many releases lie between what runs and what is gone back to."""
    now = place(known, running.commit)
    return (len(known) if now is None else now) - known.index(chosen)


async def _inputs(
    world: World, incident: str, author: str, running: Release, goal: Release, now: Stamp
) -> Inputs:
    epoch = now.utc_us // 1_000_000
    message = f"Roll back {world.name} to {goal.tag} ({incident})\n\nThe tree of {goal.tag}, {goal.commit}."
    raw = commit_bytes(goal.tree, running.commit, author, now, message)
    return Inputs(
        incident=incident,
        author=author,
        running=running,
        target=goal,
        branch=world.environment.repository.rollback_branch.format(epoch=epoch),
        restored=await world.clone.write_commit(raw, keep=False),
        commit=raw.decode(),
    )


def _plan(world: World, inputs: Inputs, chosen: Known, behind: int) -> Plan:
    environment = world.environment
    return Plan(
        environment=world.name,
        incident=inputs.incident,
        running=inputs.running,
        target=inputs.target,
        target_verdict=chosen.verdict,
        releases_back=behind,
        way="restore tree",
        data="kept",
        branch=inputs.branch,
        restored=inputs.restored,
        steps=tuple(_step(line, inputs, world) for line in environment.runbook),
        predicates=_predicates(environment),
        needs=tuple(Need(rule.role, rule.count) for rule in environment.authorisation.approvers),
        proof=environment.authorisation.proof,
        recover_within_s=environment.recover_within,
    )


def _step(line: RunbookStep, inputs: Inputs, world: World) -> Step:
    action = ACTIONS[line.action]
    preview = action.preview(replace(inputs, options=line.with_), world)
    return Step(
        id=line.id,
        action=line.action,
        title=line.title,
        phase=line.phase,
        authority=line.authority,
        needs=tuple(line.needs),
        params=preview.params,
        words=preview.words,
        effects=preview.effects,
        repeatable=action.repeatable,
        expected_s=line.expected,
        limit_s=line.limit,
        proves=tuple(line.proves),
        fills=tuple(action.fills),
    )


def _predicates(environment: Environment) -> tuple[Predicate, ...]:
    """The gate demands whatever the steps of *prepare* prove."""
    prepare = (ACTIONS[line.action] for line in environment.runbook if line.phase is Phase.PREPARE)
    return tuple(Predicate(slot, words) for action in prepare for slot, words in action.fills.items())
