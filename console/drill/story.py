"""What happened to the drill's service before the drill: who changed what, and what came of it."""

from typing import Literal

from msgspec import Struct

_HOUR = 3600
_DAY = 24 * _HOUR

GAS_CAP = "feature/gas-cap"


class Change(Struct, frozen=True):
    """A commit that brings files into the state they have in a release."""

    author: str
    age_s: int
    """How long ago, seen from the moment when the history is built."""
    message: str
    release: str
    files: tuple[str, ...]
    branch: str = "develop"
    starts_from: str = "develop"
    """Where the branch begins, if this is its first commit."""
    merges: str | None = None
    """The branch that this commit brings in."""
    tag: str | None = None
    is_main: bool = False
    """Whether `main` has come this far."""


class Verdict(Struct, frozen=True):
    """What people say of a release."""

    tag: str
    verdict: Literal["good", "bad", "unproven"]
    said_by: str
    age_s: int
    """How long ago it was deployed."""


CHANGES = (
    Change("eng-1", 61 * _DAY, "Say what this is for", "v1.5.0", ("README.md", ".gitignore")),
    Change(
        "eng-2",
        54 * _DAY,
        "Keep users and transactions in PostgreSQL",
        "v1.5.0",
        (
            "migrations/0001_users.sql",
            "migrations/0002_transactions.sql",
            "walletconnect/__init__.py",
            "walletconnect/database.py",
        ),
    ),
    Change("eng-2", 50 * _DAY, "Keep sessions in Redis", "v1.5.0", ("walletconnect/sessions.py",)),
    Change("eng-3", 43 * _DAY, "Write down what the chain asks for", "v1.5.0", ("walletconnect/chain.py",)),
    Change(
        "eng-3",
        40 * _DAY,
        "Estimate gas by rules in a file",
        "v1.5.0",
        ("config/gas.toml", "walletconnect/gas.py"),
    ),
    Change("eng-1", 33 * _DAY, "Know which release this is", "v1.5.0", ("walletconnect/release.py",)),
    Change("eng-4", 29 * _DAY, "Count what users see", "v1.5.0", ("walletconnect/metrics.py",)),
    Change(
        "eng-2",
        22 * _DAY,
        "Sign transactions and messages",
        "v1.5.0",
        ("walletconnect/transactions.py", "walletconnect/wallet.py"),
    ),
    Change(
        "eng-1",
        15 * _DAY,
        "Answer over HTTP",
        "v1.5.0",
        ("walletconnect/app.py", "walletconnect/health.py", "walletconnect/__main__.py"),
    ),
    Change("eng-4", 8 * _DAY, "Let a release validate itself", "v1.5.0", ("walletconnect/validate.py",)),
    Change(
        "eng-1",
        6 * _DAY,
        "Release v1.5.0",
        "v1.5.0",
        ("VERSION", "CHANGELOG.md"),
        tag="v1.5.0",
        is_main=True,
    ),
    Change(
        "eng-2",
        3 * _DAY,
        "Remember which wallet a transaction came from",
        "v1.5.1",
        (
            "migrations/0003_transactions_wallet.sql",
            "walletconnect/__init__.py",
            "walletconnect/transactions.py",
        ),
    ),
    Change("eng-2", 2 * _DAY, "Release v1.5.1", "v1.5.1", ("VERSION", "CHANGELOG.md"), tag="v1.5.1"),
    Change("eng-3", 40 * _HOUR, "Cap the gas limit", "v1.5.2", ("config/gas.toml",), branch=GAS_CAP),
    Change("eng-4", 38 * _HOUR, "Say how long a session lasts", "v1.5.2", ("README.md",)),
    Change("eng-3", 30 * _HOUR, "Tell users about the cap", "v1.5.2", ("CHANGELOG.md",), branch=GAS_CAP),
    Change(
        "eng-1",
        26 * _HOUR,
        f"Merge branch '{GAS_CAP}' into develop",
        "v1.5.2",
        ("config/gas.toml", "CHANGELOG.md"),
        merges=GAS_CAP,
    ),
    Change("eng-1", 1 * _DAY, "Release v1.5.2", "v1.5.2", ("VERSION",), tag="v1.5.2"),
    Change("eng-3", 3 * _HOUR, "Bring estimates closer to the fee", "v1.5.3", ("config/gas.toml",)),
    Change("eng-3", 1 * _HOUR, "Release v1.5.3", "v1.5.3", ("VERSION", "CHANGELOG.md"), tag="v1.5.3"),
)
"""Oldest first."""

VERDICTS = (
    Verdict("v1.5.0", "good", "lead-1", 6 * _DAY),
    Verdict("v1.5.1", "unproven", "eng-2", 2 * _DAY),
    Verdict("v1.5.2", "bad", "eng-1", 1 * _DAY),
    # Nobody has judged it yet: that is what the drill is about.
    Verdict("v1.5.3", "unproven", "eng-2", 1 * _HOUR),
)
