"""The strategy's settings of Docker Swarm as the deployment target: its services and how to update them."""

from typing import Annotated, Literal

from pydantic import Field

from console.core.fields import Count, Expected, Model, Name, Seconds, Span, matching

ServiceName = Annotated[
    str,
    matching(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"),
    Expected("the name of a service, as `docker service ls` prints it"),
]
EngineUrl = Annotated[
    str,
    matching(r"(unix:///|tcp://)\S+"),
    Expected("an engine's address such as `unix:///var/run/docker.sock` or `tcp://10.0.0.7:2376`"),
]


class SwarmDeploy(Model):
    """Deployments by Docker Swarm: each component is a service that is updated to a pinned image."""

    kind: Literal["swarm"]
    services: Annotated[
        dict[Name, ServiceName], Field(min_length=1), Expected("a mapping of each component to its service")
    ]
    """Component, as the release's images name it, to the service that runs it."""
    docker: EngineUrl | None = None
    """A manager of the swarm; None: the engine that `docker` would ask."""
    order: Literal["start-first", "stop-first"] = "start-first"
    """Whether a new task runs before the old one ends: nobody is without service, and both run a while."""
    parallelism: Count = 2
    """How many tasks are replaced at the same time."""
    delay: Seconds = 0.0
    """Between one lot of tasks and the next."""
    monitor: Span = 5.0
    """How long a new task must run before it is believed."""
    failure: Literal["rollback", "pause"] = "rollback"
    """Who takes a failed update back: Swarm by itself, or Warroom once Swarm has paused it.

    Either way the service ends whole on one image. Swarm's own does not need us.
    """
