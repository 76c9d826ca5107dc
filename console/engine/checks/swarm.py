"""A swarm that deploys: whether a manager answers, and whether its services could be updated now."""

from console.core.checked import Remark, good, lack
from console.core.swarm_deploy import SwarmDeploy
from console.engine.checks.case import Case
from console.targets.docker.engine import Docker
from console.targets.swarm.deployer import SwarmDeployer

_TARGET = "deploy"


async def swarm(case: Case, rules: SwarmDeploy) -> list[Remark]:
    """All that is looked at before the gate, but for the images, which are those of a release."""
    deployer = SwarmDeployer(Docker(rules.docker), rules, case.means.clock)
    if sentences := await deployer.lacking():
        return [lack(_TARGET, sentence) for sentence in sentences]
    return [good(_TARGET, f"the swarm answers: {(await deployer.settled()).words}")]
