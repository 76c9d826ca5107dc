"""The swap: a database that stands beside the live one takes its name and its place, in under a second.

Everything that can fail comes first, while users work. Then connections to both are refused, sessions ended,
and both renames done in one transaction, which also lets connections in again. So a cut can leave one state
alone: both databases under their own names, refusing connections. `look` tells it, `swap` goes on from it,
and whatever fails within lets connections in again.

The one that was live keeps its content, under another name and for superusers alone: its connection limit is
0, which does not hold for them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from msgspec import Struct
from psycopg import sql

from console.core.format import count
from console.core.loss import Counters
from console.targets.postgres.counters import counters
from console.targets.postgres.estate import Estate, estate, handover, unlike
from console.targets.postgres.own import OURS
from console.targets.postgres.sequences import carry
from console.targets.postgres.server import Connection, Server, ServerError

ENDED_WITHIN_S = 5.0
"""How long sessions that were told to end may take, and with them the refusal."""
_LOOK_AGAIN_S = 0.005
_ASIDE = ("postgres", "template1")
"""Databases to be connected to while two others change places."""
_PINNED = (
    "SET lock_timeout = '3s'",
    "SET statement_timeout = '10s'",
    "SET default_transaction_read_only = off",
    "SET search_path = pg_catalog",
)
"""Nothing waits for long, and no setting of a database changes what a statement of ours does."""

_STANDING = "SELECT datname, datallowconn FROM pg_database WHERE datname = ANY(%s)"
_ABLE = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
_SUPERUSERS = "SELECT rolname FROM pg_roles WHERE rolsuper AND rolcanlogin ORDER BY rolname"
_PREPARED = "SELECT database || ': ' || gid FROM pg_prepared_xacts WHERE database = ANY(%s)"
_STAYING = """
    SELECT 'replication slot ' || slot_name FROM pg_replication_slots WHERE database = %(live)s
    UNION ALL
    SELECT 'subscription ' || subname FROM pg_subscription JOIN pg_database d ON d.oid = subdbid
    WHERE datname = %(live)s
"""
_END = """
    SELECT count(pg_terminate_backend(pid)), min(pid) FROM (
        SELECT pid FROM pg_stat_activity WHERE datname = ANY(%(names)s)
        UNION
        SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = objid
        WHERE locktype = 'object' AND classid = 'pg_database'::regclass AND mode = 'RowExclusiveLock'
          AND datname = ANY(%(names)s)
    ) AS session WHERE pid <> ALL(%(spared)s) AND pid <> pg_backend_pid()
"""
"""A session that is just being made shows as a lock on its database before it shows as activity."""

_END_CHANGER = """
    SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity
    WHERE pid = %s AND application_name = current_setting('application_name')
"""
_CHANGER_ENDS_MS = 3000

Judge = Callable[[Counters], None]
"""Raises when what the live database has counted forbids the swap."""
Say = Callable[[str], None]


class SwapError(ServerError):
    """The two did not change places; one line that says how the live database stands."""


class Places(Struct, frozen=True):
    """Who takes whose place, by name."""

    live: str
    heir: str
    """The database that takes the live one's name."""
    former: str
    """What the one that was live is called afterwards."""
    mark: str = ""
    """What the mark of a database of ours must begin with to be the heir (see own); empty: it needs none."""


class Standing(Struct, frozen=True):
    """Which of the three are there, and whether they accept connections; None for one that is not there."""

    live: bool | None
    heir: bool | None
    former: bool | None

    @property
    def is_swapped(self) -> bool:
        """Whether the heir has taken its place, and lets users in."""
        return bool(self.live) and self.heir is None and self.former is not None

    @property
    def is_open(self) -> bool:
        """Whether nothing has been changed, or all has been put right again."""
        return bool(self.live) and self.heir is not None and self.former is None


class Swapped(Struct, frozen=True):
    """How it went."""

    refused_s: float
    """From the first connection that was refused to the first that was accepted again."""
    ended: int
    """Sessions that were ended."""
    counters: Counters
    """What the server has counted of the one that is live now."""


async def look(server: Server, places: Places) -> Standing:
    """How the three stand; changes nothing."""
    async with _aside(server, places) as control:
        return await _standing(control, places)


async def swap(server: Server, places: Places, judge: Judge, say: Say) -> Swapped:
    """Let the heir take the live one's place; `judge` is asked before, and again once nobody can write.

    Raises SwapError, or what `judge` raises; the live database then accepts connections under its own name,
    or the error says how it can be made to.
    """
    async with _aside(server, places) as control:
        await _let_in(control, places)
        wanted = await _ready(control, places, say)
        async with (
            server.connect(places.live, autocommit=True) as old,
            server.connect(places.heir, autocommit=True) as new,
        ):
            await _pin(old, new)
            judge(await counters(old))
            await carry(old, new)
            began = await counters(new)
            changer = control.info.backend_pid
            try:
                return await _Change(control, old, new, places, wanted).made(judge, began)
            except BaseException as error:
                await asyncio.shield(asyncio.create_task(_put_right(server, places, changer, error)))
                raise


# -- while users work ---------------------------------------------------------------------------------


@asynccontextmanager
async def _aside(server: Server, places: Places) -> AsyncIterator[Connection]:
    """A connection to neither of the two, whose statements cannot wait for long."""
    async with server.connect(await _other(server, places), autocommit=True) as connection:
        await _pin(connection)
        yield connection


async def _pin(*connections: Connection) -> None:
    for connection in connections:
        for statement in _PINNED:
            await connection.execute(statement)


async def _other(server: Server, places: Places) -> str:
    names = [name for name in _ASIDE if name not in (places.live, places.heir)]
    for name in names[:-1]:
        try:
            await server.value("SELECT 1", database=name)
        except ServerError:  # the last one is where the reason is told, if it has one too
            continue
        return name
    return names[-1]


async def _standing(control: Connection, places: Places) -> Standing:
    names = [places.live, places.heir, places.former]
    found = dict[str, bool](await (await control.execute(_STANDING, (names,))).fetchall())
    return Standing(*(found.get(name) for name in names))


async def _ready(control: Connection, places: Places, say: Say) -> Estate:
    """See to it that nothing can fail later that can be seen now; what the live database must keep."""
    standing = await _standing(control, places)
    if standing.heir is None:
        raise SwapError(f"there is no database {places.heir} to take the place of {places.live}")
    if standing.former is not None:
        raise SwapError(f"there is a database {places.former} already: drop or rename it, then retry")
    await _able(control, places)
    wanted, heir = await estate(control, places.live), await estate(control, places.heir)
    if wanted is None or heir is None:
        raise SwapError(f"there is no database {places.live if wanted is None else places.heir}")
    if places.mark and not (heir.comment or "").startswith(f"{OURS} {places.heir} {places.mark}"):
        raise SwapError(f"{places.heir} is not marked as `{places.mark.strip()}`: build it again")
    for words in await _column(control, _STAYING, {"live": places.live}):
        say(f"{words} stays with {places.former}: make it anew, if it is still wanted")
    superusers = ", ".join(map(str, await _column(control, _SUPERUSERS)))
    say(f"{places.former} will take connections of superusers alone: {superusers}")
    if wanted.tablespace != heir.tablespace:
        say(f"{places.live} moves from tablespace {wanted.tablespace} to {heir.tablespace}")
    await _bequeath(control, places, wanted, heir)
    return wanted


async def _able(control: Connection, places: Places) -> None:
    if await _column(control, _ABLE) != [True]:
        raise SwapError(
            "only a superuser can end all sessions and look into the old database afterwards: "
            "name one in `data.admin`"
        )
    await _no_prepared(control, places)


async def _no_prepared(control: Connection, places: Places) -> None:
    if prepared := await _column(control, _PREPARED, ([places.live, places.heir],)):
        raise SwapError(
            f"a prepared transaction holds a database ({prepared[0]}): commit it or roll it back, then retry"
        )


async def _bequeath(control: Connection, places: Places, wanted: Estate, heir: Estate) -> None:
    """Give the heir the live one's owner, grants and settings; SwapError where they do not arrive whole."""
    if not unlike(wanted, heir):
        return
    async with control.transaction():
        for statement in handover(wanted, heir, places.heir):
            await control.execute(statement)
    now = await estate(control, places.heir)
    why = unlike(wanted, now) if now else "it is gone"
    if why:
        raise SwapError(f"{places.heir} cannot take the place of {places.live}: {why}")


async def _column(
    control: Connection, statement: str, values: Sequence[object] | dict[str, object] = ()
) -> list[object]:
    rows = await (await control.execute(statement.encode(), values or None)).fetchall()
    return [row[0] for row in rows]


# -- while they cannot --------------------------------------------------------------------------------


class _Change:
    """The moment in which connections are refused."""

    def __init__(
        self, control: Connection, old: Connection, new: Connection, places: Places, wanted: Estate
    ) -> None:
        self._control = control
        self._old = old
        self._new = new
        self._places = places
        self._wanted = wanted

    async def made(self, judge: Judge, began: Counters) -> Swapped:
        """Refuse, end, judge, rename, accept."""
        since = time.monotonic()
        async with self._control.transaction():
            for name in (self._places.live, self._places.heir):
                await self._alter("ALTER DATABASE {} ALLOW_CONNECTIONS false", name)
        ended = await self._end(self._old.info.backend_pid, self._new.info.backend_pid)
        judge(await counters(self._old))
        await carry(self._old, self._new)
        await self._old.close()
        await self._new.close()
        await self._end()
        await _no_prepared(self._control, self._places)
        await self._rename()
        return Swapped(time.monotonic() - since, ended, began)

    async def _end(self, *spared: int) -> int:
        """End the sessions of both databases but those spared; return when they have ended, how many."""
        names = [self._places.live, self._places.heir]
        limit = time.monotonic() + ENDED_WITHIN_S
        ended = 0
        while True:
            cursor = await self._control.execute(_END, {"names": names, "spared": list(spared)})
            row = await cursor.fetchone()
            left, example = row or (0, None)
            if not left:
                return ended
            if time.monotonic() > limit:
                raise SwapError(
                    f"{count(left, 'session')} did not end within {ENDED_WITHIN_S:g} s, that of process "
                    f"{example} among them: nothing was changed"
                )
            ended = max(ended, left)
            await asyncio.sleep(_LOOK_AGAIN_S)  # the end of another session's process cannot be awaited

    async def _rename(self) -> None:
        live, heir, former = self._places.live, self._places.heir, self._places.former
        async with self._control.transaction():
            await self._alter("ALTER DATABASE {} RENAME TO {}", live, former)
            await self._alter("ALTER DATABASE {} RENAME TO {}", heir, live)
            comment = sql.SQL("COMMENT ON DATABASE {} IS {}")
            await self._control.execute(comment.format(sql.Identifier(live), self._wanted.comment))
            opened = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true CONNECTION LIMIT {}")
            for name, limit in ((live, self._wanted.limit), (former, 0)):
                await self._control.execute(opened.format(sql.Identifier(name), sql.Literal(limit)))

    async def _alter(self, statement: str, *names: str) -> None:
        await self._control.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


async def _put_right(server: Server, places: Places, changer: int, error: BaseException) -> None:
    """Let users in again; first the session that was to make the change ends, if the server still has it.

    Behind a dead line it would go on holding its locks, or change what was just looked at.
    """
    try:
        async with _aside(server, places) as control:
            await control.execute(_END_CHANGER, (_CHANGER_ENDS_MS, changer))
            await _let_in(control, places)
    except ServerError as second:
        raise SwapError(
            f"{str(error) or 'it was cut off'}; and {places.live} may still refuse connections ({second}): "
            f'as a superuser, ALTER DATABASE "{places.live}" ALLOW_CONNECTIONS true'
        ) from error


async def _let_in(control: Connection, places: Places) -> None:
    """Accept connections to both again, where a cut has left them refused."""
    standing = await _standing(control, places)
    if standing.live is None:
        raise SwapError(f"there is no database {places.live}")
    async with control.transaction():
        for name, accepts in ((places.live, standing.live), (places.heir, standing.heir)):
            if accepts is False:
                statement = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true")
                await control.execute(statement.format(sql.Identifier(name)))
