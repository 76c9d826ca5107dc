"""Merging: the rollback branch into the one that is deployed, by pull request."""

from actions.action import ActionError, Report, World
from actions.freeze import telling
from console.core.format import short
from console.targets.github.answers import ConflictError, UnclearError
from console.targets.github.limits import Box, Reserving
from console.targets.github.pulls import Pull, Pulls

LOOK_S = 30.0
"""How long a look that changes nothing may take."""
_RESERVE_S = 10.0
"""What is kept of a step's time to say what it waits for."""


def pulls_of(world: World) -> Pulls:
    """Where pull requests are opened; ActionError where the strategy does not say."""
    if world.pulls is None:
        raise ActionError(
            "the strategy names no `pull_request` in `repository`: have the rollback branch merged by hand,"
            " and retry"
        )
    return world.pulls


def title_of(world: World, tag: str, incident: str) -> str:
    """What the pull request is called."""
    return f"Roll back {world.name} to {tag} ({incident})"


async def open_one(world: World, params: dict[str, str]) -> Pull | None:
    """The pull request of the rollback branch that is open now; None where there is none."""
    box = Box(world.clock, LOOK_S)
    return await pulls_of(world).found(params["head"], params["branch"], box)


async def merge(world: World, params: dict[str, str], report: Report) -> None:
    """Open it, or find the one that is open, and see it merged; ActionError says what it waits for.

    While it is open the branch must stay where the plan found it: merged onto something else, that would be
    deployed unseen, so it is closed then.
    """
    pulls, tell, limit = pulls_of(world), telling(report), Reserving(report, _RESERVE_S)
    head, base = params["head"], params["branch"]
    pull = await pulls.found(head, base, limit)
    if pull is None:
        pull = await pulls.open(head, base, params["title"], params["body"], limit)
        tell(f"opened {pull.words}")
    else:
        tell(f"found {pull.words}")
    while True:
        now = await world.clone.on_remote(f"refs/heads/{base}")
        pull = await pulls.look(pull.number, limit)
        if pull.merged:
            tell(f"pull request {pull.number} is merged")
            return
        await _must_be_ours(pull, params, now, pulls, report)
        if pull.is_ready and pulls.settings.merged_by == "warroom":
            try:
                await pulls.merge(pull.number, params["restored"], limit)
            except (ConflictError, UnclearError) as error:
                tell(str(error))  # the next look says what became of it
            else:
                continue
        approved = await pulls.approvals(pull.number, limit)
        report(f"pull request {pull.number} waits for {pull.waits_for}", done=approved, unit="approved it")
        _may_wait(pull, report, pulls.settings.every)
        await world.clock.sleep(pulls.settings.every)


async def _must_be_ours(
    pull: Pull, params: dict[str, str], now: str | None, pulls: Pulls, report: Report
) -> None:
    """Open, of our commit, onto the branch as the plan found it."""
    number, base = pull.number, params["branch"]
    if pull.state != "open":
        raise ActionError(f"pull request {number} was closed and not merged: ask why; retry opens another")
    if pull.head.sha != params["restored"]:
        raise ActionError(
            f"pull request {number} is of {short(pull.head.sha)}, not of {short(params['restored'])}:"
            " somebody has pushed to the rollback branch, plan again"
        )
    if now != params["from"]:
        await pulls.close(number, report)
        where = short(now) if now else "nowhere"
        raise ActionError(f"{base} has moved to {where}: pull request {number} is closed, plan again")


def _may_wait(pull: Pull, report: Report, every: float) -> None:
    """ActionError where somebody asked to stop, or no time is left to look again."""
    if report.stopping:
        raise ActionError(f"stopped on request; {pull.words} is open still")
    if report.left_s <= _RESERVE_S + every:
        raise ActionError(f"{pull.words} waits for {pull.waits_for}: have it done; retry goes on waiting")
