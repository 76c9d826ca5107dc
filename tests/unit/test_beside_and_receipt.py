"""What is told of the verb that runs beside an incident, and of the rows that a restore takes."""

from console.core import events as ev
from console.core.errands import errand_now
from console.core.live import Progress
from console.core.receipt import beyond, told
from console.core.wording import Tone
from tests.ui import data_place as dp
from tests.ui.fake_room import FakeRoom

RUN = "RUN-3HXP"


def beside(room: FakeRoom) -> tuple[str, Tone] | None:
    """What is said of it, and how that is meant."""
    said = errand_now(room.snapshot())
    return (said.words, said.tone) if said else None


class TestBeside:
    """One line, as long as somebody may ask."""

    def test_nothing_runs(self) -> None:
        assert beside(FakeRoom()) is None

    def test_it_has_been_asked_for(self) -> None:
        room = FakeRoom()
        dp.errand(room, "verify-backup", backup="b-1")
        assert beside(room) == (f"{RUN} verify-backup b-1: begins", Tone.PLAIN)

    def test_while_it_is_planned(self) -> None:
        room = FakeRoom()
        dp.errand(room)
        room.show(steps={"errand:plan": Progress("looking", room.now)})
        room.wait(3)
        assert beside(room) == (f"{RUN} backup: looking, 00:03", Tone.PLAIN)

    def test_how_far_it_is_and_how_long_it_takes_yet(self) -> None:
        """A third in 35 seconds: twice that to go."""
        room = dp.sick_data()
        dp.backing_up(room, dp.errand(room), share=1 / 3, seconds=35)
        assert beside(room) == (f"{RUN} backup: 33 %, ~01:10 left: dumping public.transactions", Tone.PLAIN)

    def test_how_it_ended_is_told_for_a_while(self) -> None:
        """A failure for longer."""
        for outcome, tone, remembered in (("done", Tone.GOOD, 120), ("failed", Tone.BAD, 900)):
            room = dp.sick_data()
            run = dp.errand(room)
            dp.errand_ends(room, run, outcome, "no space left on /var/backups")
            room.wait(remembered)
            assert beside(room) == (f"{RUN} backup {outcome}: no space left on /var/backups", tone)
            room.wait(2)
            assert beside(room) is None

    def test_one_that_could_not_be_planned_says_why(self) -> None:
        room = FakeRoom()
        run = dp.errand(room)
        room.say(ev.PlanningFailed("there is no backup"), incident=run)
        room.say(ev.ErrandEnded("failed", "there is no backup"), incident=run)
        assert beside(room) == (f"{RUN} backup failed: there is no backup", Tone.BAD)

    def test_without_its_engine_nobody_knows(self) -> None:
        room = dp.sick_data()
        dp.backing_up(room, dp.errand(room), share=0.5, seconds=10)
        room.lose_engine()
        words = f"{RUN} backup: what became of it is unknown until an engine looks"
        assert beside(room) == (words, Tone.WARN)


class TestReceipt:
    """From the facts of the steps that compare."""

    def test_before_anything_was_compared_there_is_none(self) -> None:
        assert told(dp.restoring().incident) is None

    def test_the_numbers_in_words(self) -> None:
        found = told(dp.compared().incident)
        assert found is not None
        assert found.rows == "40 rows gone, 3 go back to what they were, 1 comes back"
        assert found.chain.startswith("12 transactions on the chain among them")
        assert [table for table, _ in found.tables] == ["public.transactions", "public.users"]

    def test_the_last_comparison_has_the_last_word(self) -> None:
        """Judged when the writers have stopped, and proven in the end."""
        room = dp.compared()
        room.open_gate()
        room.run("judge-loss", 1, "at most 41 rows would go")
        assert told(room.incident).gone == 40  # type: ignore[union-attr]  # this one has no numbers
        room.run("final-receipt", 1, "41 rows", {**dp.RECEIPT, "rows_gone": "41"})
        assert told(room.incident).gone == 41  # type: ignore[union-attr]

    def test_numbers_that_are_none_are_no_receipt(self) -> None:
        """Of another version, perhaps: the step's own words stand in the runbook."""
        room = dp.restoring()
        room.run("receipt", 1, "done", {"rows_gone": "many"})
        assert told(room.incident) is None

    def test_the_ceiling_holds_or_says_why_not(self) -> None:
        for room, words in (
            (dp.compared(), ""),
            (dp.compared(beyond=True), "40 rows would go, beyond the 20 signed"),
        ):
            found = told(room.incident)
            assert found is not None
            assert beyond(room.incident, found) == words

    def test_a_table_that_nobody_signed_away_counts(self) -> None:
        """What the step judged is more than a number of rows."""
        room = dp.compared()
        words = "rows of public.users would go, beyond the tables signed: transactions"
        room.say(ev.EvidenceRecorded("loss-receipt", holds=False, words=words, inputs="3"))
        found = told(room.incident)
        assert found is not None
        assert beyond(room.incident, found) == words
