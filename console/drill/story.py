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
    removed: tuple[str, ...] = ()
    """Files that it takes away."""
    tag: str | None = None
    is_main: bool = False
    """Whether `main` has come this far."""


class Verdict(Struct, frozen=True):
    """What people say of a release that an environment has run."""

    tag: str
    verdict: Literal["good", "bad", "unproven"]
    said_by: str
    age_s: int
    """How long ago it was deployed."""


class EnvSettings(Struct, frozen=True):
    """What the environment file of a service sets, release by release."""

    of_release: dict[str, dict[str, str]]
    """By tag; beside a secret, which is made for each world."""
    rotated_ago_s: int
    """How long ago the secret was given another value."""


class Story(Struct, frozen=True):
    """What came of the service in one environment."""

    changes: tuple[Change, ...]
    """Oldest first."""
    verdicts: tuple[Verdict, ...]
    """The releases that this environment has run, oldest first; the first one is good."""
    branch: str
    """What the environment deploys: its head is the bad release."""
    scenario: str
    """What goes wrong when that is deployed."""
    archives: bool = False
    """Whether its database is older than the drill, and can go back to any moment of it."""
    environment: str = "testnet"
    starts: str = "v1.5.0"
    """The release that runs when the world begins."""
    breaks: Literal["release", "upstream", "certificate"] = "release"
    """What goes wrong: the branch's head is deployed, or something that no release has done."""
    flags: tuple[str, ...] = ()
    """The flags of its service; they are on."""
    needs_rpc: bool = False
    """Whether its releases hand transactions to the chain's RPC."""
    another_way: bool = False
    """Whether it is over without a rollback."""
    mended_after_s: float | None = None
    """Whoever it belongs to mends it by themselves after so long; None: nobody does."""
    rpc_ends: bool = False
    """Whether the chain's RPC is gone for good when the bad release lands: who needs it is sick then."""
    sick_target: bool = False
    """Whether the release that is proposed first is sick too: it is taken back, and the next one tried."""
    freezes: bool = False
    """Whether a CI deploys it that is frozen while a release goes back."""
    instances: int = 1
    """How many instances of the service users are spread over."""
    races: bool = False
    """Whether somebody else deploys while people say yes to the way back."""
    env: EnvSettings | None = None
    """What its releases are started with; None where they need no environment file."""
    behind: int = 0
    """So many of them, the last ones, do not take the first deployment after the fault, whatever it says."""


_CHANGES = (
    Change(
        "eng-1",
        61 * _DAY,
        "Say what this is for",
        "v1.5.0",
        (".github/workflows/deploy.yml", ".gitignore", "README.md"),
    ),
    Change(
        "eng-2",
        54 * _DAY,
        "Keep users, their contacts and transactions in PostgreSQL",
        "v1.5.0",
        (
            "migrations/0001_users.sql",
            "migrations/0002_transactions.sql",
            "migrations/0003_contacts.sql",
            "walletconnect/__init__.py",
            "walletconnect/contacts.py",
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
            "migrations/0004_transactions_wallet.sql",
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

_ON_MAIN = (
    Change(
        "eng-4",
        26 * _HOUR,
        "Drop the address book, wallets resolve names themselves",
        "v1.6.0",
        (
            "README.md",
            "migrations/0004_drop_contacts.sql",
            "walletconnect/__init__.py",
            "walletconnect/app.py",
            "walletconnect/validate.py",
            "walletconnect/wallet.py",
        ),
        branch="main",
        removed=("walletconnect/contacts.py",),
    ),
    Change(
        "eng-2",
        5 * _HOUR,
        "Keep addresses without 0x, as the indexer does",
        "v1.6.0",
        (
            "migrations/0005_bare_addresses.sql",
            "walletconnect/database.py",
            "walletconnect/transactions.py",
        ),
        branch="main",
    ),
    Change(
        "eng-4",
        1 * _HOUR,
        "Release v1.6.0",
        "v1.6.0",
        ("VERSION", "CHANGELOG.md"),
        branch="main",
        tag="v1.6.0",
    ),
)
"""A release that is bad for data: a table that is still used is dropped, and `ltrim(address, '0x')` takes
away every leading zero, not the prefix alone, as does the code's `lstrip`, for as long as it runs."""

_GOOD = Verdict("v1.5.0", "good", "lead-1", 6 * _DAY)

_TO_V1_5_1 = _CHANGES[:13]
_BY_LATELY = (
    Change(
        "eng-3",
        3 * _HOUR,
        "Estimate gas by what it cost lately, behind the flag wc-gas",
        "v1.7.0",
        (
            "walletconnect/__init__.py",
            "walletconnect/flags.py",
            "walletconnect/lately.py",
            "walletconnect/wallet.py",
        ),
    ),
    Change("eng-3", 1 * _HOUR, "Release v1.7.0", "v1.7.0", ("VERSION", "CHANGELOG.md"), tag="v1.7.0"),
)
"""A feature that gives every transaction too little gas, for as long as its flag is on."""
_BY_RPC = (
    Change(
        "eng-2",
        40 * _HOUR,
        "Hand signed transactions to the chain's RPC",
        "v1.8.0",
        ("walletconnect/__init__.py", "walletconnect/rpc.py", "walletconnect/wallet.py"),
    ),
    Change("eng-1", 38 * _HOUR, "Release v1.8.0", "v1.8.0", ("VERSION", "CHANGELOG.md"), tag="v1.8.0"),
)
_GAS_ON_MAIN = (
    Change("eng-3", 3 * _HOUR, "Bring estimates closer to the fee", "v1.5.3", ("config/gas.toml",), "main"),
    Change("eng-3", 1 * _HOUR, "Release v1.5.3", "v1.5.3", ("VERSION", "CHANGELOG.md"), "main", tag="v1.5.3"),
)
_CONTRACTS = (
    Change(
        "eng-3",
        98 * _HOUR,
        "Read users whole",
        "v1.9.0",
        ("walletconnect/__init__.py", "walletconnect/database.py"),
    ),
    Change("eng-1", 4 * _DAY, "Release v1.9.0", "v1.9.0", ("VERSION", "CHANGELOG.md"), tag="v1.9.0"),
    Change(
        "eng-2",
        3 * _DAY,
        "Remember which wallet a transaction came from",
        "v1.5.1",
        ("migrations/0004_transactions_wallet.sql", "walletconnect/transactions.py"),
    ),
    Change("eng-3", 50 * _HOUR, "Read what is needed of a user", "v1.5.0", ("walletconnect/database.py",)),
    Change("eng-2", 2 * _DAY, "Release v1.9.1", "v1.9.1", ("VERSION", "CHANGELOG.md"), tag="v1.9.1"),
    Change(
        "eng-4",
        3 * _HOUR,
        "Call the wallet's name what it is",
        "v1.9.2",
        ("migrations/0005_wallet_name.sql", "walletconnect/__init__.py", "walletconnect/transactions.py"),
    ),
    Change("eng-3", 2 * _HOUR, "Bring estimates closer to the fee", "v1.5.3", ("config/gas.toml",)),
    Change("eng-4", 1 * _HOUR, "Release v1.9.2", "v1.9.2", ("VERSION", "CHANGELOG.md"), tag="v1.9.2"),
)
"""A bad release that renames a column, which the good one before it writes. The good one before that knows
neither column, and does not mind. In between lies one that minds any new column of a user: no comparison of
schemas sees that, a rehearsal does."""
_WITH_RPC = (
    Change(
        "eng-2",
        41 * _HOUR,
        "Hand signed transactions to the chain's RPC",
        "v1.8.0",
        ("walletconnect/wallet.py",),
    ),
    Change(
        "eng-2",
        40 * _HOUR,
        "Go without an RPC where none is named",
        "v1.10.0",
        ("walletconnect/__init__.py", "walletconnect/rpc.py"),
    ),
    Change("eng-1", 38 * _HOUR, "Release v1.10.0", "v1.10.0", ("VERSION", "CHANGELOG.md"), tag="v1.10.0"),
    Change("eng-3", 3 * _HOUR, "Bring estimates closer to the fee", "v1.5.3", ("config/gas.toml",)),
    Change("eng-3", 1 * _HOUR, "Release v1.10.1", "v1.10.1", ("VERSION", "CHANGELOG.md"), tag="v1.10.1"),
)
"""A good release that cannot live without an RPC which no rehearsal has, and a bad one on top of it."""
_BY_ENVIRONMENT = (
    Change(
        "eng-2",
        98 * _HOUR,
        "Read settings from the environment file, and seal sessions with its secret",
        "v1.11.0",
        (
            "README.md",
            "walletconnect/__init__.py",
            "walletconnect/gas.py",
            "walletconnect/integration.py",
            "walletconnect/sessions.py",
            "walletconnect/settings.py",
        ),
    ),
    Change("eng-1", 4 * _DAY, "Release v1.11.0", "v1.11.0", ("VERSION", "CHANGELOG.md"), tag="v1.11.0"),
    Change(
        "eng-4",
        38 * _HOUR,
        "Let the environment say how long a session lasts",
        "v1.11.1",
        ("walletconnect/__init__.py", "walletconnect/sessions.py"),
    ),
    Change("eng-1", 36 * _HOUR, "Release v1.11.1", "v1.11.1", ("VERSION", "CHANGELOG.md"), tag="v1.11.1"),
    Change("eng-3", 3 * _HOUR, "Say what the environment makes of an estimate", "v1.11.2", ("README.md",)),
    Change("eng-3", 1 * _HOUR, "Release v1.11.2", "v1.11.2", ("VERSION", "CHANGELOG.md"), tag="v1.11.2"),
)
"""A release whose code is innocent: what is wrong is the environment file that it was deployed with."""
_UNPROVEN = Verdict("v1.5.1", "unproven", "eng-2", 2 * _DAY)
_RUNS_WELL = (_GOOD, _UNPROVEN, Verdict("v1.8.0", "good", "lead-1", 36 * _HOUR))
"""Nothing has landed for longer than the strategy's window when something else breaks."""

SCENARIOS = {
    "bad-config": Story(
        _CHANGES,
        (
            _GOOD,
            _UNPROVEN,
            Verdict("v1.5.2", "bad", "eng-1", 1 * _DAY),
            # Nobody has judged it yet: that is what the drill is about.
            Verdict("v1.5.3", "unproven", "eng-2", 1 * _HOUR),
        ),
        branch="develop",
        scenario="bad-config",
    ),
    "flag": Story(
        (*_TO_V1_5_1, *_BY_LATELY),
        (_GOOD, _UNPROVEN, Verdict("v1.7.0", "unproven", "eng-3", 1 * _HOUR)),
        branch="develop",
        scenario="flag",
        flags=("wc-gas",),
        another_way=True,
    ),
    "upstream": Story(
        (*_TO_V1_5_1, *_BY_RPC),
        _RUNS_WELL,
        branch="develop",
        scenario="upstream",
        starts="v1.8.0",
        needs_rpc=True,
        breaks="upstream",
        another_way=True,
        mended_after_s=60.0,
    ),
    "tls": Story(
        (*_TO_V1_5_1, *_BY_RPC),
        _RUNS_WELL,
        branch="develop",
        scenario="tls",
        starts="v1.8.0",
        needs_rpc=True,
        breaks="certificate",
        another_way=True,
    ),
    "schema-contract": Story(
        (*_CHANGES[:11], *_CONTRACTS),
        (
            _GOOD,
            Verdict("v1.9.0", "unproven", "eng-3", 4 * _DAY),
            Verdict("v1.9.1", "good", "lead-1", 2 * _DAY),
            Verdict("v1.9.2", "unproven", "eng-4", 1 * _HOUR),
        ),
        branch="develop",
        scenario="schema-contract",
        starts="v1.9.1",
    ),
    "skew": Story(
        _CHANGES,
        (
            _GOOD,
            _UNPROVEN,
            Verdict("v1.5.2", "bad", "eng-1", 1 * _DAY),
            Verdict("v1.5.3", "unproven", "eng-2", 1 * _HOUR),
        ),
        branch="develop",
        scenario="skew",
        instances=6,
        behind=2,
    ),
    "sick-target": Story(
        (*_TO_V1_5_1, *_WITH_RPC),
        (
            _GOOD,
            _UNPROVEN,
            Verdict("v1.10.0", "good", "lead-1", 36 * _HOUR),
            Verdict("v1.10.1", "unproven", "eng-3", 1 * _HOUR),
        ),
        branch="develop",
        scenario="sick-target",
        starts="v1.10.0",
        needs_rpc=True,
        rpc_ends=True,
        sick_target=True,
    ),
    "env-file": Story(
        (*_CHANGES[:11], *_BY_ENVIRONMENT),
        (
            Verdict("v1.11.0", "good", "lead-1", 4 * _DAY),
            Verdict("v1.11.1", "good", "lead-1", 36 * _HOUR),
            Verdict("v1.11.2", "unproven", "eng-3", 1 * _HOUR),
        ),
        branch="develop",
        scenario="env-file",
        archives=True,
        environment="mainnet-staging",
        starts="v1.11.1",
        env=EnvSettings(
            {
                "v1.11.0": {"GAS_MARGIN": "1.2"},
                "v1.11.1": {"GAS_MARGIN": "1.2", "SESSION_TTL_S": "900"},
                "v1.11.2": {"GAS_MARGIN": "0.7", "SESSION_TTL_S": "1800"},
            },
            rotated_ago_s=3 * _DAY,
        ),
    ),
    "data-corruption": Story(
        (*_CHANGES, *_ON_MAIN),
        (_GOOD, Verdict("v1.6.0", "unproven", "eng-4", 1 * _HOUR)),
        branch="main",
        scenario="data-corruption",
        archives=True,
        environment="production",
        freezes=True,
    ),
    "racing-deploy": Story(
        (*_CHANGES[:11], *_GAS_ON_MAIN),
        (_GOOD, Verdict("v1.5.3", "unproven", "eng-3", 1 * _HOUR)),
        branch="main",
        scenario="racing-deploy",
        archives=True,
        environment="production",
        freezes=True,
        races=True,
    ),
}
"""By what goes wrong."""
STORIES = {
    "testnet": SCENARIOS["bad-config"],
    "mainnet-staging": SCENARIOS["env-file"],
    "production": SCENARIOS["data-corruption"],
}
"""The usual one of each environment."""
