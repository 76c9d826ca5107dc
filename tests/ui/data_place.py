"""A testnet whose data can go back: copies to choose from, a plan that restores, and its loss receipt."""

from typing import Any, Literal

from msgspec import Raw

from console.core import events as ev
from console.core.live import Candidate, Catalogue, Progress
from console.core.plan import (
    POINT_IN_TIME,
    Authority,
    DataChange,
    Phase,
    Predicate,
    RowsChange,
    Step,
    Wish,
    digest,
    frozen,
)
from console.core.strategy import Environment
from console.core.wishes import of_rows
from tests.ui import place
from tests.ui.fake_room import FakeRoom

MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE
VERIFIED = "20260225T135502.250Z-testnet-1f9c"
UNVERIFIED = "20260225T121000.104Z-testnet-77aa"
OLD = "20260222T020000.031Z-testnet-04d1"
WAY_BACK = "20260225T141030.718Z-testnet-c0de"
PROOF = "restored and compared: 4 tables, 4,432 rows; pg_amcheck found nothing, at 13:58:11Z"
RECEIPT = {
    "rows_gone": "40",
    "go_back": "3",
    "rows_back": "1",
    "chain_ids": "12",
    "path": "/var/lib/warroom/testnet/evidence/INC-7QK2-1772028660-loss",
    "table:public.transactions": "40 rows gone, 3 go back",
    "table:public.users": "1 come back",
}
TOO_MUCH = "40 rows would go, beyond the 20 signed; 40 rows written since the recovery point"


def environment(**changes: Any) -> Environment:
    """The testnet with backups, an archive, a cache, and a bound of loss."""
    data = {
        "backups": {"folder": "backups"},
        "archive": {"kind": "files", "wal": "wal", "bases": "bases"},
        "recovery": {"before": "15m", "loss_at_most": 50},
        "cache": {"url": "env:CACHE", "prefixes": ["session:", "quote:"]},
        "triggers": {"database_corrupt": {"title": "database corrupt", "rung": "mandatory"}},
    }
    return place.environment(**{**data, **changes})


def catalogue(room: FakeRoom) -> Catalogue:
    """What there is to go back to, around the onset of the room's incident, or around now."""
    incident = room.state.open_incident
    onset = incident.onset.utc_us if incident else room.now.utc_us
    ours = "taken in this incident: the way back from here, not the way to go"
    what = "database, cache, 1.2 GB"
    listed = (
        Candidate(WAY_BACK, onset + MINUTE // 4, what, "", ours if incident else "", 0),
        Candidate("20260225T141019.402Z-testnet-5eed", onset + 2_000_000, what, PROOF, _after(incident), 2),
        Candidate(VERIFIED, onset - 15 * MINUTE, what, PROOF, "", 43),
        Candidate(
            POINT_IN_TIME,
            onset - 16 * MINUTE,
            "any instant from 09:10:00Z on",
            "replayed and compared when it is built",
            "",
            None,
        ),
        Candidate(UNVERIFIED, onset - 121 * MINUTE, "database, 1.1 GB", "", "", 1840),
        Candidate(OLD, onset - 3 * DAY, what, PROOF, "", 31200),
        Candidate("broken", 0, "", "", "it has no manifest: it was never completed", None),
    )
    return Catalogue(room.now, listed)


def _after(incident: object) -> str:
    return "it ends at 14:10:19Z, not before the onset" if incident else ""


def data_change(room: FakeRoom, loss_at_most: int = 50) -> DataChange:
    """Back to the verified backup."""
    onset = room.incident.onset.utc_us
    return DataChange(VERIFIED, onset - 15 * MINUTE, onset, loss_at_most)


_STEPS: tuple[tuple[str, str, str, str, str, str], ...] = (
    ("backup", "backup", "prepare", "back up as it is", "20s", "save database and cache as they are"),
    (
        "candidate",
        "build-candidate",
        "prepare",
        "build candidate",
        "40s",
        "build it beside the live database",
    ),
    ("receipt", "loss-receipt", "prepare", "what would go", "10s", "what a return to 13:55:17Z would take"),
    ("stop-writers", "stop-writers", "switch", "stop the service", "5s", "stop the service"),
    ("judge-loss", "judge-loss", "switch", "judge the loss", "2s", "see that it is within what was signed"),
    ("swap", "swap-database", "switch", "swap the database", "1s", "two renames in one transaction"),
    ("integrate", "integrate", "switch", "into develop", "4s", "push 9c1f to develop"),
    ("deploy", "deploy", "switch", "deploy", "8s", "the keeper runs develop's new commit"),
    ("start-writers", "start-writers", "switch", "start the service", "5s", "start it, unless it runs"),
    ("health", "prove-health", "prove", "healthy, version", "6s", "3 good answers in a row"),
    ("final-receipt", "final-receipt", "prove", "what has gone", "10s", "what the swap took"),
)
_OF_ROWS = (
    ("show", "show-rows", "prepare", "show the rows", "5s", "show 2 rows as they are and as they were"),
    ("restore-rows", "restore-rows", "switch", "restore rows", "5s", "put 2 rows of users back"),
)


def _step(key: str, action: str, phase: str, title: str, expected: str, words: str) -> Step:
    fills = {"receipt": "loss-receipt", "candidate": "candidate-proven", "final-receipt": "loss-final"}
    return Step(
        id=key,
        action=action,
        title=title,
        phase=Phase(phase),
        authority=Authority.MATRIX if phase == "switch" else Authority.NONE,
        needs=(),
        params={},
        words=words,
        effects=(f"do {key} --exactly this",),
        repeatable=True,
        expected_s=float(expected[:-1]),
        limit_s=60.0,
        fills=(fills[key],) if key in fills else (),
    )


def sick_data(**changes: Any) -> FakeRoom:
    """Somebody has declared that the database is corrupt; there is no plan yet."""
    room = FakeRoom(environment(**changes))
    room.runs("v1.5.3")
    room.wait(60)
    triggers = ("database_corrupt",)
    body = ev.IncidentDeclared("eng-1", "SEV-3", "balances are wrong", triggers, room.now, room.now)
    room.wait(42)
    room.say(body, actor="eng-1")
    room.show(catalogue=catalogue(room))
    return room


def keeps() -> FakeRoom:
    """The plan keeps the data; prepared, at the gate."""
    room = sick_data()
    room.say(ev.PlanningStarted(Wish()), actor="eng-1")
    room.freeze()
    room.prepare()
    return room


def restoring(loss_at_most: int = 50, **changes: Any) -> FakeRoom:
    """A plan that restores is frozen; `changes` are of the environment."""
    room = sick_data(**changes)
    room.say(ev.PlanningStarted(Wish(data=VERIFIED)), actor="eng-1")
    predicates = (
        Predicate("candidate-proven", "the candidate is proven on the restored copy"),
        Predicate("loss-receipt", "the rows that would go are counted, and within the ceiling"),
    )
    steps = tuple(_step(*row) for row in _STEPS)
    room.freeze(data=data_change(room, loss_at_most), steps=steps, predicates=predicates)
    return room


def compared(*, beyond: bool = False, **changes: Any) -> FakeRoom:
    """Its receipt is there; a yes is missing."""
    room = restoring(20 if beyond else 50, **changes)
    room.run("backup", 18, f"{WAY_BACK}: 4 tables with 4,475 rows, 310 keys; 1.2 GB in 12 files")
    room.run("candidate", 41, f"walletconnect_restore_inc_7qk2 holds {VERIFIED}, 4,432 rows, proven")
    words = "walletconnect_restore_inc_7qk2, 4,432 rows, proven"
    room.say(ev.EvidenceRecorded("candidate-proven", holds=True, words=words, inputs="1"))
    said = TOO_MUCH if beyond else "40 rows written since the recovery point; at most 50 rows signed"
    room.run("receipt", 6, said, RECEIPT)
    room.say(ev.EvidenceRecorded("loss-receipt", holds=not beyond, words=said, inputs="2"))
    room.wait(38)
    return room


def rows_planned() -> FakeRoom:
    """A plan of two rows; its copy is proven, and the rows are being read."""
    room = sick_data()
    room.say(ev.PlanningStarted(of_rows("users", ["7", "8"], VERIFIED)), actor="eng-1")
    steps = tuple(_step(*row) for row in (_STEPS[1], *_OF_ROWS))
    predicates = (Predicate("rows-shown", "what becomes of each row is there to be read"),)
    change = RowsChange("users", ("7", "8"), VERIFIED, room.incident.onset.utc_us - 15 * MINUTE)
    room.freeze(code=None, rows=change, steps=steps, predicates=predicates)
    room.run("candidate", 41, f"walletconnect_restore_inc_7qk2 holds {VERIFIED}, 4,432 rows, proven")
    return room


def rows_shown() -> FakeRoom:
    """They have been read; a yes is missing."""
    room = rows_planned()
    said = "2 rows of public.users: 1 goes back in address, 1 comes back"
    facts = {"row:7": 'address is "x", was "0x12"', "row:8": 'is not there; was id "8"', "path": "/x"}
    room.run("show", 2, said, facts)
    room.say(ev.EvidenceRecorded("rows-shown", holds=True, words=said, inputs="3"))
    return room


def errand(room: FakeRoom, verb: str = "backup", **options: str) -> str:
    """A verb is asked for by itself; returns its id."""
    name = "RUN-3HXP"
    room.say(ev.ErrandBegun(Wish(code=False, verb=verb, options=options)), actor="eng-2", incident=name)
    return name


def backing_up(room: FakeRoom, run: str, *, share: float, seconds: float) -> None:
    """The errand has saved so much after so many seconds."""
    plan = place.plan(run, code=None, steps=(_step("backup", "backup", "prepare", "back up", "60s", "save"),))
    raw = frozen(plan)
    room.say(ev.PlanFrozen(digest(raw), Raw(raw)), incident=run)
    room.say(ev.StepIntent("backup", 1, room.state.epoch, digest(raw)), incident=run)
    since = room.now
    room.wait(seconds)
    words = "dumping public.transactions"
    room.show(steps={"errand:backup": Progress(words, since, share * 1.2e9, 1.2e9, "bytes")})


def errand_ends(room: FakeRoom, run: str, outcome: Literal["done", "failed"], words: str) -> None:
    """Its step ends, and it with that."""
    backing_up(room, run, share=0.5, seconds=10)
    room.say(ev.StepOutcome("backup", 1, outcome, words, 10.0), incident=run)
    room.say(ev.ErrandEnded(outcome, words), incident=run)
