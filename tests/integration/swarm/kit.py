"""What the tests of a swarm share: releases as images, and the strategy's settings with short times."""

import secrets
from typing import Any

from console.core.swarm_deploy import SwarmDeploy
from console.store.clock import SystemClock
from console.targets.deploy import Deployment
from console.targets.docker.engine import Docker
from console.targets.swarm.deployer import SwarmDeployer
from tests.docker_swarm import SwarmEngine

GOOD, BAD = "v1.5.0", "v1.5.3"
COMMIT = "4ac28a6f2f4c1e0d3e2a5f6b7c8d9e0f1a2b3c4d"
LIMIT_S = 60.0


class Site:
    """Images of a good release, a bad one that runs, and one that ends at once."""

    def __init__(self, swarm: SwarmEngine) -> None:
        self.swarm = swarm
        forever = ("sleep", "infinity")
        self.good = swarm.image(GOOD, forever, labels={"org.opencontainers.image.revision": COMMIT})
        self.bad = swarm.image(BAD, forever)
        self.well = swarm.image("v1.5.2", ("sh", "-c", "touch /well; sleep infinity"))
        self.ends = swarm.image("v1.5.1", ("false",))

    def deployer(self, *, services: dict[str, str] | None = None, **changes: Any) -> SwarmDeployer:
        """Of the service `web`, unless others are named; with the strategy's settings changed."""
        settings = {"monitor": "500ms", "services": services or {"api": "web"}, **changes}
        rules = SwarmDeploy.model_validate({"kind": "swarm", "docker": self.swarm.own.url, **settings})
        return SwarmDeployer(Docker(rules.docker), rules, SystemClock())


def wish(*, limit_s: float = LIMIT_S, token: str | None = None, **images: str) -> Deployment:
    """A wish for those images by component."""
    return Deployment(COMMIT, GOOD, token or secrets.token_hex(8), limit_s, images)


class Said(list[str]):
    """Progress, as it is told."""

    def __call__(self, words: str) -> None:
        self.append(words)
