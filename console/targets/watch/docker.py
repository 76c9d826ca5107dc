"""Containers by name: whether they run and are well, and how much they take of what they may have."""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import aclosing, suppress

import msgspec
from docker import APIClient
from docker.errors import APIError, NotFound
from msgspec import Struct, field

from console.targets.docker.endpoint import DockerError
from console.targets.docker.engine import Docker
from console.targets.source import Answered, CannotAskError, SourceError
from console.targets.together import together

_NEVER = "0001-"
"""How the engine's time begins for what has not happened."""
_PERIOD_US = 100_000
_REFUSED = {401, 403}


# -- what the engine says ---------------------------------------------------------------------------


class _Health(Struct, rename="pascal"):
    status: str


class _State(Struct, rename="pascal"):
    status: str
    started_at: str
    health: _Health | None = None


class _Limits(Struct, rename="pascal"):
    """Of processors; 0 and empty where there is none."""

    nano_cpus: int = 0
    cpu_quota: int = 0
    cpu_period: int = 0
    cpuset_cpus: str = ""


class _Usage(Struct):
    total_usage: int = 0
    percpu_usage: list[int] | None = None


class _Cpu(Struct):
    """Nanoseconds: of the container, and of the machine with all of its processors."""

    cpu_usage: _Usage = field(default_factory=_Usage)
    system_cpu_usage: int | None = None
    online_cpus: int = 0


class _Memory(Struct):
    """Bytes."""

    usage: int | None = None
    limit: int = 0
    stats: dict[str, int] = field(default_factory=dict)


class _Stats(Struct):
    cpu_stats: _Cpu = field(default_factory=_Cpu)
    memory_stats: _Memory = field(default_factory=_Memory)


class _Container(Struct, rename="pascal"):
    """One container at one look."""

    id: str
    name: str
    restart_count: int
    state: _State
    host_config: _Limits
    stats: _Stats | None = None
    """None for one that does not run."""

    @property
    def life(self) -> tuple[str, str]:
        """Names what its counters count: they begin again with each start."""
        return self.id, self.state.started_at

    @property
    def runs(self) -> bool:
        return self.state.status == "running"

    @property
    def is_unhealthy(self) -> bool:
        """By a check that is being made: the engine calls whatever has stopped unhealthy."""
        return self.runs and self.state.health is not None and self.state.health.status == "unhealthy"


# -- what follows from it ---------------------------------------------------------------------------


class ContainerStats:
    """Some containers of one engine, and what they were like at the look before."""

    def __init__(self, docker: Docker, names: Sequence[str], *, limit_s: float) -> None:
        self._docker = docker
        self._names = tuple(dict.fromkeys(names))
        self._limit_s = limit_s
        self._before: dict[str, _Container] | None = None
        self._restarts = 0

    async def look(self) -> Answered:
        """All but `cpu` at the first look, and without `cpu` and `memory` where one that runs tells none.

        SourceError when the engine does not answer, CannotAskError when it does not let us in, or what is
        said of its place cannot be used.
        """
        now = await self._ask()
        before, first = self._before or {}, self._before is None
        self._before = before | now
        self._restarts += sum(_restarts(one, before.get(name), first=first) for name, one in now.items())
        running = {name: one for name, one in now.items() if one.runs}
        numbers = {
            "not_running": float(len(self._names) - len(running)),
            "unhealthy": float(sum(one.is_unhealthy for one in now.values())),
            "restarts": float(self._restarts),
            **_most("cpu", [_cpu(one, before.get(name)) for name, one in running.items()]),
            **_most("memory", [_memory(one) for one in running.values()]),
        }
        return Answered(numbers)

    async def _ask(self) -> dict[str, _Container]:
        """Those that are there, by name; within the limit."""
        try:
            place = self._docker.words
        except DockerError as error:
            raise CannotAskError(str(error)) from None
        try:
            async with asyncio.timeout(self._limit_s):
                found = await self._docker.call(self._inspect, limit_s=self._limit_s)
                # All at once, because the engine takes its samples once a second, and those of all together.
                return dict(zip(found, await together(*map(self._with_stats, found.values())), strict=True))
        except TimeoutError:
            raise SourceError(f"{place}: no answer within {self._limit_s:g} s") from None
        except DockerError as error:
            raise _kind(error)(str(error)) from None
        except (msgspec.MsgspecError, ValueError, KeyError, TypeError):  # the SDK has no error for that
            raise SourceError(f"{place} does not answer as Docker does: is it another server?") from None

    def _inspect(self, api: APIClient) -> dict[str, _Container]:
        """In a thread, and a matter of milliseconds: what the engine knows without looking."""
        found = {}
        for name in self._names:
            with suppress(NotFound):
                one = msgspec.convert(api.inspect_container(name), _Container)
                # The engine also takes the beginning of an id for a name.
                if one.name.removeprefix("/") == name:
                    found[name] = one
        return found

    async def _with_stats(self, one: _Container) -> _Container:
        """With one sample; the engine would wait for a second one, of which the next look is a better one."""
        if not one.runs:
            return one
        path = f"/containers/{one.id}/stats?stream=false&one-shot=true"
        async with aclosing(self._docker.read(path)) as pieces:
            told = b"".join([piece async for piece in pieces])
        # Of one that has just ended there is no sample.
        stats = msgspec.json.decode(told, type=_Stats) if told.strip() else None
        return msgspec.structs.replace(one, stats=stats)


def _restarts(now: _Container, before: _Container | None, *, first: bool) -> int:
    """How often it was started again since the look before: by the engine, or by hand."""
    if before is None or before.id != now.id:
        return 0 if first else now.restart_count
    if (more := now.restart_count - before.restart_count) > 0:
        return more
    # Its count begins again when it is started by hand. One that waits to be restarted is counted already.
    again = now.life != before.life and not before.state.started_at.startswith(_NEVER)
    return 1 + now.restart_count if again and before.state.status != "restarting" else 0


def _cpu(now: _Container, before: _Container | None) -> float | None:
    """Per cent of the processors that it may use; None without a look before in the same life."""
    if before is None or before.life != now.life or now.stats is None or before.stats is None:
        return None
    new, old = now.stats.cpu_stats, before.stats.cpu_stats
    if new.system_cpu_usage is None or old.system_cpu_usage is None:
        return None
    passed = new.system_cpu_usage - old.system_cpu_usage
    online = new.online_cpus or len(new.cpu_usage.percpu_usage or ())
    if passed <= 0 or not online:
        return None
    share = (new.cpu_usage.total_usage - old.cpu_usage.total_usage) / passed
    return 100.0 * share * online / _processors(now.host_config, online)


def _processors(limits: _Limits, online: int) -> float:
    """How many it may use of those that there are."""
    most = float(online)
    if limits.nano_cpus:
        most = min(most, limits.nano_cpus / 1e9)
    if limits.cpu_quota > 0:
        most = min(most, limits.cpu_quota / (limits.cpu_period or _PERIOD_US))
    if limits.cpuset_cpus:
        most = min(most, sum(map(_width, limits.cpuset_cpus.split(","))))
    return most


def _width(span: str) -> int:
    """How many processors `0-3` or `2` names."""
    first, _, last = span.partition("-")
    return int(last or first) - int(first) + 1


def _memory(now: _Container) -> float | None:
    """Per cent of its limit, or of the machine's memory where it has none; without files that are cached."""
    told = now.stats.memory_stats if now.stats else _Memory()
    if told.usage is None or not told.limit:
        return None
    # The names of the first and of the second version of control groups, as `docker stats` takes them.
    cached = told.stats.get("total_inactive_file", told.stats.get("inactive_file", 0))
    return 100.0 * (told.usage - (cached if cached < told.usage else 0)) / told.limit


def _most(stat: str, values: Sequence[float | None]) -> dict[str, float]:
    """The highest; unknown when one of them is, because that may be the one."""
    known = [value for value in values if value is not None]
    return {stat: max(known)} if known and len(known) == len(values) else {}


def _kind(error: DockerError) -> type[SourceError]:
    """Whose fault it is, by what was under the error: that we have no rights there is ours."""
    cause = error.__context__
    while cause is not None:
        refused = isinstance(cause, APIError) and cause.status_code in _REFUSED
        if refused or isinstance(cause, PermissionError | ssl.SSLError):
            return CannotAskError
        cause = cause.__cause__ or cause.__context__
    return SourceError
