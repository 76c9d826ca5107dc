"""What users can ask for: to connect, to keep a contact, to know the gas, to sign."""

import hashlib

from msgspec import Struct
from msgspec.structs import replace

from walletconnect import chain, metrics
from walletconnect.contacts import Contacts
from walletconnect.database import Database
from walletconnect.gas import GasRules
from walletconnect.rpc import Rpc
from walletconnect.sessions import Sessions
from walletconnect.transactions import INSERT, SignRequest, row, transaction_hash


class ConnectRequest(Struct, frozen=True):
    """A wallet that connects, by the address of its user."""

    user: str


class ContactRequest(Struct, frozen=True):
    """An address, and the name that the user has for it."""

    session: str
    name: str
    address: str


class MessageRequest(Struct, frozen=True):
    """A message to sign; it costs no gas and leaves nothing on the chain."""

    session: str
    message: str


class Wallet:
    """The service itself, whoever carries its requests."""

    def __init__(self, database: Database, sessions: Sessions, rules: GasRules) -> None:
        self._database = database
        self._contacts = Contacts(database)
        self._sessions = sessions
        self._rules = rules
        self._rpc = Rpc()

    async def connect(self, request: ConnectRequest) -> dict[str, object]:
        """Open a session for a user, known or new."""
        metrics.CONNECTIONS.inc()
        with metrics.CONNECTION_FAILURES.count_exceptions():
            user_id = await self._database.connect_user(request.user)
            metrics.SESSIONS.inc()
            with metrics.SESSION_FAILURES.count_exceptions():
                return {"session": await self._sessions.open(user_id)}

    async def keep_contact(self, request: ContactRequest) -> dict[str, object]:
        """Write down whom the user means by a name."""
        user_id = await self._sessions.user(request.session)
        await self._contacts.keep(user_id, request.name, request.address)
        return {"name": request.name, "address": request.address}

    async def estimate(self, request: SignRequest) -> dict[str, object]:
        """The gas limit that this transaction would be given."""
        await self._sessions.user(request.session)
        return {"gas_limit": self._rules.limit(request.payload())}

    async def sign(self, request: SignRequest) -> dict[str, object]:
        """Sign a transaction, send it, and keep it once it is confirmed; `to` may be a contact's name."""
        user_id = await self._sessions.user(request.session)
        data = request.payload()
        metrics.SIGNINGS.inc()
        try:
            gas_limit = self._admitted_gas(data)
            sent = replace(request, to=await self._contacts.address(user_id, request.to))
            metrics.SENT.inc()
            tx_hash = transaction_hash(sent)
            await self._rpc.send(tx_hash)
            await self._database.insert(INSERT, row(sent, user_id, tx_hash, gas_limit))
        except Exception:
            metrics.SIGNING_FAILURES.inc()
            raise
        metrics.CONFIRMED.inc()
        return {"hash": tx_hash, "gas_limit": gas_limit}

    async def sign_message(self, request: MessageRequest) -> dict[str, object]:
        """Sign a message."""
        user_id = await self._sessions.user(request.session)
        signed = f"{user_id} {request.message}".encode()
        return {"signature": "0x" + hashlib.sha3_256(signed).hexdigest()}

    def _admitted_gas(self, data: bytes) -> int:
        gas_limit = self._rules.limit(data)
        try:
            chain.admit(data, gas_limit)
        except chain.RefusedError:
            metrics.GAS_ESTIMATION_ERRORS.inc()
            raise
        return gas_limit
