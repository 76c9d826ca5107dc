"""A transaction: as a wallet asks for it, and as it is kept."""

import hashlib
import secrets
from typing import Annotated

from msgspec import Meta, Struct

INSERT = """
    INSERT INTO transactions (user_id, hash, recipient, value, data, gas_limit, wallet_name)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
"""


class SignRequest(Struct, frozen=True):
    """What a wallet asks to be signed: `value` in wei, `data` in hex, `wallet` its name."""

    session: str
    to: str
    value: Annotated[int, Meta(ge=0)]
    data: str = ""
    wallet: str | None = None

    def payload(self) -> bytes:
        """The data as bytes; ValueError when it is not hex."""
        return bytes.fromhex(self.data.removeprefix("0x"))


def transaction_hash(request: SignRequest) -> str:
    """The name under which the chain knows the signed transaction."""
    signed = f"{secrets.token_hex(16)} {request.to} {request.value} {request.data}"
    return "0x" + hashlib.sha3_256(signed.encode()).hexdigest()


def row(request: SignRequest, user_id: int, tx_hash: str, gas_limit: int) -> tuple[object, ...]:
    """The values for INSERT."""
    return (user_id, tx_hash, request.to, request.value, request.payload(), gas_limit, request.wallet)
