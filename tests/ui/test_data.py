"""The data screen and the gate of a plan that swaps data: what they show, and what each key leads to."""

import pytest

from console.core import events as ev
from console.core import requests as rq
from console.core.live import Catalogue
from console.core.plan import POINT_IN_TIME, Wish
from console.core.wishes import of_rows
from screens.data import DataDialog
from screens.dialog import Dialog
from screens.gate import SwapDialog
from tests.ui import data_place as dp
from tests.ui.fake_room import FakeRoom
from tests.ui.seat import seat
from tests.ui.test_pictures import contains

SIZES = pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 40)])


def row(screen: str, words: str) -> str:
    """The line that says so."""
    return next(line for line in screen.splitlines() if words in line)


def unbroken(screen: str) -> str:
    """The screen's words, where a line has been broken too."""
    return " ".join(screen.replace("│", " ").split())


class TestLooking:
    """What the data can go back to, at what price."""

    @SIZES
    async def test_candidates_stand_below_the_onset_and_the_rest_above(self, width: int, height: int) -> None:
        """Newest first; the way back is named, and never looks like a way to go."""
        async with seat(dp.keeps(), width, height) as here:
            screen = await here.press("b")
        lines = screen.splitlines()
        (onset,) = [n for n, line in enumerate(lines) if "onset 14:10:17Z: only what ends" in line]
        (way_back,) = [n for n, line in enumerate(lines) if "« 14:10:32Z" in line]
        (verified,) = [n for n, line in enumerate(lines) if "✓ 13:55:17Z" in line]
        assert way_back < onset < verified
        assert "the way back" in lines[way_back]

    async def test_each_says_its_age_its_proof_and_its_price(self) -> None:
        async with seat(dp.keeps()) as here:
            screen = await here.press("b")
        contains(row(screen, "13:55:17Z"), "15:48", "database, cache, 1.2 GB", "verified", "~43")
        contains(row(screen, "12:09:17Z"), "2:01:48", "not verified", "~1,840")
        contains(row(screen, "13:54:17Z"), "· 13:54:17Z", "any instant", "when built", "once built")
        contains(row(screen, "02-22 14:10Z"), "3 d 0 h", "~31,200")
        contains(row(screen, "no manifest"), "it has no manifest: it was never completed")

    async def test_the_chosen_one_says_all_of_it(self) -> None:
        """Also its id, which the command line wants."""
        async with seat(dp.keeps()) as here:
            assert f"{dp.VERIFIED} · database, cache, 1.2 GB · restored and compared" in unbroken(
                await here.press("b")
            )
            assert "nobody has verified" in unbroken(await here.press("down", "down"))

    async def test_the_choice_stays_on_its_row_while_the_list_changes(self) -> None:
        """A backup that has just been made comes on top."""
        room = dp.keeps()
        async with seat(room) as here:
            await here.press("b", "down", "down")
            assert "▸· 12:09:17Z" in here.painted()
            known = dp.catalogue(room)
            room.show(catalogue=Catalogue(room.now, known.candidates[1:]))
            assert "▸· 12:09:17Z" in await here.look()

    async def test_what_was_chosen_and_is_gone_is_not_chosen_any_more(self) -> None:
        room = dp.keeps()
        async with seat(room) as here:
            await here.press("b", "down", "down")
            known = dp.catalogue(room)
            room.show(catalogue=Catalogue(room.now, known.candidates[:3], "the vault cannot be read"))
            screen = await here.look()
        assert "▸✓ 13:55:17Z" in screen
        assert "the vault cannot be read" in screen

    async def test_what_was_declared_of_the_data_is_said(self) -> None:
        async with seat(dp.keeps()) as here:
            assert "It was declared: database corrupt." in await here.press("b")

    async def test_the_receipt_is_there_to_be_read(self) -> None:
        """At the end of the words, on a small terminal."""
        async with seat(dp.compared()) as here:
            assert "Loss     40 rows gone, 3 go back to what they were" in await here.press("b")
            screen = await here.press("pagedown")
        contains(
            screen,
            "public.transactions  40 rows gone, 3 go back",
            "12 transactions on the chain",
            "INC-7QK2-1772028660",
        )
        contains(screen, "at most 50 rows: it holds", "once more when the writers have stopped")

    async def test_down_at_the_last_row_goes_on_to_the_receipt(self) -> None:
        """Nobody has to know about PgDn."""
        async with seat(dp.compared()) as here:
            await here.press("b", *["down"] * 20)
            assert "at most 50 rows: it holds" in here.painted()
            await here.press(*["up"] * 20)
            assert "Onset    14:10:17Z" in here.painted()

    async def test_without_an_incident_backups_are_listed_and_nothing_goes_back(self) -> None:
        room = FakeRoom(dp.environment())
        room.show(catalogue=dp.catalogue(room))
        async with seat(room) as here:
            screen = await here.press("b")
            assert "No incident is open: nothing goes back." in screen
            assert "enter restore: no incident is open: D declares one" in await here.press("enter")

    async def test_before_anybody_has_looked_that_is_said(self) -> None:
        async with seat(FakeRoom(dp.environment())) as here:
            assert "No engine has looked yet what there is to go back to." in await here.press("b")

    async def test_an_environment_without_backups_says_so(self) -> None:
        async with seat(FakeRoom()) as here:
            assert "b data: the strategy names no `backups`" in await here.press("b")
            assert not isinstance(here.app.screen, Dialog)


class TestRestoring:
    """A candidate, a bound, and whether the release goes back too: another plan."""

    async def test_enter_twice_plans_with_the_newest_good_candidate(self) -> None:
        """The strategy's bound, and the release as in the present plan."""
        room = dp.keeps()
        async with seat(room) as here:
            screen = await here.press("b", "enter")
            contains(screen, "Data back to 13:55:17Z", "about 43 rows", "Does the release go back too?")
            await here.press("enter")
            assert not isinstance(here.app.screen, Dialog)
        assert room.asked == [rq.Replan(Wish(data=dp.VERIFIED))]

    async def test_a_bound_is_a_number_of_rows(self) -> None:
        room = dp.keeps()
        async with seat(room) as here:
            await here.press("b", "enter", "tab")
            assert "'many' is no number of rows" in await here.type("many")
            assert room.asked == []
            await here.press("ctrl+u")
            await here.type("60")
        assert room.asked == [rq.Replan(Wish(data=dp.VERIFIED, loss_at_most=60))]

    async def test_the_release_may_stay(self) -> None:
        room = dp.keeps()
        async with seat(room) as here:
            await here.press("b", "enter", "down", "enter")
        assert room.asked == [rq.Replan(Wish(code=False, data=dp.VERIFIED))]

    async def test_a_point_in_time_can_be_any_instant_before_the_onset(self) -> None:
        room = dp.keeps()
        async with seat(room) as here:
            await here.press("b", "down", "enter", "tab", "tab")
            assert "14:10:30Z is not before the onset, 14:10:17Z" in await here.type("14:10:30")
            await here.press("ctrl+u")
            assert "'soon' is no moment: write 14:05:30" in await here.type("soon")
            await here.press("ctrl+u")
            await here.type("14:10:16")
        onset = room.incident.onset.utc_us
        assert room.asked == [rq.Replan(Wish(data=POINT_IN_TIME, recovery_point=onset - 1_000_000))]

    async def test_what_is_no_candidate_says_why(self) -> None:
        room = dp.keeps()
        async with seat(room) as here:
            screen = await here.press("b", "up", "up", "enter")
            assert "enter restore: taken in this incident: the way back from here" in screen
            assert isinstance(here.app.screen, DataDialog)
        assert room.asked == []

    async def test_the_data_can_be_kept_after_all(self) -> None:
        room = dp.compared()
        async with seat(room) as here:
            await here.press("b", "up", "up", "up", "enter")
            await here.press("enter")
        assert room.asked == [rq.Replan(Wish())]

    async def test_what_is_kept_already_is_not_planned_anew(self) -> None:
        async with seat(dp.keeps()) as here:
            screen = await here.press("b", "up", "up", "up", "enter")
            assert "the plan keeps the data already" in screen

    async def test_another_release_does_not_change_what_becomes_of_the_data(self) -> None:
        room = dp.compared()
        async with seat(room) as here:
            assert "What becomes of the data stays as it is" in await here.press("T")
            await here.type("v1.4.9")
        assert room.asked == [rq.Replan(Wish("v1.4.9", data=dp.VERIFIED))]

    async def test_a_refusal_is_shown_in_the_war_room(self) -> None:
        """The screen has closed by then: what was asked for is seen there."""
        room = dp.keeps()
        room.answer = lambda _ask, request: room.say(
            ev.RequestRefused("replan", "no such backup"), request=request
        )
        async with seat(room) as here:
            await here.press("b", "enter", "enter")
            assert "REFUSED restore: no such backup" in await here.look()


class TestAsking:
    """Everything else that can be asked for from there."""

    async def _asked(self, room: FakeRoom, *keys: str) -> list[rq.AnyAsk]:
        async with seat(room) as here:
            await here.press(*keys)
        return room.asked

    async def test_a_backup_now(self) -> None:
        assert await self._asked(dp.keeps(), "b", "b", "enter") == [rq.Errand("backup")]

    async def test_a_base_backup_where_there_is_an_archive(self) -> None:
        assert await self._asked(dp.keeps(), "b", "b", "down", "enter") == [rq.Errand("base-backup")]
        room = dp.sick_data(archive=None)
        assert await self._asked(room, "b", "b", "down", "enter") == [rq.Errand("backup")]

    async def test_the_chosen_backup_verified(self) -> None:
        asked = await self._asked(dp.keeps(), "b", "down", "down", "v", "enter")
        assert asked == [rq.Errand("verify-backup", {"backup": dp.UNVERIFIED})]

    async def test_a_point_in_time_is_no_backup_to_verify(self) -> None:
        async with seat(dp.keeps()) as here:
            assert "choose a backup first" in await here.press("b", "down", "v")

    async def test_the_onset_moved_with_a_reason(self) -> None:
        """Half a minute earlier than it is; without a reason it stays."""
        room = dp.keeps()
        async with seat(room) as here:
            await here.press("b", "m")
            assert "the onset is moved with a reason" in await here.type("-30s")
            await here.type("the first complaint")
        at = room.incident.onset.utc_us - 30_000_000
        assert room.asked == [rq.MoveOnset(at, "the first complaint")]

    async def test_the_onset_is_no_moment_to_come(self) -> None:
        async with seat(dp.keeps()) as here:
            await here.press("b", "m")
            assert "14:20:17Z has not come yet" in await here.type("+10m")

    async def test_the_keys_of_the_cache_by_a_beginning_that_the_strategy_names(self) -> None:
        asked = await self._asked(dp.keeps(), "b", "k", "down", "enter")
        assert asked == [rq.Replan(Wish(verb="invalidate-cache", options={"prefix": "quote:"}))]

    async def test_the_keys_of_the_cache_by_a_longer_beginning(self) -> None:
        room = dp.keeps()
        async with seat(room) as here:
            allowed = "the strategy allows session:, quote:, and what begins like that"
            assert allowed in await here.press("b", "k", "down", "down", "enter")
            assert allowed in await here.type("nonce:")
            assert room.asked == []
            await here.press("ctrl+u")
            await here.type("session:eu:")
        assert room.asked == [rq.Replan(Wish(verb="invalidate-cache", options={"prefix": "session:eu:"}))]

    async def test_the_cache_flushed_by_itself_when_the_way_back_has_begun(self) -> None:
        room = dp.keeps()
        room.open_gate()
        async with seat(room) as here:
            assert "The plan will be of this alone." in await here.press("b", "k")
            await here.press("down", "down", "down", "enter")
        assert room.asked == [rq.Replan(Wish(code=False, verb="flush-cache"))]

    async def test_the_cache_restored_from_the_chosen_backup_that_holds_one(self) -> None:
        asked = await self._asked(dp.keeps(), "b", "k", "end", "enter")
        assert asked == [rq.Replan(Wish(verb="restore-cache", options={"backup": dp.VERIFIED}))]
        async with seat(dp.keeps()) as here:
            assert "restore it from" not in await here.press("b", "down", "down", "k")

    async def test_single_rows_out_of_the_chosen_copy(self) -> None:
        """Also when the way back has begun; keys are separated and quoted as in a shell."""
        room = dp.keeps()
        room.open_gate()
        async with seat(room) as here:
            screen = " ".join((await here.press("b", "r")).replace("│", " ").split())
            contains(screen, "Rows back to 13:55:17Z", "no database is swapped", "of this alone")
            assert "name the table" in await here.press("enter", "enter")
            await here.type("public.users")
            assert "name both" in await here.press("enter")
            await here.type('7 \'["8", "ETH"]\'')
        assert room.asked == [rq.Replan(of_rows("public.users", ["7", '["8", "ETH"]'], dp.VERIFIED))]

    async def test_rows_do_not_come_out_of_a_copy_that_is_no_candidate(self) -> None:
        async with seat(dp.keeps()) as here:
            assert "r rows: taken in this incident" in await here.press("b", "up", "up", "r")

    async def test_the_swap_taken_back(self) -> None:
        asked = await self._asked(dp.keeps(), "b", "w", "enter")
        assert asked == [rq.Replan(Wish(code=False, verb="swap-back"))]

    async def test_from_the_palette_too(self) -> None:
        """It opens the screen, and the form on it."""
        room = dp.keeps()
        async with seat(room) as here:
            await here.press("colon")
            assert "b b     backup" in await here.press(*"takes a backup")
            await here.press("enter")
            await here.press("enter")
            assert not isinstance(here.app.screen, Dialog)
        assert room.asked == [rq.Errand("backup")]

    async def test_escape_leads_from_the_form_to_the_screen_and_from_there_to_the_war_room(self) -> None:
        room = dp.keeps()
        async with seat(room) as here:
            await here.press("b", "k", "escape")
            assert isinstance(here.app.screen, DataDialog)
            await here.press("escape")
            assert not isinstance(here.app.screen, Dialog)
        assert room.asked == []


class TestRows:
    """Single rows: nobody says yes before they can be read, and the name is typed once."""

    async def test_nobody_says_yes_to_rows_that_are_not_shown(self) -> None:
        async with seat(dp.rows_planned()) as here:
            assert "g go: what becomes of each row is not shown yet" in await here.press("g")

    @SIZES
    async def test_the_gate_shows_each_row_as_it_is_and_was(self, width: int, height: int) -> None:
        room = dp.rows_shown()
        async with seat(room, width, height) as here:
            screen = " ".join((await here.press("g")).replace("│", " ").split())
            contains(screen, 'Row 7: address is "x", was "0x12"', 'Row 8: is not there; was id "8"')
            contains(screen, "kept, but for 2 rows of users back to 13:55:17Z", "by key: 7, 8")
            await here.type("testnet")
            assert not isinstance(here.app.screen, Dialog)
        assert room.asked == [rq.Go(room.incident.plan_hash or "", "testnet")]

    async def test_the_war_room_says_where_the_rows_go_back_to(self) -> None:
        async with seat(dp.rows_shown(), 140, 40) as here:
            contains(await here.look(), "2 rows back to 13:55:17Z")

    async def test_the_data_screen_says_which_rows_the_plan_puts_back(self) -> None:
        """What was declared of the data is not said against it."""
        async with seat(dp.rows_shown(), 140, 40) as here:
            screen = await here.press("b")
        contains(screen, "Plan     data kept, but for 2 rows of users back to")
        assert "The plan keeps the data as it is" not in screen


class TestBeside:
    """A verb that runs by itself is seen without being looked for, and is in nobody's way."""

    async def test_how_far_it_is_stands_above_next(self) -> None:
        room = dp.keeps()
        async with seat(room) as here:
            dp.backing_up(room, dp.errand(room), share=0.34, seconds=35)
            screen = await here.look()
            assert "─ ROLL BACK   ▸ RUN-3HXP backup: 34 %, ~01:08 left: dumping public.transac" in screen
            assert here.next.startswith("go: say yes"), "what is next does not change"
            assert "RUN-3HXP backup: 34 %" in await here.press("b")

    async def test_a_failure_is_said_with_its_reason(self) -> None:
        room = dp.keeps()
        async with seat(room) as here:
            dp.errand_ends(room, dp.errand(room), "failed", "no space left on /var/backups")
            assert "✗ RUN-3HXP backup failed: no space left on /var/backups ─" in await here.look()

    async def test_a_notice_comes_before_it(self) -> None:
        """What this console has just been told is read first."""
        room = dp.keeps()
        async with seat(room) as here:
            dp.backing_up(room, dp.errand(room), share=0.34, seconds=35)
            assert "RUN-3HXP backup: 34 %" not in await here.press("X")


class TestGate:
    """A plan that swaps data is said yes to twice."""

    async def test_the_name_once_for_the_plan_and_once_for_the_rows(self) -> None:
        room = dp.compared()
        async with seat(room) as here:
            contains(
                await here.press("g"), "Loss     40 rows gone", "12", "Type the environment's name to go on:"
            )
            screen = await here.type("testnet")
            assert room.asked == [], "once is not enough"
            contains(
                screen,
                "The data goes back to 13:55:17Z.",
                "public.transactions  40 rows gone, 3 go back",
                "12 transactions on the chain among them",
                "at most 50 rows: it holds",
                "Type the environment's name once more to swap its data:",
            )
            assert "that is not the name" in await here.type("yes")
            await here.press("ctrl+u")
            await here.type("testnet")
            assert not isinstance(here.app.screen, Dialog)
        assert room.asked == [rq.Go(plan_hash=room.plan_hash, typed="testnet", typed_again="testnet")]

    async def test_escape_from_the_second_leads_back_to_the_first(self) -> None:
        room = dp.compared()
        async with seat(room) as here:
            await here.press("g")
            await here.type("testnet")
            assert "Type the environment's name to go on:" in await here.press("escape")
            await here.press("escape")
            assert not isinstance(here.app.screen, Dialog)
        assert room.asked == []

    async def test_a_plan_that_changes_between_the_two_is_not_said_yes_to(self) -> None:
        room = dp.compared()
        async with seat(room) as here:
            await here.press("g")
            await here.type("testnet")
            room.freeze(data=dp.data_change(room, 5000))
            await here.look()
            assert "the plan has changed since you read it" in await here.type("testnet")
            assert isinstance(here.app.screen, SwapDialog)
        assert room.asked == []

    async def test_before_anything_is_compared_that_is_said(self) -> None:
        async with seat(dp.restoring()) as here:
            assert "not known yet: it is compared before the gate opens" in await here.press("g")
            screen = await here.type("testnet")
        contains(screen, "It comes when the candidate stands beside the live database", "at most 50 rows")

    async def test_the_header_says_what_the_data_goes_back_to(self) -> None:
        async with seat(dp.compared()) as here:
            assert "▸ v1.5.0 good · data 13:55Z" in await here.look()
        async with seat(dp.compared(), 120, 40) as here:
            assert "3 releases back · data back to 13:55:17Z" in await here.look()
