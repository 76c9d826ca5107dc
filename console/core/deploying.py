"""How an environment deploys by itself: containers of Docker Compose, or a command of the strategy."""

from typing import Annotated, Literal

from pydantic import Field

from console.core.data import Argv, Size
from console.core.fields import Expected, Model, Name, SecretRef, Span, Text

_ROOM = 1_000_000_000


class ComposeDeploy(Model):
    """Containers that Docker Compose makes, of images that a release has pinned."""

    kind: Literal["compose"]
    files: Annotated[list[Text], Field(min_length=1), Expected("a list of at least one file of Compose")]
    """As they are given with `-f`, in that order; paths are relative to `folder`."""
    project: Text
    """The project's name, as its containers carry it."""
    folder: Text = "."
    """The project's folder, whose `.env` Compose reads; relative to the strategy's."""
    env_file: Text | None = None
    """What Compose reads instead of `.env`, relative to `folder`."""
    environment: dict[Text, SecretRef] = Field(default_factory=dict)
    """Variables that the files mention and no env file has; nothing else of ours is passed on."""
    services: Annotated[dict[Name, Text], Field(min_length=1), Expected("a mapping of component to service")]
    """The application's services by component: these alone are stopped, started and replaced."""
    depends: list[Text] = Field(default_factory=list)
    """Services that must be well beforehand, besides those that the application's `depends_on` names."""
    mounts: dict[Text, Literal["kept", "code"]] = Field(default_factory=dict)
    """Paths of the engine's machine that are mounted into the application; relative to `folder`, or absolute.

    `kept` holds no code and stays; `code` is mounted from a checkout of the release instead, in whose tree it
    has the same path. Any other mount is refused."""
    docker: Text | None = None
    """Address of the engine, `unix:///var/run/docker.sock`; None: the one that `docker` would ask."""
    room: Size = _ROOM
    """Bytes that must be free where the engine keeps its data."""


class CommandDeploy(Model):
    """A command that deploys, by whoever wrote it; that it exits with 0 proves nothing."""

    kind: Literal["command"]
    argv: Argv
    """Run in the strategy's folder. WARROOM_RELEASE, WARROOM_COMMIT, and for each component of the release
    that has an image WARROOM_IMAGE_<COMPONENT>, tell it what to run."""
    dry_run: Argv | None = None
    """Run in *prepare*, with the same environment; None: nothing is tried before the gate."""
    limit: Span
    """How long each of them may take."""
    environment: dict[Text, SecretRef] = Field(default_factory=dict)
    """Variables that they need; nothing else of ours is passed on."""
    stop: Argv | None = None
    """Stops the service's processes, and nothing else; None: that is done by hand."""
    start: Argv | None = None
