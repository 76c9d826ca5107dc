"""Flags: what can be switched off while the service runs. They are read anew at each request."""

import os
from pathlib import Path

import msgspec


def is_on(name: str) -> bool:
    """Whether the file that WALLETCONNECT_FLAGS_FILE names says so; what it does not name is off."""
    path = os.environ.get("WALLETCONNECT_FLAGS_FILE")
    if path is None:
        return False
    return msgspec.toml.decode(Path(path).read_bytes(), type=dict[str, bool]).get(name, False)
