"""The people of the incident: the page of who has what, its forms, and in whose name keys are pressed."""

from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.image import SVGImageSnapshotExtension
from textual.events import MouseDown

from console.core import events as ev
from console.core import requests as rq
from console.core.roster import Roster
from console.core.staff import Assignment
from screens.lines import text
from screens.lines import width as cells
from screens.views.staff import staff_lines
from tests.ui.fake_room import FakeRoom
from tests.ui.seat import Seat, seat
from tests.ui.test_pictures import at_the_gate, contains, suspected

ROSTER = Roster.model_validate(
    {
        "schema": "warroom.roster/1",
        "people": [
            {"handle": "eng-1", "roles": ["engineer"]},
            {"handle": "eng-2", "roles": ["engineer"]},
            {"handle": "ops-1", "roles": ["operations-lead"]},
            {"handle": "ops-2", "roles": [], "deputy_for": ["operations-lead"]},
            {"handle": "pm-1", "roles": ["product-manager"]},
            {"handle": "left-1", "roles": ["engineer"], "valid_until": "2025-12-31"},
        ],
    }
)
WAR_ROOM = {"roles": ["commander", "operations", "communications", "scribe"], "ask_again": "10m"}
TASKS = (
    Assignment("t1", "communications", "alert engineering and security", 60.0),
    Assignment("t2", "operations", "see that deployments are frozen, and those that ran have ended", 120.0),
    Assignment("t3", "eng-1", "decide whether data goes back"),
)


@pytest.fixture
def picture(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Compares SVGs, kept one a file."""
    return snapshot.use_extension(SVGImageSnapshotExtension)


def staffed() -> FakeRoom:
    """At the gate of production: ops-1 has operations, pm-1 is asked to be scribe, a task is overdue."""
    room = at_the_gate(risk="critical", war_room=WAR_ROOM)
    room.name = "production"
    room.say(ev.RoleTaken("operations"), actor="ops-1")
    room.say(ev.RoleOffered("scribe", "pm-1"), actor="eng-1")
    room.say(ev.TaskAssigned(TASKS), actor="eng-1")
    room.wait(70)
    room.say(ev.TaskOverdue("t1", "alert engineering and security", "communications"))
    room.say(ev.TaskDone("t3", "decide whether data goes back", "it stays"), actor="eng-1")
    return room


def console(
    room: FakeRoom, width: int = 80, height: int = 24, **options: Any
) -> AbstractAsyncContextManager[Seat]:
    """A console on it that knows the people."""
    return seat(room, width, height, roster=ROSTER, **options)


async def as_(here: Seat, handle: str) -> None:
    """Somebody else sits down at the keys."""
    await here.press("a")
    await here.type(handle)


class TestPage:
    """Who has what, and how long."""

    @pytest.mark.parametrize(("size", "look"), [((80, 24), "dark"), ((140, 40), "light")])
    async def test_the_page(self, picture: SnapshotAssertion, size: tuple[int, int], look: str) -> None:
        """The most urgent first; what has ended at the end."""
        async with console(staffed(), *size, look=look) as here:
            screen = await here.press("w")
            contains(
                screen,
                "Who has what · production · INC-7QK2",
                "✓ commander       eng-1",
                "✓ operations      ops-1          for 01:10",
                "! communications  nobody: t takes it, h asks somebody",
                "… scribe          pm-1 is asked, by eng-1 at 14:10:37",
                "WAITED FOR 2 tasks, 1 OVERDUE",
                "! t1  communications OVERDUE 00:10  alert engineering and security",
                "◌ t2  ops-1          00:50 left     see that deployments are frozen",
                "✓ t3  eng-1          done 14:11     decide whether data goes back;",
                "a assign d done x drop h hand t take",
            )
            assert screen.index("communications OVERDUE") < screen.index("00:50 left")
            assert here.svg() == picture

    async def test_without_colour_and_unicode_it_reads_the_same(
        self, picture: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Sign and word carry it."""
        monkeypatch.setenv("NO_COLOR", "1")
        async with console(staffed(), ascii_only=True) as here:
            screen = await here.press("w")
            assert screen.isascii()
            contains(screen, "! t1  communications OVERDUE 00:10", "acting eng-1")
            assert here.colours() == set()
            assert here.svg() == picture

    @pytest.mark.parametrize("width", [48, 76, 120])
    def test_no_line_is_wider_than_its_place_and_no_word_is_lost(self, width: int) -> None:
        """Whatever people write."""
        room = staffed()
        what = "漢字 and a [red]long[/] story " * 9
        room.say(ev.TaskAssigned((Assignment("t4", "ops-1", what, 9.0),)), actor="eng-1")
        lines = staff_lines(room.incident, room.environment, room.now, "eng-1", width)
        assert all(cells(row) <= width for row in lines)
        together = "".join(text(row) for row in lines).replace(" ", "")
        assert what.replace(" ", "") in together

    async def test_the_war_room_says_who_is_waited_for(self) -> None:
        """On the clock line: all words where there is room, the count where there is little."""
        async with console(staffed(), 140, 40) as here:
            contains(await here.look(), "2 tasks: communications OVERDUE 00:10 w ─")
        room = staffed()
        async with console(room) as here:
            contains(await here.look(), "1 OVERDUE ─")
            room.say(ev.TaskDone("t1", "alert"), actor="eng-1")
            assert "OVERDUE ─" not in await here.look()
        async with console(at_the_gate(war_room=WAR_ROOM)) as here:
            assert "task" not in await here.look()

    async def test_tasks_are_given_and_ended(self) -> None:
        room = staffed()
        async with console(room) as here:
            await here.press("w", "a", "down", "tab")
            await here.type("page the provider")
            assert room.asked[-1] == rq.AssignTask("operations", "page the provider", None)
            await here.press("w", "a", "tab")
            await here.press(*"call", "tab")
            assert "'soon' is no time box: type one such as 30s or 5m" in await here.type("soon")
            await here.press("escape", "d", "tab")
            await here.type("all know")
            assert room.asked[-1] == rq.EndTask("t1", done=True, words="all know")
            assert "say why" in await here.press("w", "x", "enter")
            await here.type("not needed")
            assert room.asked[-1] == rq.EndTask("t1", done=False, words="not needed")

    async def test_the_command_is_handed_over(self) -> None:
        room = staffed()
        async with console(room) as here:
            await here.press("w", "h", "tab")
            assert "nobody is called ops-3: is ops-2 meant?" in await here.type("ops-3")
            await here.press("escape", "h", "tab")
            await here.type("eng-2")
            assert room.asked == [rq.OfferRole("commander", "eng-2")]
            room.say(ev.RoleOffered("commander", "eng-2"), actor="eng-1", request="r-1")
            await as_(here, "eng-2")
            assert here.next.endswith("eng-1 asks you to take the command (w)")
            contains(await here.press("w", "t"), "accept commander, as eng-1 asks")
            await here.press("enter")
            assert (room.asked[-1], room.by[-1]) == (rq.AcceptRole("commander"), "eng-2")

    async def test_a_role_is_taken_over_with_a_reason_alone(self) -> None:
        room = staffed()
        async with console(room) as here:
            await here.press("w", "t", "down", "down")
            assert "ops-1 has operations: it is taken over with a reason" in await here.press("enter")
            await here.type("no answer")
            assert room.asked == [rq.TakeRole("operations", "no answer")]


class TestHeader:
    """In whose name one acts is always in the first line, and the incident's clock beside it."""

    @pytest.mark.parametrize(("commander", "words"), [("eng-2", "acting eng-1"), ("oncall-100", "as eng-1")])
    async def test_on_a_small_terminal_the_actor_says_less(self, commander: str, words: str) -> None:
        room = at_the_gate(risk="medium", war_room=WAR_ROOM)
        room.name = "mainnet-stage"
        room.say(ev.RoleTaken("commander", "eng-1", "x"), actor=commander)
        async with console(room) as here:
            contains(await here.look(), f"SEV-3 INC-7QK2 IC {commander}  {words}  T+00:06")


class TestDeclare:
    """A declaration asks who helps, where the strategy wants that."""

    async def test_roles_are_asked_for(self, picture: SnapshotAssertion) -> None:
        """Who is not in the roster is nobody; a role may stay empty."""
        room = suspected(risk="critical", war_room=WAR_ROOM)
        room.name = "production"
        async with console(room) as here:
            contains(await here.press("D"), "operations: who is asked", "scribe: who is asked")
            assert here.svg() == picture
            await here.press("tab")
            assert "nobody is called ops-9: is ops-" in await here.type("ops-9")
            await here.press(*["backspace"] * 5)
            await here.type("ops-1")
            assert room.asked == [rq.Declare("", roles={"operations": "ops-1"})]

    async def test_without_a_war_room_nobody_is_asked_for(self) -> None:
        room = suspected()
        async with console(room) as here:
            assert "who is asked" not in await here.press("D")
            await here.press("enter")
            assert room.asked == [rq.Declare("")]


class TestActor:
    """Each key press has a name, switched by a key and shown."""

    async def test_the_list_gets_shorter_the_more_is_typed(self, picture: SnapshotAssertion) -> None:
        """Also by role; who does not count any more is not there."""
        async with console(staffed()) as here:
            screen = await here.press("a")
            contains(screen, "Who is at the keys?", "ops-1       operations-lead · now operations")
            assert "left-1" not in screen
            assert here.svg() == picture
            screen = await here.press(*"deputy")
            contains(screen, "ops-2       deputy for operations-lead")
            assert "pm-1  " not in screen
            contains(await here.press(*"zz", "enter"), "nobody in the roster is called that")

    async def test_whoever_is_chosen_asks_from_then_on(self) -> None:
        """And nothing is journalled of the change itself."""
        room = staffed()
        async with console(room) as here:
            contains(await here.look(), "IC  acting eng-1")
            await as_(here, "ops-2")
            assert room.asked == []
            contains(await here.look(), "IC eng-1  acting ops-2")
            await here.press("i")
            contains(here.painted(), "as said by ops-2")
            await here.type("the provider answers")
            assert (room.asked, room.by) == ([rq.Note("the provider answers")], ["ops-2"])

    async def test_after_long_without_a_key_it_is_asked_who_is_there(self) -> None:
        """The next key does nothing else: nobody acts in the name of somebody who has left."""
        room = staffed()
        async with console(room) as here:
            await here.press("escape")
            room.wait(599)
            contains(await here.look(), "acting eng-1")
            room.wait(2)
            contains(await here.look(), "eng-1, still there?")
            contains(await here.press("i"), "Who is at the keys?", "Nobody has pressed a key for long")
            contains(await here.press("escape"), "eng-1, still there?")
            await here.press("g")
            await here.type("eng-2")
            contains(await here.look(), "acting eng-2")
            assert "Go ·" not in here.painted()
            contains(await here.press("i"), "as said by eng-2")

    async def test_whoever_is_still_there_says_so_with_one_key(self) -> None:
        room = staffed()
        async with console(room) as here:
            room.wait(601)
            await here.look()
            await here.press("x", "enter")
            contains(await here.look(), "acting eng-1")

    async def test_a_click_is_a_key_too(self) -> None:
        """A button of a dialog that was left open is not pressed by a stranger."""
        room = staffed()
        async with console(room) as here:
            await here.press("i", *"words")
            room.wait(601)
            await here.look()
            button = here.app.screen.query_one("#yes").region
            here.app.post_message(
                MouseDown(None, button.x, button.y, 0, 0, 1, shift=False, meta=False, ctrl=False)
            )
            contains(await here.look(), "Who is at the keys?")
            assert room.asked == []
            await here.type("eng-2")
            contains(await here.look(), "as said by eng-2", "words")

    async def test_anybody_may_leave(self) -> None:
        room = staffed()
        async with console(room) as here:
            room.wait(601)
            await here.look()
            assert "Who is at the keys?" not in await here.press("ctrl+q")

    async def test_where_the_strategy_does_not_say_so_nobody_is_asked(self) -> None:
        room = at_the_gate()
        async with console(room) as here:
            room.wait(100_000)
            contains(await here.look(), "acting eng-1")

    async def test_a_console_of_nobody_in_the_roster_only_looks(self) -> None:
        """Read-only is read-only: no key makes somebody of it."""
        room = staffed()
        room.actor = "observer"
        async with console(room) as here:
            screen = await here.press("a")
            contains(screen, "a act as: observer is not in the roster, so this console only looks")
            assert "Who is at the keys?" not in screen

    async def test_without_a_roster_there_is_nobody_to_choose(self) -> None:
        async with seat(staffed()) as here:
            contains(await here.press("a"), "a act as: the roster cannot be read here")
