"""Names of the databases that stand beside the live one while an incident is open."""

import re

LONGEST = 63
"""Bytes of the longest name that PostgreSQL keeps whole."""


def beside(database: str, incident: str) -> str:
    """Where a candidate is built: `walletconnect_restore_inc_7qk2`."""
    return _named(database, "restore", incident)


def before(database: str, incident: str) -> str:
    """What the live one is called after the swap: `walletconnect_before_inc_7qk2`."""
    return _named(database, "before", incident)


def undone(database: str, incident: str) -> str:
    """What the restored one is called after the swap was taken back: `walletconnect_undone_inc_7qk2`."""
    return _named(database, "undone", incident)


def scratch(database: str, what: str) -> str:
    """Where a backup is verified: `walletconnect_verify_...`."""
    return _named(database, "verify", what)


def built(database: str, what: str) -> str:
    """Where a release builds its own schema, to be compared: `walletconnect_schema_...`."""
    return _named(database, "schema", what)


def rehearsal(database: str, what: str) -> str:
    """Where a release is rehearsed on today's schema: `walletconnect_rehearsal_...`."""
    return _named(database, "rehearsal", what)


def _named(database: str, why: str, whose: str) -> str:
    """The whole reason and owner; of the database's name as much as there is place for."""
    tail = f"_{why}_{re.sub(r'[^a-z0-9]+', '_', whose.lower()).strip('_')}"[:LONGEST]
    return database.encode()[: LONGEST - len(tail)].decode(errors="ignore") + tail
