"""The drill's users: they connect, keep contacts, sign, and write down what they got.

Started by the keeper as `python -m console.drill.users COUNTS ACKNOWLEDGED URL...`. Their count is the ground
truth that the service's metrics are held against. The hash of every transaction that they were told is signed
goes into a file of its own: the ground truth for what a restore may have lost.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, closing
from pathlib import Path

import httpx
import msgspec
from msgspec import Struct

from console.drill.moment import now

USERS = 12
EVERY_S = 0.3
"""How often each of them asks for something: all of them together, 40 times a second."""

_LIMIT_S = 5.0
_PER_SESSION = 10
_ADDRESSES = 8
_SMALL = ("", "a9059cbb" + "11" * 64)
_LARGE = "c0de" * 512
_LARGE_AMONG_20 = (3, 10, 16)
_NAMED_AMONG_4 = 1
_CONTACT, _FRIEND = "treasury", "0x" + "7e" * 20
_WALLETS = ("lantern", "harbour", "pebble")


class Second(Struct, frozen=True):
    """What all users together tried in about a second, and how much of it failed, by kind."""

    utc_us: int
    boot_us: int
    tries: dict[str, int]
    failures: dict[str, int]


class Acknowledged(Struct, frozen=True):
    """A transaction that a user was told is signed and kept."""

    hash: str
    utc_us: int
    """When they were told."""


class Ledger:
    """What users were told is kept, a line each, on disk before they ask for the next thing."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def note(self, tx_hash: str) -> None:
        """One signed transaction."""
        self._file.write(msgspec.json.encode(Acknowledged(tx_hash, now().utc_us)) + b"\n")

    def close(self) -> None:
        """Note nothing more."""
        self._file.close()


class Tally:
    """Tries and failures since the last line."""

    def __init__(self) -> None:
        self.tries: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()

    def count(self, kind: str, *, failed: bool) -> None:
        """One try, once its outcome is known."""
        self.tries[kind] += 1
        if failed:
            self.failures[kind] += 1

    def take(self) -> Second:
        """What was counted; counting begins anew."""
        moment = now()
        second = Second(moment.utc_us, moment.boot_us, dict(self.tries), dict(self.failures))
        self.tries.clear()
        self.failures.clear()
        return second


class User:
    """One of them: a wallet that comes back under several addresses, again and again."""

    def __init__(self, number: int, http: httpx.AsyncClient, tally: Tally, ledger: Ledger) -> None:
        self._number = number
        self._http = http
        self._tally = tally
        self._ledger = ledger
        self._session: str | None = None
        self._is_new = False
        """Whether the address book is still to be brought up to date, which a wallet does first of all."""
        self._visits = 0
        self._signed = number

    async def live(self) -> None:
        """Ask for something at every turn, whatever became of the last one."""
        loop = asyncio.get_running_loop()
        due = loop.time() + EVERY_S * self._number / USERS
        wishes = self._wishes()
        while True:
            await asyncio.sleep(due - loop.time())
            due = max(due + EVERY_S, loop.time())
            await self._ask(self._next(wishes))

    def _next(self, wishes: Iterator[str]) -> str:
        """Without a session there is only one thing to ask for, and with a new one only one thing first."""
        if not self._session:
            return "connect"
        return "contact" if self._is_new else next(wishes)

    def _wishes(self) -> Iterator[str]:
        # First sessions differ in length, so that users do not all connect at the same time.
        signings = 1 + self._number % _PER_SESSION
        while True:
            yield "message"
            for _ in range(signings):
                self._signed += 1
                yield self._size()
            signings = _PER_SESSION
            yield "connect"

    def _size(self) -> str:
        """Which kind of transaction it is this time: one with much data, one to a contact, or a small one."""
        if self._signed % 20 in _LARGE_AMONG_20:
            return "large"
        return "named" if self._signed % 4 == _NAMED_AMONG_4 else "small"

    async def _ask(self, kind: str) -> None:
        path, body = self._request(kind)
        try:
            response = await self._http.post(path, json=body)
        except httpx.HTTPError:
            self._tally.count(kind, failed=True)
            return
        self._tally.count(kind, failed=response.is_error)
        if path == "/sign" and response.is_success:
            self._ledger.note(response.json()["hash"])
        if not response.is_server_error:
            self._is_new = kind == "connect"
        if kind == "connect" or response.status_code == httpx.codes.UNAUTHORIZED:
            self._session = response.json().get("session")

    def _request(self, kind: str) -> tuple[str, dict[str, object]]:
        if kind == "connect":
            self._visits += 1
            address = self._number * _ADDRESSES + self._visits % _ADDRESSES
            return "/connect", {"user": f"0x{address:040x}"}
        if kind == "message":
            return "/sign-message", {"session": self._session, "message": f"visit {self._visits}"}
        if kind == "contact":
            return "/contact", {"session": self._session, "name": _CONTACT, "address": _FRIEND}
        return "/sign", {
            "session": self._session,
            "to": _CONTACT if kind == "named" else f"0x{self._signed:040x}",
            "value": 10**15 + self._signed,
            "data": _LARGE if kind == "large" else _SMALL[self._signed % len(_SMALL)],
            "wallet": _WALLETS[self._number % len(_WALLETS)],
        }


async def write_down(tally: Tally, path: Path) -> None:
    """A line a second, for ever."""
    with path.open("ab", buffering=0) as file:
        while True:
            await asyncio.sleep(1)
            file.write(msgspec.json.encode(tally.take()) + b"\n")


async def live(counts: Path, acknowledged: Path, urls: Sequence[str]) -> None:
    """All users at once, spread over the instances of the service, until somebody ends the process."""
    tally, trusted = Tally(), httpx.create_ssl_context()  # SSL_CERT_FILE names whom they trust
    with closing(Ledger(acknowledged)) as ledger:
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(
                    httpx.AsyncClient(base_url=url, timeout=_LIMIT_S, trust_env=False, verify=trusted)
                )
                for url in urls
            ]
            group = await stack.enter_async_context(asyncio.TaskGroup())
            group.create_task(write_down(tally, counts))
            for number in range(USERS):
                group.create_task(User(number, clients[number % len(clients)], tally, ledger).live())


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
