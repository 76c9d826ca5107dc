"""Writers: the service stopped so that nobody writes to the database, and started again."""

from collections.abc import Callable

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Undo, World
from actions.trial import stores_of
from console.core.format import count
from console.core.plan import WayBack
from console.core.plan_words import moment
from console.targets.deploy import DeployError

_GONE_S = 10.0
"""How long connections of a service that has stopped may take to end, and one that has started to answer."""
_POLL_S = 0.2
_NAMED = 3
"""How many of those who are connected are named."""

# Who may write to one of the strategy's tables, and is not us: a monitor that only reads may stay. Our
# connections are called `warroom`, or after the step that they are for.
_OTHERS = """
    SELECT format('%%s as %%s, %%s', coalesce(nullif(application_name, ''), 'a client without a name'),
                  usename, coalesce(state, 'starting'))
    FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
      AND application_name !~ '^(warroom|(INC|RUN)-[A-Z0-9]{4}-)'
      AND EXISTS (SELECT FROM unnest(%s::text[]) AS of_table WHERE coalesce(
            has_table_privilege(usename, to_regclass(of_table), 'INSERT, UPDATE, DELETE'), true))
    ORDER BY 1
"""


class StartWriters(Action):
    """Start what was stopped; a deploy does it too, and then there is nothing left to do."""

    repeatable = True
    serves = "restore"

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Users have the service again from here on."""
        return Preview(
            f"start the service on the data of {moment(inputs.data.recovery_point)}, unless it runs by now",
            (world.deployer.writers_effect(stop=False), f"GET {world.environment.service.health}"),
            {},
        )

    async def probe(self) -> Finding:
        """What the service itself answers; whether it is the right release is proven later."""
        health = await self.world.health.ask()
        words = f"the service answers: {health.words}, {health.version or 'no version'}"
        return Finding("done" if health.ok else "not done", words)

    async def perform(self, report: Report) -> None:
        """Whatever started it meanwhile has done it already."""
        if (await self.probe()).found == "done":
            report.line("the service runs already")
            return
        await self.world.deployer.start_writers(_telling(report), report.left_s)
        await _wait(self, report)

    async def verify(self) -> Proof:
        """Ask it once more."""
        return await _proven(self)


class UndoStopWriters(Undo):
    """Start the service again, in the release that ran, unless it runs by now."""

    @staticmethod
    def preview(params: dict[str, str], world: World) -> WayBack:  # noqa: ARG004 - it has none
        """What was running runs again."""
        service = world.environment.service
        effects = (world.deployer.writers_effect(stop=False), f"GET {service.health}")
        return WayBack("start the service again, unless it runs by now", effects)

    @property
    def _start(self) -> StartWriters:
        return StartWriters({}, self.world, self.token)

    async def probe(self) -> Finding:
        """What the service itself answers."""
        return await self._start.probe()

    async def perform(self, report: Report) -> None:
        """Start it."""
        await self._start.perform(report)

    async def verify(self) -> Proof:
        """Ask it once more."""
        return await self._start.verify()


class StopWriters(Action):
    """Stop the service and nothing else; done when nobody who may write is connected any more."""

    repeatable = True
    serves = "restore"
    undo = UndoStopWriters

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Users are without the service from here on."""
        stores = stores_of(world)
        return Preview(
            f"stop the service until the data is back at {moment(inputs.data.recovery_point)}; "
            "database and cache go on",
            (
                world.deployer.writers_effect(stop=True),
                f"see that nobody who may write is connected to database {stores.server.database}",
            ),
            {},
        )

    async def probe(self) -> Finding:
        """Judged by the database and by the service itself, not by who was told what."""
        health = await self.world.health.ask()
        if health.anybody:
            return Finding(
                "not done", f"the service answers: {health.words}, {health.version or 'no version'}"
            )
        others = await self._others()
        if others:
            more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
            told = f"{count(len(others), 'connection')} that may write: {'; '.join(others[:_NAMED])}{more}"
            return Finding("not done", f"the service does not answer ({health.words}), but there is {told}")
        return Finding("done", f"nobody writes: {health.words}, and no connection that may")

    async def _others(self) -> list[str]:
        """Connections of others that may write to the strategy's tables."""
        stores = stores_of(self.world)
        async with stores.server.connect() as connection:
            found = await connection.execute(_OTHERS, (list(stores.data.tables),))
            return [str(row[0]) for row in await found.fetchall()]

    async def perform(self, report: Report) -> None:
        """Whoever has stopped the service by hand has done it already."""
        if (await self.probe()).found == "done":
            report.line("the service has been stopped already")
            return
        await self.world.deployer.stop_writers(_telling(report), report.left_s)
        await _wait(self, report)

    async def verify(self) -> Proof:
        """Look once more."""
        return await _proven(self)


async def start_again(world: World, report: Report) -> str:
    """Start the writers when what they were stopped for cannot be: how that went, in words."""
    try:
        await world.deployer.start_writers(_telling(report), report.left_s)
    except DeployError as error:
        return f"the writers could not be started again: {error}"
    return "the writers run again"


def _telling(report: Report) -> Callable[[str], None]:
    """What the deployer says goes to the screen, and into the step's output."""

    def tell(words: str) -> None:
        report(words)
        report.line(words)

    return tell


async def _wait(action: Action, report: Report) -> None:
    """Look until it is done, for a while: what it comes to is said by `verify`."""
    clock = action.world.clock
    began = clock.now()
    while (finding := await action.probe()).found != "done":
        report(finding.words)
        if clock.now().seconds_since(began) > min(_GONE_S, report.left_s):
            return
        await clock.sleep(_POLL_S)


async def _proven(action: Action) -> Proof:
    finding = await action.probe()
    if finding.found != "done":
        raise ActionError(finding.words)
    return Proof(finding.words, {"at": str(action.world.clock.now().utc_us)})
