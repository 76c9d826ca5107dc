"""Puts an engine together from a strategy: its journal, its real parts, and what it samples."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import structlog
from msgspec import Struct

from actions.action import World
from console import __version__
from console.authority.office import Office
from console.config.loader import LoadedStrategy
from console.config.roster import LoadedRoster
from console.config.secrets import Secrets, child_environment
from console.core import events as ev
from console.core.deploying import CommandDeploy, ComposeDeploy
from console.core.errors import StatedError
from console.core.freshness import tick_s
from console.core.health_verdict import rule_of
from console.core.impact import ImpactTracker
from console.core.live import Live
from console.core.on_duty import Answer
from console.core.strategy import Environment, KeeperDeploy
from console.core.swarm_deploy import SwarmDeploy
from console.engine.alarms import Alarms
from console.engine.board import Board
from console.engine.book import Book
from console.engine.catalogue import Cataloguer
from console.engine.changes import ChangesKeeper
from console.engine.comparison import Comparison
from console.engine.deployers import DeployerMaker
from console.engine.desk import Desk
from console.engine.engine import Engine
from console.engine.env_files import env_files
from console.engine.ledger import Ledger
from console.engine.log import Form, configure
from console.engine.lookout import Lookout
from console.engine.notify import SOCKET, Notifier, watchdog_s
from console.engine.on_call import DutyKeeper
from console.engine.pager import Means
from console.engine.recollection import Recollector
from console.engine.runner import Runner
from console.engine.sampling import Sampler
from console.engine.service import Service
from console.engine.stores import StoreMaker
from console.engine.supervision import supervised
from console.engine.watchers import Means as WatchMeans
from console.store.bell import Bell, Ringer
from console.store.clock import SystemClock
from console.store.inbox import FolderInbox
from console.store.journal import SqliteWriter
from console.store.layout import Layout, Runtime
from console.store.lease import Lease, LeaseError, holder
from console.store.live import LiveFile
from console.store.private import PRIVATE, Sharing
from console.store.processes import runs
from console.store.recollection import Recollection
from console.store.retention import Retention, needed_since
from console.store.samples import SampleReader, SampleWriter
from console.targets import web
from console.targets.ci import Ci
from console.targets.deploy import Deployer, KeeperDeployer, PipelineDeployer
from console.targets.docker.engine import Docker
from console.targets.docker.labelled import labelled
from console.targets.fleet import asking
from console.targets.git import Clone, remote_at, unlock
from console.targets.github.api import PULLS, Api
from console.targets.github.pulls import Pulls
from console.targets.github.workflow import Workflow
from console.targets.health import Asking
from console.targets.keeper import Keeper
from console.targets.on_call import Means as OnCallMeans
from console.targets.on_call import ask
from console.targets.postgres.rows import Rows
from console.targets.process import Programs, end_orphans
from console.targets.swarm.deployer import SwarmDeployer
from console.targets.watch.prometheus import PrometheusServer

if TYPE_CHECKING:
    from console.engine.webhook import Listener

LEASE_WAIT_S = 3.0
"""How long an engine waits for the children of a killed one to end."""
PIPELINE_POLL_S = 2.0
OF_IMAGES = frozenset({"compose", "swarm"})
"""Kinds of deployment that start images."""

log = structlog.get_logger()


class BuildError(StatedError):
    """The engine of this environment cannot be put together."""


class Wanted(Struct, frozen=True):
    """What an engine is made from."""

    loaded: LoadedStrategy
    roster: LoadedRoster
    name: str
    environment: Environment
    state: Path
    runtime: Path
    with_pid: int | None
    """A process whose end is the engine's end too."""
    sharing: Sharing = PRIVATE
    """Who else opens what the engine writes."""
    managed: bool = False
    """Whether a service manager is to be told how it goes."""
    log: Form = "json"


async def run(wanted: Wanted, environ: Mapping[str, str]) -> None:
    """Run the engine until it is told to stop, or the process it depends on has ended."""
    async with AsyncExitStack() as stack:
        builder = _Builder(wanted, environ, stack, await stack.enter_async_context(web.new_client()))
        engine = builder.engine()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, engine.stop, signal.Signals(number).name)
        if wanted.with_pid is not None:
            _stop_with(engine, wanted.with_pid, stack)
        await engine.serve(builder.started())


class _Builder:
    """Makes each part once, in the order in which they need each other; the stack lets go of them."""

    def __init__(
        self, wanted: Wanted, environ: Mapping[str, str], stack: AsyncExitStack, client: httpx.AsyncClient
    ) -> None:
        self._wanted = wanted
        self._environ = environ
        self._environment = wanted.environment
        self._stack = stack
        self._client = client
        self._clock = SystemClock()
        self._layout = Layout(wanted.state)
        self._runtime = Runtime(wanted.runtime)
        self._base = wanted.loaded.path.parent
        """What paths in the strategy are relative to: the folder that it lies in."""
        self._secrets = Secrets(environ, self._base)
        configure(self._secrets.redact, wanted.log)
        self._lease = self._leased()
        self._programs = Programs(child_environment(environ), tag=wanted.state, lease=self._lease.fileno())
        self._ringer = Ringer()
        self._live_file = LiveFile(self._layout.live, wanted.sharing)
        self._book = self._opened()
        remote = remote_at(self._environment.repository.remote, self._base)
        self._clone = Clone(self._layout.clone, remote, self._programs)

    def started(self) -> ev.EngineStarted:
        """What this engine says first; from now on the lock file names its epoch too."""
        epoch = self._book.state.epoch + 1
        self._lease.mark(epoch)
        return ev.EngineStarted(
            pid=os.getpid(),
            epoch=epoch,
            warroom=__version__,
            strategy_hash=self._wanted.loaded.sha256,
            roster_hash=self._wanted.roster.sha256,
            mode="separated" if self._environment.engine == "external" else "cooperative",
            supervised=supervised(self._environ, os.getpid()),
        )

    def engine(self) -> Engine:
        """The engine, with everything it has."""
        wanted, layout = self._wanted, self._layout
        world, book = self._world(), self._book
        lookout = self._lookout()
        board = Board(self._live(), self._clock, self._publish)
        on_call = self._on_call(board)
        bell = Bell(self._runtime.engine_bell, wanted.sharing)
        self._stack.callback(bell.close)
        return Engine(
            book=book,
            world=world,
            desk=Desk(
                wanted.name,
                self._environment,
                wanted.roster.roster,
                lambda: book.state,
                roster_sha256=wanted.roster.sha256,
                strategy_sha256=wanted.loaded.sha256,
            ),
            office=self._office(),
            runner=lambda docket: Runner(
                docket,
                world,
                board,
                layout.output,
                self._secrets.redact,
                lambda: book.state.rungs,
                wanted.sharing,
            ),
            board=board,
            sampler=self._sampler(),
            lookout=lookout,
            inbox=FolderInbox(layout.inbox, sharing=wanted.sharing),
            bell=bell,
            lease=self._lease,
            cataloguer=Cataloguer(book, world, world.stores, board) if world.stores else None,
            changes=ChangesKeeper(book, world.clone, self._comparison(world), board, self._clock),
            recollector=self._recollector(),
            means=Means(
                self._environment,
                wanted.roster.roster,
                self._programs,
                self._base,
                self._secrets.redact,
                duty=lambda: on_call.now,
                impact=lambda: lookout.impact,
            ),
            webhook=self._webhook(board),
            on_call=on_call,
            service=self._service() if wanted.managed else None,
            off=layout.automatic_off,
        )

    def _service(self) -> Service:
        return Service(
            Notifier(self._environ.get(SOCKET)),
            self._clock,
            tick_s=tick_s(self._environment),
            watchdog_s=watchdog_s(self._environ, os.getpid()),
            incident=lambda: self._book.state.open_incident,
        )

    def _webhook(self, board: Board) -> "Listener | None":
        """Where alerts are heard; only then is a web server loaded."""
        webhook = self._environment.webhook
        if webhook is None:
            return None
        from console.engine.webhook import Listener

        alarms = Alarms(self._book, self._environment, self._clock)
        return Listener(webhook, alarms, self._secrets, board, self._clock)

    def _on_call(self, board: Board) -> DutyKeeper:
        environment, roster = self._environment, self._wanted.roster.roster
        return DutyKeeper(environment, roster, self._ask_who_is_on_call, self._book, board, self._clock)

    async def _ask_who_is_on_call(self) -> Answer:
        source = self._environment.on_call
        assert source is not None  # noqa: S101 - who keeps it in sight asks only where there is a source
        secrets = self._secrets
        means = OnCallMeans(
            self._client, secrets.resolve, self._clock, self._programs, self._base, secrets.redact
        )
        return await ask(source, means)

    def _comparison(self, world: World) -> Comparison:
        repository = self._environment.repository
        return Comparison(world.clone, repository, world.releases, self._secrets.redact)

    def _office(self) -> Office:
        roster = self._wanted.roster
        return Office(self._programs, roster.roster, roster.sha256, roster.path.parent)

    def _recollector(self) -> Recollector:
        return Recollector(
            self._environment,
            lambda source: PrometheusServer(source, (), self._secrets.resolve, self._client),
            self._clock,
            Recollection(self._layout.samples, self._wanted.sharing),
        )

    def _lookout(self) -> Lookout:
        retention = Retention(self._layout.samples, needed=lambda now: needed_since(self._book.state, now))
        samples = SampleWriter(self._layout.samples, self._wanted.sharing, retention)
        self._stack.callback(samples.close)
        return Lookout(
            self._book,
            self._clock,
            ImpactTracker(self._environment),
            samples,
            recorded=lambda since: SampleReader(self._layout.samples).since(since),
        )

    def _leased(self) -> Lease:
        """The lease of the environment; what a killed engine left running is ended first."""
        lease = Lease(self._layout.lock, self._clock, self._wanted.sharing)
        try:
            lease.acquire()
        except LeaseError:
            before = holder(self._layout.lock)
            if before is not None and runs(before.pid):
                raise
            log.warning("engine.orphans_ended", pids=end_orphans(self._wanted.state))
            lease.acquire(LEASE_WAIT_S)
        if locks := unlock(self._layout.clone):
            log.warning("engine.git_locks_removed", paths=[str(path) for path in locks])
        self._stack.callback(lease.release)
        return lease

    def _opened(self) -> Book:
        writer = SqliteWriter(self._layout, self._wanted.name, self._wanted.sharing)
        self._stack.callback(writer.close)
        self._stack.callback(self._ringer.close)
        book = Book(writer, self._wanted.name, self._clock, self._ring)
        if book.state.unknown_critical:
            raise BuildError(
                f"{self._layout.journal} holds {book.state.unknown_critical}, which a newer Warroom wrote: "
                "run that version"
            )
        return book

    def _ring(self, seq: int) -> None:
        self._ringer.ring_all(self._runtime.bells, seq)

    def _live(self) -> Live:
        return Live(pid=os.getpid(), epoch=self._book.state.epoch + 1, beat=self._clock.now())

    def _publish(self, live: Live) -> None:
        self._live_file.write(live)
        self._ring(self._book.state.seq)

    def _ledger(self, clone: Clone) -> Ledger:
        return Ledger(self._environment.releases, self._base, clone, lambda: self._book.state)

    def _images(self) -> Callable[[str], Awaitable[dict[str, str]]] | None:
        """Where images are what is deployed, those here say which commit they were built of."""
        if self._environment.deploy.kind not in OF_IMAGES:
            return None
        return partial(labelled, Docker())

    def _world(self) -> World:
        environment = self._environment
        clone = self._clone
        health = asking(rule_of(environment), self._client, self._clock)
        return World(
            name=self._wanted.name,
            environment=environment,
            clock=self._clock,
            programs=self._programs,
            clone=clone,
            deployer=self._deployer(health),
            health=health,
            rows=Rows(lambda: self._secrets.resolve(environment.data.dsn), environment.data.tables),
            stores=self._maker.make(environment),
            head=self._book.last,
            releases=self._ledger(clone).read,
            images=self._images(),
            env_files=env_files(self._wanted.loaded, environment, self._secrets),
            worktrees=self._layout.worktrees,
            evidence=self._layout.evidence,
            trial=self._maker.trial(environment),
            base=self._base,
            ci=self._ci(),
            pulls=self._pulls(),
        )

    @property
    def _maker(self) -> StoreMaker:
        """Makes whatever the strategy names of the data."""
        return StoreMaker(self._programs, self._secrets, self._base, self._wanted.state)

    def _ci(self) -> Ci | None:
        """The workflow that is frozen, where the strategy names one."""
        settings = self._environment.ci
        if settings is None:
            return None
        api = Api(settings, self._secrets.resolve, self._client, self._clock)
        return Ci(settings, Workflow(settings, api), lambda: self._book.state.frozen)

    def _pulls(self) -> Pulls | None:
        """Where pull requests are opened, where the strategy says so."""
        settings = self._environment.repository.pull_request
        if settings is None:
            return None
        return Pulls(settings, Api(settings, self._secrets.resolve, self._client, self._clock, PULLS))

    @property
    def _deployers(self) -> DeployerMaker:
        state = self._wanted.state
        return DeployerMaker(self._programs, self._secrets, self._clock, self._base, state, self._clone)

    def _deployer(self, health: Asking) -> Deployer:
        deploy = self._environment.deploy
        if isinstance(deploy, KeeperDeploy):
            return KeeperDeployer(Keeper(Path(deploy.socket)))
        if isinstance(deploy, SwarmDeploy):
            return SwarmDeployer(Docker(deploy.docker), deploy, self._clock)
        if isinstance(deploy, ComposeDeploy):
            return self._deployers.compose(deploy)
        if isinstance(deploy, CommandDeploy):
            return self._deployers.command(deploy, health)
        return PipelineDeployer(health, self._clock, PIPELINE_POLL_S)

    def _sampler(self) -> Sampler:
        return Sampler(
            self._environment,
            means=WatchMeans(
                self._client,
                self._secrets.resolve,
                self._clock,
                self._programs,
                self._base,
                self._secrets.redact,
            ),
            flags=self._flags,
            told=self._book.state.rungs,
        )

    def _flags(self) -> frozenset[str]:
        """The declared triggers that are raised in the open incident."""
        incident = self._book.state.open_incident
        return frozenset(incident.triggers if incident else ()) & self._environment.triggers.keys()


def _stop_with(engine: Engine, pid: int, stack: AsyncExitStack) -> None:
    """Stop the engine when process `pid` ends, or if it has ended already."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        engine.stop(f"process {pid} has ended")
        return
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, engine.stop, f"process {pid} has ended")
    stack.callback(os.close, handle)
    stack.callback(loop.remove_reader, handle)
