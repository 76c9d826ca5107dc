"""What changed in the testnet of the tests: four deploys, a bad setting, a migration, five commits."""

from typing import Any

from console.core.changes import Between, Branch, Changes, Committed, Deployed, Folder, Side
from console.core.config_keys import KeyChange
from console.core.metrics import Rung
from console.core.strategy import Environment
from tests.ui import place
from tests.ui.fake_room import FakeRoom

HOUR = 3_600_000_000
DAY = 24 * HOUR
STAGES = dict.fromkeys(("detection", "alert", "validation", "execution", "verification"), "1m")


def environment(**changes: Any) -> Environment:
    """The testnet, whose onset must follow a release within a day for a rollback to help."""
    automatic = {"unsigned": "runs", "release_within": "24h", "stages": STAGES}
    return place.environment(**{"automatic": automatic, **changes})


def between(room: FakeRoom, **changes: Any) -> Between:
    """All that lies between v1.5.0 and v1.5.3."""
    now = room.now.utc_us
    fields: dict[str, Any] = {
        "newer": Side("v1.5.3", "3" * 40),
        "older": Side("v1.5.0", "a" * 40),
        "why": "the newest good release before it",
        "commits": (
            Committed("3" * 40, "eng-1", now - HOUR, "Release v1.5.3", ("v1.5.3",)),
            Committed("c" * 40, "eng-3", now - 3 * HOUR, "Bring estimates closer to the fee", ()),
            Committed(
                "2" * 40, "eng-1", now - DAY, "Merge branch 'feature/gas-cap' into develop", ("v1.5.2",)
            ),
            Committed("d" * 40, "eng-3", now - 30 * HOUR, "Cap the gas limit", ()),
            Committed("e" * 40, "eng-2", now - 2 * DAY, "Remember which wallet it came from", ("v1.5.1",)),
        ),
        "more_commits": 0,
        "apart": 0,
        "files": 6,
        "folders": (Folder(".", 3), Folder("config", 1), Folder("migrations", 1), Folder("walletconnect", 1)),
        "more_folders": 0,
        "migrations": ("migrations/0004_transactions_wallet.sql",),
        "more_migrations": 0,
        "keys": (
            KeyChange("config/gas.toml", "ceiling", "changed"),
            KeyChange("config/gas.toml", "margin", "changed"),
            KeyChange("config/gas.toml", "retries", "added"),
        ),
        "more_keys": 0,
        "unread": (),
        "branch": Branch("develop", "3" * 40, 0, 0),
    }
    return Between(**{**fields, **changes})


def releases(room: FakeRoom) -> tuple[Deployed, ...]:
    """As people wrote them down."""
    now = room.now.utc_us
    told = (
        ("v1.5.0", "a", "good", "lead-1", 6 * DAY),
        ("v1.5.1", "e", "unproven", "eng-2", 2 * DAY),
        ("v1.5.2", "2", "bad", "eng-1", DAY),
        ("v1.5.3", "3", "unproven", "eng-2", HOUR // 60),
    )
    return tuple(Deployed(tag, digit * 40, said, who, now - ago) for tag, digit, said, who, ago in told)


def show(room: FakeRoom, *, trouble: tuple[str, ...] = (), **changes: Any) -> None:
    """The engine has looked."""
    made = between(room, **changes)
    remote = room.now.utc_us - 12_000_000
    room.show(changes=Changes(room.now, remote, releases(room), made, trouble))


def landed(**changes: Any) -> FakeRoom:
    """v1.5.3 lands, and seven seconds later it begins; then somebody takes command."""
    room = FakeRoom(environment(**changes))
    room.runs("v1.5.2")
    room.sample(60)
    room.runs("v1.5.3")
    room.sample(7, error_rate=(12.4, Rung.MANDATORY), transaction_signing_rate=(0.0, Rung.MANDATORY))
    room.suspect()
    room.wait(42)
    room.declare()
    room.freeze()
    show(room)
    return room
