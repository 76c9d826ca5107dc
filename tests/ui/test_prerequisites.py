"""What must be so before the gate, on the screen: shown where one says yes, ticked with t, said by NEXT."""

from functools import partial

from console.core import events as ev
from console.core import requests as rq
from console.core.commands import command
from console.core.next_step import next_step
from console.core.plan import Prerequisite
from screens import lines as ln
from screens.scene import Scene
from screens.views.plan import gate_lines, plan_lines
from screens.views.side import draw_side, side_view
from screens.views.signatures import signature_lines
from tests.ui import place
from tests.ui.fake_room import FakeRoom
from tests.ui.seat import seat

RULES = [
    {"id": "restorable", "title": "restorable point", "proof": {"kind": "evidence", "steps": ["fetch"]}},
    {"id": "lead", "title": "team lead approval", "proof": {"kind": "approval", "role": "team-lead"}},
    {"id": "told", "title": "security lead notified", "proof": {"kind": "hand"}},
    {"id": "ticket", "title": "incident ticket created", "proof": {"kind": "hand"}},
]
ITEMS = (
    Prerequisite("restorable", "restorable point", "evidence", ("rows",), (), ("operations-lead",)),
    Prerequisite("lead", "team lead approval", "approval", (), ("team-lead",)),
    Prerequisite("told", "security lead notified", "hand"),
    Prerequisite("ticket", "incident ticket created", "hand"),
)


def at_gate() -> FakeRoom:
    room = FakeRoom(place.environment(prerequisites=RULES))
    room.suspect()
    room.declare()
    room.freeze(prerequisites=ITEMS)
    room.prepare()
    return room


def tick(room: FakeRoom, *items: str) -> None:
    for item in items:
        room.say(ev.ItemTicked(item, done=True, note="by phone"), actor="eng-1")


def claim(room: FakeRoom, who: str, *roles: str) -> None:
    room.say(ev.GateClaimed(room.plan_hash, roles), actor=who)


def side(room: FakeRoom, height: int = 14) -> str:
    drawn = draw_side(side_view(room.snapshot(), room.environment), 36, height)
    return "\n".join(ln.text(row).rstrip() for row in drawn)


def told(room: FakeRoom) -> tuple[str, str | None]:
    """NEXT, whose key can be pressed."""
    step = next_step(room.snapshot(), room.environment)
    assert step.command is None or command(step.command).possible(room.snapshot(), room.environment) is None
    return step.sentence, step.command


class TestNext:
    """One thing at a time: what only a person can tick, then the yes, then the yes of a role."""

    def test_it_leads_through_what_is_open(self) -> None:
        room = at_gate()
        words = "tick what is done before the gate: security lead notified, incident ticket created"
        assert told(room) == (words, "tick")
        tick(room, "told", "ticket")
        assert told(room) == ("go: say yes to the plan and type testnet", "go")
        claim(room, "eng-1", "engineer")
        words = "say yes too: team lead approval, no team-lead has said yes"
        assert told(room) == (words, "go")
        claim(room, "lead-1", "engineer", "team-lead")
        assert told(room) == ("wait: everybody said yes, the gate opens", None)


class TestSide:
    """The pane beside the runbook."""

    def test_what_is_open_says_how_it_is_met(self) -> None:
        room = at_gate()
        words = side(room)
        assert " · security lead notified         t" in words
        assert " · team lead approval         a yes" in words
        assert "restorable point" not in words, "the predicate over its evidence says it"
        tick(room, "told")
        assert " ✓ security lead notified\n" in side(room)

    def test_what_is_met_folds_away_when_the_rest_needs_the_room(self) -> None:
        room = at_gate()
        tick(room, "told", "ticket")
        assert "✓ 2 before the gate" in side(room, height=5)

    def test_a_waiver_stays_in_sight(self) -> None:
        room = at_gate()
        room.say(ev.ItemWaived("restorable", room.plan_hash, "the disk is full"), actor="ops-1")
        words = side(room)
        assert " ! restorable point          waived" in words
        assert "the rows are counted" not in words, "the gate does not demand it any more"


def test_whoever_says_yes_reads_what_is_met_and_what_is_not() -> None:
    room = at_gate()
    tick(room, "told")
    room.say(ev.ItemWaived("restorable", room.plan_hash, "the disk is full"), actor="ops-1")
    snapshot = room.snapshot()
    plan = room.incident.plan
    assert plan is not None
    for draw in (gate_lines, plan_lines, partial(signature_lines, environment=room.environment)):
        words = "\n".join(ln.text(row).rstrip() for row in draw(snapshot, room.incident, plan, 78))
        assert "✓ security lead notified: eng-1: by phone" in words, draw
        assert "· incident ticket created: not ticked yet" in words, draw
        assert "! restorable point: waived by ops-1: the disk is full" in words, draw


class TestTick:
    """t before the gate."""

    async def test_ticking_takes_a_note(self) -> None:
        room = at_gate()
        async with seat(room) as here:
            screen = await here.press("t")
            assert "Before the gate" in screen
            assert "· team lead approval: no team-lead has said yes" in screen, "shown, not to be ticked"
            assert "say in the note how you know" in await here.press("enter")
            assert room.asked == []
            await here.type("told by phone")
            await here.press("enter")
        assert room.asked == [rq.Tick("told", "told by phone")]

    async def test_a_tick_is_taken_back_without_one(self) -> None:
        room = at_gate()
        tick(room, "told", "ticket")
        async with seat(room) as here:
            await here.press("t", "enter")
        assert room.asked == [rq.Tick("told", done=False)]

    def test_where_nothing_is_ticked_before_the_gate_it_says_so(self) -> None:
        room = at_gate()
        none = place.environment(prerequisites=RULES[:2])
        why = command("tick").possible(room.snapshot(), none)
        assert why == "the checklist comes after the switch: the gate is not open yet"
        assert command("tick").possible(room.snapshot(), room.environment) is None
        room.open_gate()
        assert command("tick").possible(room.snapshot(), none) is None

    def test_before_the_plan_is_there_it_can_be_ticked_already(self) -> None:
        """To tell people takes longer than to make a plan."""
        room = FakeRoom(place.environment(prerequisites=RULES))
        room.suspect()
        assert command("tick").possible(room.snapshot(), room.environment)
        room.declare()
        assert command("tick").possible(room.snapshot(), room.environment) is None


def test_titles_of_prerequisites_are_told_on_the_timeline() -> None:
    room = at_gate()
    scene = Scene(room.snapshot(), room.environment, room.name, room.actor)
    assert scene.titles()["told"] == "security lead notified"
