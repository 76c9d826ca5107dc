"""The others in a rehearsal: after a while, each signs with a key of their own.

What they sign is made and handed in as anybody else's is. So is what only one of them may confirm before the
gate.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from console.authority.ssh import sign
from console.config.paths import runtime_dir
from console.core.asking import asked
from console.core.protocols import Head, Snapshot
from console.core.requests import AnyAsk, Approve
from console.drill.crew import Crew, approver_of, confirmation
from console.drill.keyring import Keyring
from console.drill.setting import Setting
from console.store.clock import SystemClock
from console.store.room import LocalRoom
from console.targets.process import Programs

READS_S = (0.9, 0.4, 0.7, 0.3, 0.6)
"""How long they take to read what they sign, one after the other: seconds, not minutes."""

RACED_AFTER = 2
"""So many have signed when somebody else deploys, in a scenario that has that."""


class Signers:
    """Everybody in the roster but whoever asked, where the plan asks for signatures."""

    def __init__(
        self, setting: Setting, crew: Crew, race: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """`race` is called when the first of them have signed and the others have not."""
        self._race = race
        self._setting = setting
        self._crew = crew
        self._keys = Keyring(setting.folder)
        self._programs = Programs({"PATH": os.environ.get("PATH", os.defpath)}, tag=setting.folder)

    async def keep(self) -> None:
        """Sign whenever somebody is asked; ends with its task."""
        signed = 0
        with self._room(self._setting.actor) as room:
            while True:
                person = self._asked(room.snapshot())
                if person is None:
                    if not await self._confirmed(room.snapshot()):
                        await room.changed(1.0)
                    continue
                if signed == RACED_AFTER and self._race is not None:
                    await self._race()
                await asyncio.sleep(READS_S[signed % len(READS_S)])  # somebody reads
                await self._sign(person)
                signed += 1

    def _asked(self, snapshot: Snapshot) -> str | None:
        incident = snapshot.state.open_incident
        if incident is None or incident.plan is None or incident.plan.proof != "signature":
            return None
        return approver_of(incident, self._crew, snapshot.at)

    async def _confirmed(self, snapshot: Snapshot) -> bool:
        """Whether there was something that only one of them may say; it is said then, and answered."""
        act = confirmation(snapshot, self._crew)
        if act is None:
            return False
        await asyncio.sleep(READS_S[0])  # somebody looks
        with self._room(act.actor) as room:
            await _answered(room, act.ask)
        return True

    async def _sign(self, person: str) -> None:
        """Hand in that person's yes, if it is still asked for, and wait until it is answered."""
        with self._room(person) as room:
            snapshot = room.snapshot()
            incident = snapshot.state.open_incident
            if incident is None or incident.plan is None or self._asked(snapshot) is None:
                return
            statement = asked(
                incident,
                incident.plan,
                person,
                self._crew.roles[person],
                head=Head(snapshot.state.seq, bytes.fromhex(snapshot.head)),
                now=snapshot.at,
                within_s=self._setting.environment.authorisation.within,
            )
            signature = await sign(self._programs, statement.text, self._keys.private(person))
            await _answered(room, Approve(statement.text, signature))

    @contextmanager
    def _room(self, person: str) -> Iterator[LocalRoom]:
        setting = self._setting
        room = LocalRoom(
            setting.environment,
            setting.name,
            person,
            state=setting.engine.state,
            runtime=runtime_dir(str(setting.engine.state)),
            clock=SystemClock(),
            start_engine=lambda: None,
        )
        try:
            yield room
        finally:
            room.close()


async def _answered(room: LocalRoom, ask: AnyAsk) -> None:
    """Hand in what somebody asks for, and wait until the engine has answered."""
    request = room.submit(ask)
    while request not in room.snapshot().state.answered:
        await room.changed(1.0)
