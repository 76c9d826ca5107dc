"""The engine as a service: what a service manager is told of it, and what its log says."""

from collections.abc import Callable, Mapping

import structlog

from console.core.clock import Clock, Stamp
from console.core.format import count
from console.core.metrics import Rung
from console.core.rules import STALE_AFTER, Standing
from console.core.state import Incident
from console.engine.notify import Notifier
from console.engine.sampling import Tick

PATIENCE_S = 3.0
"""Ticks that are late by less than this still go on, however fast they are."""
PINGS = 3
"""How often the watchdog is told within its time: more than twice, so that one may be late."""
NAMED = 3
"""How many metrics a line names."""
ORDER = (
    Rung.RECOVERED,
    Rung.OK,
    Rung.NO_SOURCE,
    Rung.WAITING,
    Rung.STALE,
    Rung.WARN,
    Rung.MANDATORY,
    Rung.AUTOMATIC,
)
"""From nothing to see to the worst; what is not known is no trouble, and is not fine."""

log = structlog.get_logger()


def status_line(standings: Mapping[str, Standing], incident: Incident | None) -> str:
    """`12 metrics, worst mandatory (error_rate), INC-20260301-1 suspected`."""
    rungs = {name: standing.rung for name, standing in standings.items()}
    worst = max(rungs.values(), key=ORDER.index, default=Rung.NO_SOURCE)
    there = [name for name, rung in rungs.items() if rung is worst]
    more = f" and {len(there) - NAMED} more" if len(there) > NAMED else ""
    of = f" ({', '.join(there[:NAMED])}{more})" if ORDER.index(worst) > ORDER.index(Rung.OK) and there else ""
    opened = f"{incident.id} {incident.status}" if incident else "no incident"
    return f"{count(len(rungs), 'metric')}, worst {worst}{of}, {opened}"


class Service:
    """Tells a service manager that the engine is up, how it stands, and that it has not stopped looking."""

    def __init__(
        self,
        notifier: Notifier,
        clock: Clock,
        *,
        tick_s: float,
        watchdog_s: float | None,
        incident: Callable[[], Incident | None],
    ) -> None:
        """`tick_s` is how often a tick is due; `watchdog_s` within which time the manager wants to hear of
        us, if it does; `incident` the open one.
        """
        self._notifier = notifier
        self._clock = clock
        self._late_s = max(STALE_AFTER * tick_s, PATIENCE_S)
        self._watchdog_s = watchdog_s
        self._incident = incident
        self._ticked: Stamp | None = None
        self._ready = False
        self._status = ""
        self._silent: frozenset[str] = frozenset()

    def ticked(self, tick: Tick, trouble: Mapping[str, str]) -> None:
        """One more tick, and what could not be seen or kept in it, each with why."""
        self._ticked = self._clock.now()
        self._tell(status_line(tick.standings, self._incident()))
        for change in tick.changes:
            worse = log.warning if change.after.is_trouble else log.info
            told = {"before": change.before, "after": change.after, "value": change.value}
            worse("metric.rung", metric=change.metric, **told, rule=change.rule)
        self._hear(trouble)

    def _tell(self, status: str) -> None:
        """Say what has changed; what was not taken is said again at the next tick."""
        if status != self._status and self._notifier.send(STATUS=status):
            self._status = status
            log.info("service.status", status=status)
        if not self._ready and self._notifier.send(READY="1"):
            self._ready = True
            log.info("service.ready")

    def _hear(self, trouble: Mapping[str, str]) -> None:
        """Log where trouble begins and where it ends, not each of its words."""
        silent = frozenset(trouble)
        for name in sorted(silent - self._silent):
            log.warning("source.silent", source=name, why=trouble[name])
        for name in sorted(self._silent - silent):
            log.info("source.answers", source=name)
        self._silent = silent

    async def keep(self) -> None:
        """Tell the watchdog, in less than half of its time, for as long as ticks go on."""
        if self._watchdog_s is None:
            return
        while True:
            if self._ticked and self._clock.now().seconds_since(self._ticked) <= self._late_s:
                self._notifier.send(WATCHDOG="1")
            await self._clock.sleep(self._watchdog_s / PINGS)

    def stopping(self, why: str) -> None:
        """The engine ends."""
        log.info("service.stopping", why=why)
        self._notifier.send(STOPPING="1", STATUS=f"stopping: {why}")
