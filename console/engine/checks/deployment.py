"""Whoever deploys: whether they answer, and whether a release could be deployed by them now."""

import asyncio
import shutil
from pathlib import Path

from console.core.checked import Remark, good, lack, note, warn
from console.core.deploying import CommandDeploy, ComposeDeploy
from console.core.format import count
from console.core.naming import quoted
from console.core.strategy import KeeperDeploy
from console.core.swarm_deploy import SwarmDeploy
from console.engine.checks.case import Case
from console.engine.checks.swarm import swarm
from console.engine.deployers import DeployerMaker
from console.targets.deploy import Deployment
from console.targets.keeper import Keeper

_TARGET = "deploy"
_LIMIT_S = 12.0


async def deploy(case: Case) -> list[Remark]:
    """Whether whoever deploys answers; of a pipeline there is nothing to be asked."""
    rules = case.environment.deploy
    if isinstance(rules, KeeperDeploy):
        return await _keeper(rules)
    if isinstance(rules, SwarmDeploy):
        return await swarm(case, rules)
    if isinstance(rules, ComposeDeploy):
        return [*await _compose(case, rules), *await asyncio.to_thread(_without_images, case, rules)]
    if isinstance(rules, CommandDeploy):
        return _command(case, rules)
    return [note(_TARGET, "a push to the branch deploys: whether that works, only a push tells")]


async def _keeper(rules: KeeperDeploy) -> list[Remark]:
    status = await Keeper(Path(rules.socket)).status(_LIMIT_S)
    if status.phase != "ready":
        return [warn(_TARGET, f"the drill's keeper is {status.phase}", "wait until it is ready")]
    return [good(_TARGET, f"the drill's keeper answers, {status.version or 'nothing'} is deployed")]


async def _compose(case: Case, rules: ComposeDeploy) -> list[Remark]:
    """All that `deploy-ready` will look at, but for the images, which are those of a release."""
    means = case.means
    maker = DeployerMaker(means.programs, case.secrets, means.clock, means.folder, case.state, case.clone())
    deployer = maker.compose(rules)
    lacking = await deployer.ready(Deployment("", "", "", _LIMIT_S), lambda _words: None)
    if lacking:
        return [lack(_TARGET, sentence) for sentence in lacking]
    running = await deployer.settled()
    return [
        good(_TARGET, f"Compose answers for {rules.project}: {running.words}"),
        note(
            _TARGET,
            "a deploy script of the project is never called: one that takes all of it down stops the database"
            " too, throws the logs away, and builds while users wait",
        ),
    ]


def _without_images(case: Case, rules: ComposeDeploy) -> list[Remark]:
    """Good releases that cannot be gone back to because nobody has said which images they are."""
    known = case.ledger().read().known
    without = [
        one.tag for one in known if one.verdict == "good" and not rules.services.keys() <= one.images.keys()
    ]
    if not without:
        return []
    words = f"{count(len(without), 'good release')} without an image of each component: {', '.join(without)}"
    return [warn(_TARGET, words, "record them: `warroom release record TAG --image COMPONENT=sha256:...`")]


def _command(case: Case, rules: CommandDeploy) -> list[Remark]:
    """Whether its programs are there; none of them is run."""
    told = [argv[0] for argv in (rules.argv, rules.dry_run, rules.stop, rules.start) if argv]
    missing = [word for word in dict.fromkeys(told) if not _is_there(case.means.folder, word)]
    if missing:
        to_do = "install it on the engine's machine, or mend `deploy`"
        return [lack(_TARGET, f"{quoted(word)} is not there", to_do) for word in missing]
    tried = [] if rules.dry_run else [note(_TARGET, "no `dry_run`: it is not tried before the gate")]
    return [good(_TARGET, f"{quoted(rules.argv[0])} is there"), *tried]


def _is_there(folder: Path, word: str) -> bool:
    """Whether a program can be started in the strategy's folder."""
    return shutil.which(str(folder / word) if "/" in word else word) is not None
