"""The looks, as pictures. Each picture's test first says which words must be on it."""

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.image import SVGImageSnapshotExtension

from console.core import events as ev
from console.core.changes import Branch
from console.core.live import Impact
from console.core.metrics import Rung
from console.core.plan import Need
from console.core.schema_verdict import TARGET_REHEARSED, Difference, SchemaVerdict
from tests.ui import changes_place as cp
from tests.ui import data_place as dp
from tests.ui import place
from tests.ui.fake_room import FakeRoom
from tests.ui.seat import seat

SICK = {
    "error_rate": (12.4, Rung.MANDATORY),
    "transaction_signing_rate": (0.0, Rung.MANDATORY),
    "connection_success_rate": (43.1, Rung.WAITING),
    "response_time_p99": (2.4, Rung.WARN),
    "database_health": (None, Rung.STALE),
}

_ADDED = Difference("expanded", "transactions.wallet added, may be null")
GROWN = SchemaVerdict("expanded", (_ADDED,), rehearsed=True)
GONE = SchemaVerdict(
    "contracted", (Difference("contracted", "table contacts dropped"), _ADDED), nearest="v1.4.9"
)


@pytest.fixture
def picture(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Compares SVGs, kept one a file."""
    return snapshot.use_extension(SVGImageSnapshotExtension)


def suspected(**changes: object) -> FakeRoom:
    """Metrics fire; nobody has declared anything."""
    room = FakeRoom(place.environment(**changes))
    room.runs("v1.5.0")
    room.sample(60, {"connection_success_rate": 53.0}, **SICK)
    room.runs("v1.5.3")
    room.suspect()
    room.show(impact=Impact(15.0, 212, 31.0, "worse"))
    return room


def at_the_gate(**changes: object) -> FakeRoom:
    """Prepared; a yes is missing."""
    room = suspected(**changes)
    room.wait(14)
    room.declare()
    room.freeze(schema=GROWN)
    room.prepare()
    room.say(ev.EvidenceRecorded(TARGET_REHEARSED, holds=True, words="v1.5.0 works on it", inputs="3"))
    return room


def deploying() -> FakeRoom:
    """Behind the gate, the deployment runs."""
    room = at_the_gate()
    room.open_gate()
    room.run("integrate", 3, "develop at 9c1f0000, the good tree")
    room.begin("deploy")
    room.wait(3)
    room.progress("deploy", "the keeper starts commit 9c1f0000")
    return room


def contains(screen: str, *words: str) -> None:
    """Every one of those words is on the screen."""
    assert [each for each in words if each not in screen] == []


async def test_suspected(picture: SnapshotAssertion) -> None:
    """What is broken, and that it wants to be declared."""
    async with seat(suspected()) as here:
        contains(
            await here.look(),
            "○ testnet ○",
            "suspected INC-7QK2",
            "acting eng-1",
            "DRILL: windows of seconds",
            "cooperative, nobody restarts the engine",
            "IMPACT 15 % cannot sign · 212 failed signings · 31 a minute · WORSE",
            "!! errors       12.4 % >5   ▁▃▄▅▆▇█ ROLL BACK",
            "ARMS in 00:53",
            "STALE 00:14",
            "NEXT declare the incident",
        )
        assert here.svg() == picture


async def test_the_gate_dialog(picture: SnapshotAssertion) -> None:
    """The plan in it, and the name to type."""
    async with seat(at_the_gate()) as here:
        contains(
            await here.press("g"),
            "Go · testnet · INC-7QK2",
            "expanded: transactions.wallet added, may be null; rehearsed",
            "Type the environment's name to go on:",
        )
        assert here.svg() == picture


async def test_a_plan_whose_target_does_not_fit_the_schema(picture: SnapshotAssertion) -> None:
    """Every difference, and what there is to do instead, in its order; NEXT names the release that fits."""
    room = suspected()
    room.declare()
    room.freeze(schema=GONE)
    room.prepare()
    async with seat(room, 100, 30) as here:
        contains(
            await here.look(),
            "schema contracted ✗",
            "NEXT plan anew, to v1.4.9, whose schema fits: the schema has contracted: table contacts",
        )
        contains(
            await here.press("v"),
            "✗ table contacts dropped",
            "+ transactions.wallet added, may be null",
            "The gate of this plan stays closed. The ways out, in their order:",
            "2 go back to v1.4.9 instead, the nearest good release whose schema fits (T)",
        )
        assert here.svg() == picture


async def test_deploying_on_a_larger_terminal(picture: SnapshotAssertion) -> None:
    """What runs, how far, what it prints, what is to come."""
    async with seat(deploying(), 120, 40) as here:
        contains(
            await here.look(),
            "WAY BACK restore tree to v1.5.0 · data kept · schema expanded ✓ rehearsed",
            "▸ deploy",
            "00:03 ~00:05 left",
            "output of deploy",
            "CHECKLIST",
            "gate 00:06 ago · ~00:22 to healthy · target 15:00 · deploy",
            "NEXT wait: deploy, ~00:05 left; then healthy, version",
        )
        assert here.svg() == picture


async def test_the_engine_is_gone(picture: SnapshotAssertion) -> None:
    """Nothing is green, everything says its age, and what ran says that nobody runs it."""
    room = deploying()
    room.lose_engine()
    room.wait(42)
    async with seat(room) as here:
        contains(
            await here.look(),
            "engine gone",
            "NOW v1.5.3 when last seen 14:10:43, sick since 14:10:17",
            "IMPACT not known since 14:10:43 · was 15 % cannot sign · 212 failed signings",
            "?  errors       STALE 00:42, was 12.4 %",
            "? deploy",
            "nobody runs it now",
            "gate 00:48 ago · target 15:00 · no engine runs it",
            "NEXT start an engine: the last one is gone",
        )
        assert here.svg() == picture


async def test_production_in_the_light_theme_with_a_failed_step(picture: SnapshotAssertion) -> None:
    """Production looks like production in every theme; a failure looks like one."""
    room = at_the_gate(risk="critical")
    room.name = "production"
    room.open_gate()
    room.begin("integrate")
    room.wait(2)
    room.end(
        "integrate",
        "develop has moved to 77aa, by eng-2 (gas again): with that it is not the good tree, plan again",
        failed=True,
    )
    async with seat(room, look="light") as here:
        contains(
            await here.look(),
            "◆ PRODUCTION ◆",
            "✗ into develop",
            "FAILED develop has moved to 77aa, by eng-2",
            "waiting for a decision",
            "NEXT plan again: into develop failed, to retry it is no use",
        )
        assert here.svg() == picture


async def test_proven_without_unicode_and_without_colour(
    picture: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same screen reads the same: signs and words carry it."""
    monkeypatch.setenv("NO_COLOR", "1")
    room = at_the_gate()
    room.open_gate()
    room.switch()
    room.prove()
    room.sample(60)
    async with seat(room, ascii_only=True) as here:
        screen = await here.look()
        assert screen.isascii()
        contains(
            screen,
            "o testnet o",
            "engine +",
            "NOW v1.5.0 well since 14:10:46",
            "2 of 12",
            "- gate to healthy 9.0 s - target 15:00 met - sick for 00:29",
            "NEXT close the incident: proven; 10 items not ticked",
        )
        assert here.colours() == set()
        assert here.svg() == picture


async def test_the_data_screen_on_a_small_terminal(picture: SnapshotAssertion) -> None:
    """Corrupt data that the plan keeps: what it can go back to, and a backup under way beside it."""
    room = dp.keeps()
    dp.backing_up(room, dp.errand(room), share=0.34, seconds=35)
    async with seat(room) as here:
        contains(
            await here.press("b"),
            "It was declared: database corrupt.",
            "Beside   RUN-3HXP backup: 34 %, ~01:08 left",
            "« 14:10:32Z",
            "─ onset 14:10:17Z: only what ends before it can be gone back to ─",
            "▸✓ 13:55:17Z",
            "enter restore r rows m onset b backup v verify k cache w swapback",
        )
        assert here.svg() == picture


async def test_the_data_screen_with_its_receipt(picture: SnapshotAssertion) -> None:
    """The plan restores: what it goes back to, and which rows that takes."""
    async with seat(dp.compared(), 140, 40) as here:
        contains(
            await here.press("b"),
            "▸→ 13:55:17Z",
            "─ LOSS RECEIPT ─",
            "40 rows gone, 3 go back",
            "12 transactions on the chain among them",
            "at most 50 rows: it holds",
        )
        assert here.svg() == picture


async def test_the_gate_of_a_plan_that_swaps_data(picture: SnapshotAssertion) -> None:
    """Everything that one says yes to, on a small terminal."""
    async with seat(dp.compared()) as here:
        contains(
            await here.press("g"),
            "v1.5.3 back to v1.5.0, which is good",
            "back to 13:55:17Z",
            "40 rows gone, 3 go back to what they were",
            "Type the environment's name to go on:",
        )
        assert here.svg() == picture


async def test_the_swap_said_yes_to(picture: SnapshotAssertion) -> None:
    """Which rows go, in the light theme of a production."""
    room = dp.compared(risk="critical")
    room.name = "production"
    async with seat(room, look="light") as here:
        await here.press("g")
        contains(
            await here.type("production"), "Swap the data · production", "Ceiling  at most 50 rows: it holds"
        )
        assert here.svg() == picture


async def test_what_changed_on_a_small_terminal(picture: SnapshotAssertion) -> None:
    """What landed before the onset, and the settings that are not the same; the rest by scrolling."""
    async with seat(cp.landed()) as here:
        contains(
            await here.press("d"),
            "v1.5.3 beside v1.5.0, the newest good release before it: 5 commits, 6 files",
            "v1.5.3 landed 00:07 before the onset",
            "─ onset 14:10:24Z, 00:07 after v1.5.3 ─",
            "· 14:10:17Z       00:49  v1.5.3    unproven, by eng-2         seen to land",
            "~ changed  margin",
            "m onset",
        )
        assert here.svg() == picture


async def test_what_changed_in_the_light_theme_with_trouble(picture: SnapshotAssertion) -> None:
    """All of it at once; what could not be read is said, and the branch that somebody moved."""
    room = cp.landed(risk="critical")
    room.name = "production"
    cp.show(
        room,
        trouble=("the remote gave no answer: git fetch: timed out",),
        unread=("config/broken.yaml cannot be read as YAML",),
        branch=Branch("develop", "f" * 40, 2, 0),
        more_commits=12,
        apart=1,
    )
    async with seat(room, 120, 40, look="light") as here:
        contains(
            await here.press("d"),
            "the remote gave no answer: git fetch: timed out",
            "develop is at ffffffff: 2 commits beyond v1.5.3 · remote read 00:12 ago",
            "config/broken.yaml cannot be read as YAML",
            "and 12 more",
            "v1.5.0 has 1 commit that v1.5.3 has not: they have gone apart",
            ". 3 · config 1 · migrations 1 · walletconnect 1",
        )
        assert here.svg() == picture


async def test_the_signatures_of_production(picture: SnapshotAssertion) -> None:
    """Who has signed, whose yes ran out, who said no, who is missing, and where it is pasted."""
    room = suspected(risk="critical")
    room.name = "production"
    room.wait(14)
    room.declare()
    needs = (Need("engineer", 2), Need("security-lead", 1), Need("product-manager", 1))
    room.freeze(proof="signature", needs=needs)
    room.prepare()
    said = (
        ("eng-2", "engineer", 60, ""),
        ("sec-1", "security-lead", 1800, ""),
        ("pm-1", "product-manager", 1800, "users in Asia are asleep: wait for the flag first"),
    )
    for person, role, seconds, because in said:
        key = f"SHA256:{person.replace('-', '') * 9}"
        expires = room.now.utc_us + seconds * 1_000_000
        room.say(ev.GateSigned(room.plan_hash, person, (role,), key, because, expires, "", ""))
        room.wait(70)
    async with seat(room, 120, 40) as here:
        contains(
            await here.press("A"),
            "Signatures · production · INC-7QK2",
            "✗ pm-1 said no at 14:12:57: users in Asia are asleep: wait for the flag",
            "✓ sec-1, security-lead: key SHA256:sec1sec1se",
            "! eng-2: expired, sign again",
            "… product-manager: nobody yet",
            "Paste here what was signed, text and signature:",
        )
        assert here.svg() == picture


async def test_the_metrics_on_a_small_terminal(picture: SnapshotAssertion) -> None:
    """The chart of what is worst: thresholds, marks, a gap."""
    async with seat(at_the_gate()) as here:
        contains(
            await here.press("m", "s"),
            "▸ !! errors       12.4 % >5",
            "mand 5.0 %┤",
            "the whole incident",
            "L v1.5.3 landed 14:10:17 · O onset 14:10:17 · D declared 14:10:31",
            "M mandatory",
        )
        assert here.svg() == picture


async def test_the_metrics_in_the_light_theme_of_a_production(picture: SnapshotAssertion) -> None:
    """A window under way, with its rules, its question and its source."""
    room = at_the_gate(risk="critical")
    room.name = "production"
    async with seat(room, 120, 40, look="light") as here:
        contains(
            await here.press("m", "j", "j"),
            "▸ !  connections  43.1 % <50",
            "warn 90.0 %┤",
            "mandatory  connection_success_rate < 50% for 1m, its window is under way: 00:53 left",
            "measure  100 * (1 - increase(connections[5m]) / increase(connections_total[5m]))",
        )
        assert here.svg() == picture


async def test_the_metrics_without_unicode_and_without_colour(
    picture: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same chart."""
    monkeypatch.setenv("NO_COLOR", "1")
    async with seat(at_the_gate(), ascii_only=True) as here:
        contains(await here.press("m", "s"), "> !! errors", "mand 5.0 %|", "M mandatory")
        assert here.colours() == set()
        assert here.svg() == picture


async def test_deploying_on_a_very_large_terminal() -> None:
    """200x60 shows the step's exact effects and its output beside the runbook."""
    async with seat(deploying(), 200, 60) as here:
        screen = await here.look()
        contains(screen, "PLAN hash", "$ git deploy --exactly this", "deploy: line 6 of its output")
        assert "output of deploy" not in screen


async def test_colour_is_there_where_it_is_wanted() -> None:
    """The measure of the picture without colour can tell the difference."""
    async with seat(FakeRoom()) as here:
        assert here.colours() > {"#6bcf8e"}
