"""Deployments by a command of the strategy, tried dry beforehand, and believed when the service answers."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from console.core.clock import Clock
from console.core.deploying import CommandDeploy
from console.core.plan import Release
from console.targets.deploy import DeployError, Deployment, Running, answered
from console.targets.health import Asking
from console.targets.process import ProgramError, Programs

_POLL_S = 1.0


def variables(wish: Deployment) -> dict[str, str]:
    """What the command is told of the wish."""
    images = {
        f"WARROOM_IMAGE_{component.upper().replace('-', '_')}": image
        for component, image in wish.images.items()
    }
    return {"WARROOM_RELEASE": wish.version, "WARROOM_COMMIT": wish.commit, **images}


class CommandDeployer:
    """Runs the command, and asks the service itself what came of it."""

    def __init__(
        self,
        rules: CommandDeploy,
        programs: Programs,
        health: Asking,
        clock: Clock,
        folder: Path,
        environment: Callable[[], Mapping[str, str]],
    ) -> None:
        """Commands are run in `folder`; `environment` resolves what they need besides."""
        self._rules = rules
        self._programs = programs
        self._health = health
        self._clock = clock
        self._folder = folder
        self._environment = environment

    def effect(self, release: Release, _branch: str, images: Mapping[str, str] | None = None) -> str:
        """The command line with what it is told; the commit is that of the branch when it is run."""
        told = variables(Deployment("", release.tag, "", 0, dict(images or {})))
        del told["WARROOM_COMMIT"]
        named = " ".join(f"{name}={shlex.quote(value)}" for name, value in told.items())
        return f"{named} WARROOM_COMMIT=... {shlex.join(self._rules.argv)}"

    async def settled(self) -> Running:
        """What the service itself answers now. The command has ended with whoever started it."""
        health = await self._health.ask()
        return Running(health.commit, health.version, f"the service answers {health.version or health.words}")

    async def ready(self, wish: Deployment, progress: Callable[[str], None]) -> list[str]:
        """What the dry run says."""
        if self._rules.dry_run is None:
            progress("the strategy names no `dry_run`: the command is not tried before the gate")
            return []
        try:
            await self._run(self._rules.dry_run, min(self._rules.limit, wish.limit_s), progress, wish)
        except DeployError as error:
            return [f"the dry run: {error}"]
        return []

    async def deploy(self, wish: Deployment, progress: Callable[[str], None]) -> None:
        """Run it, then wait for the service to answer the version: exit code 0 is no proof."""
        began = self._clock.now()
        await self._run(self._rules.argv, min(self._rules.limit, wish.limit_s), progress, wish)
        left_s = wish.limit_s - self._clock.now().seconds_since(began)
        waiting = Deployment(wish.commit, wish.version, wish.token, max(0.0, left_s), wish.images)
        await answered(self._health, self._clock, _POLL_S, waiting, progress)

    def writers_effect(self, *, stop: bool) -> str:
        """The command line, or that a person does it."""
        argv = self._rules.stop if stop else self._rules.start
        verb = "stop" if stop else "start"
        return (
            shlex.join(argv) if argv else f"by hand, where the service runs: {verb} it; then retry the step"
        )

    async def stop_writers(self, progress: Callable[[str], None], limit_s: float) -> None:
        """Run the command that stops it."""
        await self._writers(self._rules.stop, "stop", progress, limit_s)

    async def start_writers(self, progress: Callable[[str], None], limit_s: float) -> None:
        """Run the command that starts it."""
        await self._writers(self._rules.start, "start", progress, limit_s)

    async def _writers(
        self, argv: Sequence[str] | None, verb: str, progress: Callable[[str], None], limit_s: float
    ) -> None:
        if argv is None:
            raise DeployError(
                f"the strategy has no command to {verb} the service: {verb} its processes where they run, not"
                " the database or the cache, then retry this step, which sees for itself how things are"
            )
        await self._run(argv, min(self._rules.limit, limit_s), progress, None)

    async def _run(
        self,
        argv: Sequence[str],
        limit_s: float,
        progress: Callable[[str], None],
        wish: Deployment | None,
    ) -> None:
        """Run one to its end; DeployError with the last thing it said when it fails."""
        told = {**self._environment(), **(variables(wish) if wish else {})}
        try:
            finished = await self._programs.run(
                argv, limit_s=limit_s, cwd=self._folder, extra=told, on_line=progress
            )
        except ProgramError as error:
            raise DeployError(str(error)) from error
        if finished.code:
            raise DeployError(f"`{argv[0]}` exited with code {finished.code}: {finished.reason}")
