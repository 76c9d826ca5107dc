"""The service that is drilled: checked out from the remote, migrated, started, seen to be healthy."""

import asyncio
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import msgspec
from msgspec import Struct

from console.drill.children import Children, python
from console.drill.migrations import migrate
from console.drill.place import DrillError, Place, one_line
from console.drill.ports import LOOPBACK, on_free_port
from console.targets.process import Finished, ProgramError, Programs

_FULL_ID = re.compile(r"[0-9a-f]{40}")
_CONNECTED = re.compile(r"^walletconnect_connections_total (\S+)$", re.MULTILINE)
_GIT_LIMIT_S = 30
_START_LIMIT_S = 15


def instance_names(number: int) -> tuple[str, ...]:
    """What the service's processes are called: `service`, or `app-1`, `app-2` and so on of several."""
    return ("service",) if number == 1 else tuple(f"app-{one}" for one in range(1, number + 1))


class Health(Struct, frozen=True):
    """What the service answers to /health, as far as the keeper needs it."""

    status: str
    version: str
    commit: str
    database: str
    cache: str


class Running(Struct, frozen=True):
    """A release that has taken over."""

    commit: str
    version: str
    worktree: Path


class Site:
    """One service, of which one release runs at a time, each instance of it always on the same port."""

    def __init__(
        self,
        place: Place,
        programs: Programs,
        children: Children,
        say: Callable[[str], None],
        instances: int = 1,
    ) -> None:
        self._place = place
        self._programs = programs
        self._children = children
        self._say = say
        self.instances = instance_names(instances)
        """Names of its processes."""
        self._ports: dict[str, int] = {}
        self._change = asyncio.Lock()
        """Held by whoever stops or starts the service: one after the other."""
        self._http = httpx.AsyncClient(trust_env=False, timeout=2)
        self.settings: dict[str, str] = {}
        """What this world gives its service beside its stores: environment variables."""
        self.docker = ""
        """Address of the Docker engine that it runs in, under Compose; empty: it is a process."""
        self.running: Running | None = None
        """What took over last; it may have ended since."""

    @property
    def port(self) -> int:
        """Where it listens, once one has been started; DrillError before.

        Of several instances it is the last one that is looked at where only one is: those that fall behind
        are the last, and nothing that is measured may look well before all of them are.
        """
        if self.instances[-1] not in self._ports:
            raise DrillError("no release has been started yet")
        return self._ports[self.instances[-1]]

    @property
    def url(self) -> str:
        """Where the service answers, once one has been started."""
        return f"http://{LOOPBACK}:{self._ports.get(self.instances[-1])}"

    @property
    def urls(self) -> dict[str, str]:
        """Where each of its instances answers, by name."""
        return {name: f"http://{LOOPBACK}:{self._ports[name]}" for name in self.instances}

    async def head_of(self, branch: str) -> str:
        """Full id of the last commit of a branch, asked of the remote itself."""
        words = ("ls-remote", "--exit-code", "--", str(self._place.remote), f"refs/heads/{branch}")
        return (await self._git(*words)).split()[0]

    async def deploy(self, commit: str, dsn: str, on_change: Callable[[], None], behind: int = 0) -> Running:
        """Run that commit in place of what runs; the last `behind` instances go on as they are.

        `on_change` is called whenever something changes for users: before each migration, and when the old
        one is told to stop. Whatever can fail before that does so while the old one still serves.
        """
        worktree = await self._check_out(commit)
        await migrate(dsn, worktree, commit, self._say, on_change)
        async with self._change:
            old = f"stopping {self.running.version}, " if self.running else ""
            self._say(f"{old}starting {commit[:12]}")
            on_change()
            self.running = None
            taking = self.instances[: len(self.instances) - behind]
            await self._children.stop(*taking)
            self.running = await self._start_all(taking, worktree, commit)
        return self.running

    async def stop_writers(self) -> None:
        """Stop the service, if it runs; what ran is remembered."""
        async with self._change:
            if self._is_up:
                self._say("stopping the service: nobody writes from now on")
            await self._children.stop(*self.instances)

    async def start_writers(self) -> None:
        """Start what ran last, unless it runs; the schema stays as it is."""
        async with self._change:
            if self._is_up:
                return
            if self.running is None:
                raise DrillError("the last deploy failed, so there is no release to start again: deploy one")
            self._say(f"starting {self.running.version} again")
            await self._start_all(self.instances, self.running.worktree, self.running.commit)

    @property
    def _is_up(self) -> bool:
        parts = self._children.parts()
        return any(name in parts and parts[name].pid is not None for name in self.instances)

    async def _start_all(self, instances: Sequence[str], worktree: Path, commit: str) -> Running:
        """Start these side by side; DrillError of the first that does not start."""
        started = await asyncio.gather(*(self._start_anywhere(each, worktree, commit) for each in instances))
        return started[0]

    async def _start_anywhere(self, instance: str, worktree: Path, commit: str) -> Running:
        """Start it on the instance's port, or the first time on one that is free."""
        known = self._ports.get(instance)
        if known is not None:
            return (await self._start(instance, worktree, commit, known))[1]
        port, running = await on_free_port(lambda port: self._start(instance, worktree, commit, port))
        self._ports[instance] = port
        return running

    async def lacks_users(self) -> str:
        """Empty as soon as the service has counted a user who connected, else what it says instead."""
        try:
            page = (await self._http.get(f"{self.url}/metrics")).text
        except httpx.HTTPError as error:
            return f"no answer to /metrics: {one_line(error)}"
        connected = _CONNECTED.search(page)
        return "" if connected and float(connected[1]) > 0 else "no user has connected"

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    def _command(self, port: int, commit: str) -> tuple[str, ...]:
        """The service itself; or whoever keeps its container, which ends with that process."""
        if not self.docker:
            return python("walletconnect", "--port", str(port))
        from console.drill.contained import keeping  # what drives an engine is loaded where one is driven

        return keeping(self.docker, port, commit)

    async def _start(self, instance: str, worktree: Path, commit: str, port: int) -> tuple[int, Running]:
        child = await self._children.start(
            instance,
            self._command(port, commit),
            cwd=Path("/") if self.docker else worktree,
            extra={
                **self.settings,
                "WALLETCONNECT_DATABASE_FILE": str(self._place.secrets / "postgres.dsn"),
                "WALLETCONNECT_CACHE_FILE": str(self._place.secrets / "redis.url"),
                # So that the worktree stays what git says it is.
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )
        child.port = port
        versions: list[str] = []

        async def lacks() -> str:
            health = await self._health(port)
            if isinstance(health, str):
                return health
            if health.status != "ok":
                return f"it says {health.status} (database: {health.database}, cache: {health.cache})"
            versions.append(health.version)
            return "" if health.commit == commit else f"commit {health.commit} answers"

        await child.until_ready(lacks, _START_LIMIT_S + len(self.instances))
        return port, Running(commit, versions[-1], worktree)

    async def _health(self, port: int) -> Health | str:
        """The service's answer, or why there is none."""
        try:
            response = await self._http.get(f"http://{LOOPBACK}:{port}/health")
            return msgspec.json.decode(response.content, type=Health)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            return f"no answer to /health: {one_line(error)}"

    async def _check_out(self, commit: str) -> Path:
        """A worktree that holds exactly that commit, freshly fetched."""
        if not _FULL_ID.fullmatch(commit):
            raise DrillError(f"{commit!r} is not a full commit id: resolve it first")
        self._say(f"fetching {commit[:12]}")
        place, clone = self._place, ("-C", str(self._place.clone))
        if not place.clone.exists():
            await self._git("clone", "--quiet", "--no-checkout", "--", str(place.remote), str(place.clone))
        await self._git(*clone, "fetch", "--quiet", "--prune", "--tags", "--force", "origin")
        known = await self._try_git(*clone, "cat-file", "-e", f"{commit}^{{commit}}")
        if known.code:
            raise DrillError(f"commit {commit[:12]} is not in {place.remote}: push it first")
        worktree = place.worktrees / commit
        if not await self._holds_exactly(worktree, commit):
            shutil.rmtree(worktree, ignore_errors=True)
            await self._git(*clone, "worktree", "prune")
            await self._git(*clone, "worktree", "add", "--quiet", "--detach", str(worktree), commit)
        return worktree

    async def _holds_exactly(self, worktree: Path, commit: str) -> bool:
        if not worktree.exists():
            return False
        head = await self._try_git("-C", str(worktree), "rev-parse", "HEAD")
        changes = await self._try_git("-C", str(worktree), "status", "--porcelain")
        return head.code == changes.code == 0 and head.out.strip() == commit and not changes.out

    async def _git(self, *words: str) -> str:
        finished = await self._try_git(*words)
        if finished.code:
            raise DrillError(f"git could not prepare the deploy: {finished.reason}")
        return finished.out

    async def _try_git(self, *words: str) -> Finished:
        try:
            return await self._programs.run(("git", *words), limit_s=_GIT_LIMIT_S)
        except ProgramError as error:
            raise DrillError(str(error)) from error
