"""How the deployers that have something to be told are made from the strategy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from console.config.secrets import Secrets
from console.core.clock import Clock
from console.core.deploying import CommandDeploy, ComposeDeploy
from console.targets.command_deploy import CommandDeployer
from console.targets.compose.application import Application
from console.targets.compose.cli import Compose, Project, engine_variables
from console.targets.compose.deployer import ComposeDeployer
from console.targets.compose.served import Served
from console.targets.docker.engine import Docker
from console.targets.git import Clone
from console.targets.health import Asking
from console.targets.process import Programs

_OVERRIDES = "compose"
"""Folder of the overrides in the state folder."""
_CHECKOUTS = "served"
"""Folder of the releases whose code is mounted."""


@dataclass(frozen=True, slots=True)
class DeployerMaker:
    """Makes them for one engine; paths are relative to `base`, the strategy's folder."""

    programs: Programs
    secrets: Secrets
    clock: Clock
    base: Path
    state: Path
    clone: Clone

    def compose(self, rules: ComposeDeploy) -> ComposeDeployer:
        """Containers of a Compose project."""
        folder = (self.base / rules.folder).absolute()
        docker = Docker(rules.docker)
        project = Project(
            rules.project,
            folder,
            tuple(folder / name for name in rules.files),
            None if rules.env_file is None else folder / rules.env_file,
        )
        told = self._told(rules.environment)

        def environment() -> dict[str, str]:
            return {**told(), **engine_variables(docker.endpoint.url)}

        application = Application(
            services=dict(rules.services),
            depends=tuple(rules.depends),
            kept=tuple(folder / path for path, kind in rules.mounts.items() if kind == "kept"),
            served=Served(
                self.clone,
                self.state / _CHECKOUTS,
                folder,
                [path for path, kind in rules.mounts.items() if kind == "code"],
            ),
            room=rules.room,
        )
        compose = Compose(self.programs, project, environment)
        return ComposeDeployer(compose, docker, application, self.clock, self.state / _OVERRIDES)

    def command(self, rules: CommandDeploy, health: Asking) -> CommandDeployer:
        """The strategy's own command."""
        told = self._told(rules.environment)
        return CommandDeployer(rules, self.programs, health, self.clock, self.base, told)

    def _told(self, references: Mapping[str, str]) -> Callable[[], dict[str, str]]:
        """Resolves variables at use."""
        return lambda: {name: self.secrets.resolve(where) for name, where in references.items()}
