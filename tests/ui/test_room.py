"""What a key press leads to: a request, a dialog, or the reason why not. Requests first, picture second."""

import pytest

from console.core import events as ev
from console.core import requests as rq
from console.core.errors import StatedError
from console.core.plan import Wish
from console.core.protocols import JournalError
from screens.dialog import Dialog
from screens.gate import GateDialog
from tests.ui.fake_room import FakeRoom
from tests.ui.place import environment
from tests.ui.seat import seat


def at_the_gate() -> FakeRoom:
    """Declared, planned, prepared; a yes is missing."""
    room = FakeRoom()
    room.suspect()
    room.declare()
    room.freeze()
    room.prepare()
    return room


class TestWhyNot:
    """A key that cannot do anything now says why."""

    async def test_the_reason_stands_above_next(self) -> None:
        """And nothing is asked of the engine."""
        room = at_the_gate()
        reasons = {
            "D": "INC-7QK2 is declared already, eng-1 commands it",
            "r": "no step has failed or is unclear",
            "t": "the gate is not open yet",
            "X": "the run is not stopped",
            "E": "an engine runs already, process 4711",
        }
        async with seat(room) as here:
            for key, reason in reasons.items():
                assert reason in await here.press(key)
                assert not isinstance(here.app.screen, Dialog)
            assert room.asked == []

    async def test_the_next_key_press_takes_the_reason_away(self) -> None:
        """It has been read."""
        async with seat(at_the_gate()) as here:
            assert "not stopped" in await here.press("X")
            assert "not stopped" not in await here.press("i")


class TestRequests:
    """Queued until an event with the request's id appears."""

    async def test_without_an_answer_it_is_shown_as_queued_and_not_sent_twice(self) -> None:
        """Single flight starts at the console."""
        room = at_the_gate()
        async with seat(room) as here:
            await here.press("g")
            assert "queued: go; the engine has not answered yet" in await here.type("testnet")
            assert "go is asked for already" in await here.press("g")
            assert len(room.asked) == 1
            await here.press("i", "escape")
            room.wait(3)
            assert "queued: go; the engine has not answered yet, asked 00:03 ago" in await here.look()
            room.open_gate(request="r-1")
            assert "queued" not in await here.look()

    async def test_with_no_engine_next_says_that_nobody_takes_it(self) -> None:
        """And offers the key that helps."""
        room = at_the_gate()
        room.lose_engine()
        room.wait(42)
        room.pending.append("r-0")
        async with seat(room) as here:
            assert here.next == "start an engine: the last one is gone; 1 request queued"
            await here.press("n")
            assert room.started == 1

    async def test_a_refusal_of_ours_is_shown_with_its_reason(self) -> None:
        """Prominently: the asker thinks that it has happened."""
        room = at_the_gate()
        reason = "eng-1 is observer; engineer must say yes"
        room.answer = lambda _ask, request: room.say(ev.RequestRefused("go", reason), request=request)
        async with seat(room) as here:
            await here.press("g")
            assert f"REFUSED go: {reason}" in await here.type("testnet")
            assert "REFUSED" not in (await here.press("o")).splitlines()[20]

    async def test_a_refusal_of_somebody_else_is_only_on_the_timeline(self) -> None:
        """Two consoles, one journal."""
        room = at_the_gate()
        async with seat(room) as here:
            room.say(ev.RequestRefused("go", "not you"), actor="eng-2", request="other-1")
            screen = await here.look()
            assert "refused go: not you" in screen
            assert "REFUSED" not in screen

    async def test_an_inbox_that_cannot_be_written_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A full disk loses no words: they say so."""
        room = at_the_gate()

        def full(_ask: rq.AnyAsk, _actor: str) -> str:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(room, "submit", full)
        async with seat(room) as here:
            await here.press("i")
            assert "note was not asked for: [Errno 28] No space left on device" in await here.type("hello")


class TestGate:
    """The one place where a rollback is confirmed."""

    async def test_a_wrong_name_is_refused_on_the_spot_and_can_be_mended(self) -> None:
        """No request leaves the console before the name is right."""
        room = at_the_gate()
        async with seat(room) as here:
            await here.press("g")
            screen = await here.type("testnt")
            assert "that is not the name: type testnet, or cancel" in screen
            assert "│ testnt " in screen, "what was typed stays, to be mended"
            assert room.asked == []
            await here.press("ctrl+u")
            await here.type("testnet")
            assert room.asked == [rq.Go(plan_hash=room.plan_hash, typed="testnet")]

    async def test_it_shows_what_one_says_yes_to(self) -> None:
        """Effects, release, data, evidence with its age, hash."""
        room = at_the_gate()
        async with seat(room) as here:
            screen = await here.press("g")
        for words in (
            "Go · testnet · INC-7QK2",
            "push 9c1f to develop, then the keeper runs develop's new commit",
            "v1.5.3 back to v1.5.0, which is good",
            "kept: no row is touched",
            "✓ the rows are counted: 4,432 rows, 00:04 ago",
            room.plan_hash[:8],
        ):
            assert words in screen

    async def test_a_plan_that_changes_meanwhile_is_never_said_yes_to_unseen(self) -> None:
        """The dialog is bound to the hash that it showed."""
        room = at_the_gate()
        async with seat(room) as here:
            await here.press("g")
            room.freeze(releases_back=2)
            assert "The plan has changed" in await here.look()
            assert "the plan has changed since you read it" in await here.type("testnet")
            assert isinstance(here.app.screen, GateDialog)
            assert room.asked == []

    async def test_escape_and_the_button_both_leave_everything_as_it_is(self) -> None:
        """Escape is slow in tmux, and never the only way."""
        room = at_the_gate()
        async with seat(room) as here:
            await here.press("g")
            await here.press("escape")
            assert not isinstance(here.app.screen, Dialog)
            await here.press("g")
            await here.press("tab", "tab", "enter")
            assert not isinstance(here.app.screen, Dialog)
            assert room.asked == []


class TestDialogs:
    """Each ends in one typed request."""

    async def _asked(self, room: FakeRoom, *keys: str, typed: str | None = None) -> list[rq.AnyAsk]:
        async with seat(room) as here:
            await here.press(*keys)
            if typed is not None:
                await here.type(typed)
        return room.asked

    async def test_a_note(self) -> None:
        assert await self._asked(FakeRoom(), "i", typed="gas looks wrong") == [
            rq.Note(text="gas looks wrong")
        ]

    async def test_stopping_the_run(self) -> None:
        asked = await self._asked(at_the_gate(), "x", typed="wait for the dba")
        assert asked == [rq.Abort(reason="wait for the dba")]

    async def test_going_on_after_a_stop_takes_one_key(self) -> None:
        room = at_the_gate()
        room.say(ev.RunAborted("wait"), actor="eng-1")
        assert await self._asked(room, "X") == [rq.Resume()]

    async def test_planning_anew_to_a_named_release(self) -> None:
        assert await self._asked(at_the_gate(), "T", typed="v1.4.9") == [rq.Replan(Wish("v1.4.9"))]

    async def test_planning_anew_without_the_commits_that_did_it(self) -> None:
        """Named as `d` lists them, several with spaces between, a merge with the parent that stays."""
        room = at_the_gate()
        async with seat(room) as here:
            await here.press("T", "tab")
            await here.type("1a2b3c4d 5e6f7a8b^1")
        assert room.asked == [rq.Replan(Wish(commits=("1a2b3c4d", "5e6f7a8b^1")))]

    async def test_a_release_and_commits_are_not_both_planned(self) -> None:
        """What is typed stays, and why it cannot be is said."""
        room = at_the_gate()
        async with seat(room) as here:
            await here.press("T")
            await here.press(*"v1.4.9", "tab")
            shown = await here.type("1a2b3c4d")
        assert room.asked == []
        assert "name a release to go back to, or commits to undo, not both" in shown

    async def test_planning_anew_by_breaking_the_glass_where_the_strategy_lets_it_be_broken(self) -> None:
        """Never proposed first; and it says what it means."""
        room = at_the_gate()
        authorisation = {
            "approvers": [{"role": "engineer", "count": 2}, {"role": "security-lead", "count": 1}],
            "proof": "signature",
            "within": "30m",
            "initiator_may_approve": "always",
            "break_glass": {"signatures": 2, "one_of": ["security-lead"], "review_within": "24h"},
        }
        room.environment = environment(authorisation=authorisation)
        async with seat(room) as here:
            words = "breaks the glass: 2 of 3 signatures, one of security-lead"
            assert words in await here.press("T")
            await here.press("down", "enter")
        assert room.asked == [rq.Replan(Wish(break_glass=True))]

    async def test_declaring_what_only_a_person_sees(self) -> None:
        """Enter in the list marks; Enter in the field declares."""
        asked = await self._asked(FakeRoom(), "D", "tab", "down", "enter", "shift+tab", "enter")
        assert asked == [rq.Declare(note="", triggers=("data_lost",))]

    async def test_ticking_the_first_open_item_takes_t_and_enter(self) -> None:
        room = at_the_gate()
        room.open_gate()
        assert await self._asked(room, "t", "enter") == [rq.Tick(item="accessible")]

    async def test_a_ticked_item_is_unticked(self) -> None:
        """The list has the open ones first, the ticked ones with their evidence after them."""
        room = at_the_gate()
        room.open_gate()
        room.say(ev.ItemTicked("cache", done=True, note="hit rate 98 %"), actor="eng-1")
        async with seat(room) as here:
            screen = await here.press("t", "end")
            assert "✓ cache functioning (ticked by eng-1 14:09:23: hit rate 98 %)" in screen
            await here.press("enter")
        assert room.asked == [rq.Tick(item="cache", done=False)]

    async def test_skipping_takes_a_reason(self) -> None:
        """By name and with a reason, or not at all."""
        room = at_the_gate()
        room.open_gate()
        room.begin("deploy")
        room.end("deploy", "port 9000 is taken", failed=True)
        async with seat(room) as here:
            assert "port 9000 is taken" in await here.press("r")
            assert "skipped by name and with a reason" in await here.press("down", "enter")
            assert room.asked == []
            await here.type("deployed by hand")
        assert room.asked == [rq.Decide("deploy", rq.Choice.SKIP, "deployed by hand")]

    async def test_a_step_that_says_to_plan_again_leads_to_another_plan(self) -> None:
        """n opens the right dialog, with the reason in it; to retry is not what is proposed."""
        room = at_the_gate()
        room.open_gate()
        room.begin("integrate")
        room.end("integrate", "develop has moved to 77aa, by eng-2: plan again", failed=True)
        async with seat(room) as here:
            screen = await here.press("r")
            assert "To try again is no use: T, in the war room, plans anew." in screen
            assert "retry: do it again: no use, the plan does not fit any more" in screen
            await here.press("enter")
            assert "into develop failed: develop has moved to 77aa, by eng-2" in await here.press("T")
            await here.press("enter")
        assert room.asked == [rq.Decide("integrate", rq.Choice.ABORT), rq.Replan(Wish())]

    async def test_what_was_skipped_cannot_end_as_recovered(self) -> None:
        """The engine would refuse it: it is not even offered, and why is said."""
        room = at_the_gate()
        room.open_gate()
        room.switch()
        for step in ("health", "validate", "rows-kept", "tidy"):
            room.begin(step)
            room.end(step, "no answer", failed=True)
            room.say(ev.StepDecided(step, 1, rq.Choice.SKIP, "by hand"), actor="eng-1")
        async with seat(room) as here:
            screen = await here.press("n")
            assert "It cannot end as recovered: not proven: healthy." in screen
            assert "recovered: the plan" not in screen

    async def test_the_output_says_that_nobody_runs_the_step_any_more(self) -> None:
        room = at_the_gate()
        room.open_gate()
        room.begin("deploy")
        room.progress("deploy", "starting the service")
        async with seat(room) as here:
            assert "starting the service" in await here.press("o")
            room.lose_engine()
            screen = await here.look()
            assert "nobody runs it now" in screen
            assert "line 6 of its output" in screen, "what it printed last stays"

    async def test_the_output_of_a_step_that_has_ended_says_how_long_it_took(self) -> None:
        room = at_the_gate()
        async with seat(room) as here:
            assert "─ push the branch done in 2.0 s ─" in await here.press("o")

    async def test_a_false_alarm_takes_a_note(self) -> None:
        """And `recovered` is not offered where nothing has been proven."""
        room = FakeRoom()
        room.suspect()
        async with seat(room) as here:
            screen = await here.press("R")
            assert "recovered:" not in screen
            assert "Nothing has been switched" in screen
            assert "it takes a note that says why" in await here.press("down", "enter")
            await here.type("a probe was broken")
        assert room.asked == [rq.Resolve(outcome="false alarm", note="a probe was broken")]

    async def test_the_palette_finds_a_command_and_does_it(self) -> None:
        room = at_the_gate()
        async with seat(room) as here:
            await here.press("colon")
            assert "declared already" in await here.press(*"decl")
            await here.press(*["backspace"] * 4, *"note", "enter")
            await here.type("found")
        assert room.asked == [rq.Note(text="found")]

    async def test_the_help_holds_every_key_and_why_it_is_not_possible(self) -> None:
        async with seat(at_the_gate(), 120, 92) as here:
            screen = await here.press("question_mark")
        assert "Says yes to the plan" in screen
        assert "not now: the run is not stopped" in screen
        assert "Escape" in screen or "escape" in screen


class TestJournal:
    """When the journal cannot be read, what is shown is old, and that is said."""

    async def test_trouble_is_said_and_goes_away_by_itself(self) -> None:
        room = at_the_gate()
        async with seat(room) as here:
            room.trouble = JournalError("/state/journal: disk I/O error, look at the disk")
            room.ring()
            await here.until(lambda: here.next.startswith("the journal cannot be read"))
            assert "disk I/O error" in here.painted()
            room.trouble = None
            room.ring()
            await here.until(lambda: here.next.startswith("go: "))

    async def test_an_engine_that_cannot_be_started_says_why(self, monkeypatch: pytest.MonkeyPatch) -> None:
        room = FakeRoom(engine=False)

        def refuse() -> None:
            raise StatedError("another engine holds the lease, process 99")

        monkeypatch.setattr(room, "start_engine", refuse)
        async with seat(room) as here:
            assert "no engine started: another engine holds the lease, process 99" in await here.press("E")


class TestLeaving:
    """Closing a console ends nothing, and is asked about."""

    async def test_it_is_asked_and_can_be_declined(self) -> None:
        """By its key, and by those that other programs have for it."""
        async with seat(FakeRoom()) as here:
            for key in ("q", "ctrl+q", "ctrl+c"):
                assert "ends nothing" in await here.press(key)
                await here.press("escape")
                assert here.app.is_running
            await here.press("q")
            await here.press("enter")
            assert here.app.return_code == 0

    async def test_who_opens_the_console_says_what_closing_means(self) -> None:
        """The drill ends with its console."""
        async with seat(FakeRoom(), leaving="The drill ends, and its world with it.") as here:
            assert "The drill ends, and its world with it." in await here.press("q")

    async def test_it_can_be_left_from_within_a_dialog(self) -> None:
        async with seat(at_the_gate()) as here:
            await here.press("g")
            assert "Leave this console" in await here.press("ctrl+q")


async def test_keys_of_tmux_and_terminals_are_bound_nowhere() -> None:
    """Ctrl+B belongs to tmux; Ctrl+Enter reaches no program in many terminals."""
    async with seat(at_the_gate()) as here:
        for keys in ((), ("g",), ("escape", "D"), ("escape", "question_mark")):
            await here.press(*keys)
            bound = set(here.app.screen.active_bindings)
            assert not bound & {"ctrl+b", "ctrl+enter", "ctrl+j"}


async def test_the_console_follows_the_engine_without_a_key() -> None:
    """Ringing the reader is enough: nobody presses anything."""
    room = at_the_gate()
    async with seat(room) as here:
        room.open_gate()
        room.begin("deploy")
        await here.until(lambda: here.next.startswith("wait: deploy"))
