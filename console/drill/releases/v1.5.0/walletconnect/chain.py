"""What the chain asks of a transaction. These are its rules, not ours: no release changes them."""

TRANSFER = 21_000
ZERO_BYTE = 4
DATA_BYTE = 16
CALL = 2_600
CALL_BYTE = 40


class RefusedError(Exception):
    """The chain does not take the transaction; the message is the chain's."""


def intrinsic_gas(data: bytes) -> int:
    """What a transaction costs before any contract runs."""
    zeros = data.count(0)
    return TRANSFER + zeros * ZERO_BYTE + (len(data) - zeros) * DATA_BYTE


def needed_gas(data: bytes) -> int:
    """What a transaction uses up, the contract's work included."""
    return intrinsic_gas(data) + (CALL + len(data) * CALL_BYTE if data else 0)


def admit(data: bytes, gas_limit: int) -> None:
    """Take a transaction that carries `data`, or raise RefusedError."""
    intrinsic, needed = intrinsic_gas(data), needed_gas(data)
    if gas_limit < intrinsic:
        raise RefusedError(f"intrinsic gas too low: have {gas_limit}, want {intrinsic}")
    if gas_limit < needed:
        raise RefusedError(f"out of gas: gas limit {gas_limit}, needed {needed}")
