"""A world while it runs: how it is built, what it can be asked, and how it ends."""

import asyncio
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from console.drill.base import begin_archive
from console.drill.cache import start_redis
from console.drill.certificates import trusting
from console.drill.children import Children, environment, python
from console.drill.ci_world import start_ci
from console.drill.deploys import Deploys
from console.drill.env_file import EnvHistory
from console.drill.history import build_history
from console.drill.outside import PARTS, Outside
from console.drill.place import DrillError, Place
from console.drill.postgres import start_postgres
from console.drill.racing import WHO, race
from console.drill.seeds import plant
from console.drill.site import Site
from console.drill.speaker import Speaker
from console.drill.world import Past, PostgresAt, RedisAt, World, WorldWanted
from console.targets.keeper import (
    Answer,
    BreakRequest,
    Broken,
    Deployed,
    DeployRecord,
    DeployRequest,
    Fault,
    KeeperStatus,
    MendRequest,
    Moment,
    RaceRequest,
    ReadyRequest,
    Request,
    StartWritersRequest,
    StatusRequest,
    StopWritersRequest,
)
from console.targets.process import Programs

_USERS_LIMIT_S = 15


class House:
    """The parts of one world, and all that is asked of them."""

    def __init__(
        self, place: Place, wanted: WorldWanted, speaker: Speaker, now: Callable[[], Moment]
    ) -> None:
        self._story = wanted.story
        self._wanted = wanted
        self._place = place
        self._speaker = speaker
        self._now = now
        self._programs = Programs(environment(place), tag=place.root / "keeper")
        self._children = Children(place, speaker.say)
        self._site = Site(place, self._programs, self._children, speaker.say, self._story.instances)
        self._site.docker = wanted.docker
        self._outside = Outside(place, self._story, self._children)
        self._env: EnvHistory | None = None
        self._deploys = Deploys(place.deploys, now)
        self._phase: Literal["building", "ready", "stopping"] = "building"
        self._building: asyncio.Task[World] | None = None
        self._world: World | None = None
        self._ci: str | None = None
        self._raced = False
        self._stop = asyncio.Event()
        self._ended = asyncio.Event()

    def stop(self) -> None:
        """Have it end soon."""
        self._stop.set()

    async def live(self) -> None:
        """Build the world and keep it until it is to stop; DrillError when it cannot be built."""
        self._building = asyncio.create_task(self._build())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({self._building, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not self._building.done():
            self._building.cancel()
            await asyncio.wait({self._building})
            raise DrillError("the keeper was told to stop while it built the world")
        self._building.result()
        self._speaker.ready()
        await stopping

    async def end(self) -> None:
        """Stop every part, and remove what is of no use without them."""
        self._phase = "stopping"
        self._speaker.say("stopping users and service")
        await self._deploys.abandon()
        await self._children.stop("users", *self._site.instances, "ci", *PARTS)
        self._speaker.say("stopping PostgreSQL and Redis")
        await self._children.stop("postgres", "redis")
        await self._site.close()
        if self._wanted.docker:
            from console.drill.contained import forget  # what drives an engine is loaded where one is driven

            if left := await forget(self._place, self._wanted.docker, self._programs):
                self._speaker.say(left)
        self._place.clear_outside()
        self._place.clear_data()
        if self._world is not None:
            self._save(replace(self._world, ended=self._now()))
        self._speaker.say("stopped")
        self._ended.set()

    async def answer(self, request: Request) -> Answer:
        """Grant a request; DrillError with the reason when it is refused or fails."""
        match request:
            case StatusRequest():
                return self._status()
            case ReadyRequest():
                return await self._when_ready()
            case DeployRequest(commit=commit, token=token):
                return await self._deploy(self._ready_world(), commit, token)
            case BreakRequest(scenario=scenario):
                return await self._break(self._ready_world(), scenario)
            case MendRequest():
                self._ready_world()
                await self._outside.mend(self._speaker.say)
                return Answer()
            case RaceRequest():
                await self._race(self._ready_world())
                return Answer()
            case StopWritersRequest():
                self._ready_world()
                await self._site.stop_writers()
                return Answer()
            case StartWritersRequest():
                self._ready_world()
                await self._site.start_writers()
                return Answer()
        self.stop()
        await self._ended.wait()
        return Answer()

    async def _build(self) -> World:
        started = self._now()
        for folder in (self._place.secrets, self._place.logs, self._place.worktrees):
            folder.mkdir(mode=0o700)
        self._speaker.say("making the history of releases, a PostgreSQL and a Redis")
        commits, postgres, redis = await self._ground(started)
        self._site.settings |= await self._outside.begin() | self._with_env(started)
        good = self._story.starts
        self._speaker.say(f"deploying {good}")
        deploy = partial(self._run, commits[good], postgres.dsn, lambda: None)
        await self._deploys.once(commits[good], "start", deploy)
        await self._outside.open_edge(self._site.port)
        past = await self._given_a_past(postgres)
        self._speaker.say("letting the users in")
        await self._let_users_in()
        world = self._described(started, postgres, redis, past)
        self._save(world)
        self._phase = "ready"
        self._speaker.say(f"ready: {good} serves its users at {world.service_url}")
        return world

    def _with_env(self, started: Moment) -> dict[str, str]:
        """The environment file, where the service starts with one; what it is told of it."""
        if self._story.env is None:
            return {}
        self._env = EnvHistory(self._place, self._story, self._story.env, started.utc_us)
        return self._env.begin()

    async def _ground(self, started: Moment) -> tuple[dict[str, str], PostgresAt, RedisAt]:
        """What the service stands on, made side by side."""
        place, programs, children = self._place, self._programs, self._children
        archives = self._story.archives
        try:
            async with asyncio.TaskGroup() as group:
                ci = group.create_task(start_ci(place, children)) if self._story.freezes else None
                history = build_history(place, programs, self._story, started.utc_us // 1_000_000)
                commits = group.create_task(history)
                postgres = group.create_task(start_postgres(place, programs, children, archives=archives))
                redis = group.create_task(start_redis(place, children))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        self._ci = ci.result() if ci else None
        if self._wanted.docker:
            from console.drill.contained import record

            self._speaker.say("making an image of each release")
            await record(place, self._wanted.docker, programs, commits.result())
        return commits.result(), postgres.result(), redis.result()

    async def _given_a_past(self, postgres: PostgresAt) -> Past | None:
        """Rows from before the drill, and a base backup after them, where the environment archives."""
        if postgres.archive is None:
            return None
        self._speaker.say("seeding the database")
        seeds = await plant(postgres.dsn, self._wanted.bulk, self._place.seeds, self._speaker.say)
        based = await begin_archive(postgres, postgres.archive, self._programs, self._speaker.say)
        return Past(seeds, based)

    async def _let_users_in(self) -> None:
        place = self._place
        edge = self._outside.edge_url
        urls = (edge,) if edge else tuple(self._site.urls.values())
        users = await self._children.start(
            "users",
            python("console.drill.users", str(place.users), str(place.acknowledged), *urls),
            cwd=Path("/"),
            extra=trusting(place),
        )
        await users.until_ready(self._site.lacks_users, _USERS_LIMIT_S)

    def _described(self, started: Moment, postgres: PostgresAt, redis: RedisAt, past: Past | None) -> World:
        noted = self._place.noted()
        return World(
            keeper_pid=os.getpid(),
            socket=str(noted.socket),
            remote=str(self._place.remote),
            service_url=self._site.url,
            instances=self._site.urls if self._story.instances > 1 else {},
            rpc_url=self._outside.rpc_url,
            edge_url=self._outside.edge_url,
            postgres=postgres,
            redis=redis,
            releases=str(self._place.releases),
            deploys=str(self._place.deploys),
            users=str(self._place.users),
            acknowledged=str(self._place.acknowledged),
            wanted=self._wanted,
            past=past,
            ci=self._ci,
            started=started,
            temp=noted.outside,
        )

    def _save(self, world: World) -> None:
        world.save(self._place.root)
        self._world = world

    def _ready_world(self) -> World:
        if self._world is None or self._phase != "ready":
            raise DrillError(f"the world is not ready but {self._phase}")
        return self._world

    async def _when_ready(self) -> KeeperStatus:
        if self._building is not None:
            await asyncio.wait({self._building})
        self._ready_world()
        return self._status()

    async def _deploy(self, world: World, commit: str, token: str) -> Deployed:
        effect = partial(self._run, commit, world.postgres.dsn, lambda: None, self._to_leave_behind(token))
        return await self._deploys.once(commit, token, effect)

    def _to_leave_behind(self, token: str) -> int:
        """How many instances do not take this deployment: it must be the first after the fault."""
        fault = self._ready_world().fault
        if fault is None or token in {one.token for one in self._deploys.records}:
            return 0
        after = [one for one in self._deploys.records if one.began > fault.utc_us]
        return 0 if after else self._story.behind

    async def _break(self, world: World, scenario: str) -> Broken:
        if scenario != self._story.scenario:
            raise DrillError(f"there is no scenario {scenario!r} in this world, but {self._story.scenario}")
        if world.fault is not None:
            raise DrillError(f"this world was broken already ({world.fault.scenario}): start a new drill")
        note = partial(self._note_fault, scenario)
        record = None
        if self._story.breaks == "release":
            record = await self._deploy_bad(world, scenario, note)
            if self._story.rpc_ends:
                await self._outside.end_rpc(self._speaker.say)
        else:
            await self._outside.fail(note, self._speaker.say)
        fault = self._ready_world().fault
        if fault is None:
            raise DrillError("something was changed, but not as a fault")
        return Broken(fault=fault, record=record)

    async def _deploy_bad(self, world: World, scenario: str, note: Callable[[], None]) -> DeployRecord:
        """The head of the branch, which is the bad release, with the environment file that came with it."""
        commit = await self._site.head_of(self._story.branch)
        if self._env is not None:
            self._env.change(self._story.verdicts[-1].tag)  # nothing reads it before it is started anew
        effect = partial(self._run, commit, world.postgres.dsn, note)
        return (await self._deploys.once(commit, f"break:{scenario}", effect)).record

    async def _race(self, world: World) -> None:
        """Somebody else's deploy, where the scenario has one."""
        if not self._story.races:
            raise DrillError("nobody races the rollback in this world")
        if not self._raced:
            self._raced = True
            commit = await race(self._place, self._programs, world.ci)
            self._speaker.say(f"{WHO} has enabled the workflow and pushed {commit[:12]}")

    def _note_fault(self, scenario: str) -> None:
        """The first change that users may notice is the fault."""
        if self._ready_world().fault is not None:
            return
        at = self._now()
        fault = Fault(scenario=scenario, utc_us=at.utc_us, boot_id=at.boot_id, boot_us=at.boot_us)
        self._save(replace(self._ready_world(), fault=fault))

    async def _run(self, commit: str, dsn: str, on_change: Callable[[], None], behind: int = 0) -> str:
        running = await self._site.deploy(commit, dsn, on_change, behind)
        words = f"{running.version} runs, commit {commit[:12]}"
        self._speaker.say(words)
        return words

    def _status(self) -> KeeperStatus:
        running = self._site.running
        return KeeperStatus(
            phase=self._phase,
            keeper_pid=os.getpid(),
            commit=running.commit if running else None,
            version=running.version if running else None,
            worktree=str(running.worktree) if running else None,
            service_url=self._site.url if self._world else None,
            parts=self._children.parts(),
            fault=self._world.fault if self._world else None,
            deploys=self._deploys.records,
        )
