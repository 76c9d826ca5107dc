"""The registry: every key is free, short enough, documented, and knows when it is possible."""

from console.core.commands import COMMANDS, EVERYWHERE, Group, command, key_table
from console.core.events import PlanningFailed, PlanningStarted, RunAborted
from console.core.plan import Wish
from tests.ui.fake_room import FakeRoom

RESERVED = set("udcfp")
"""Keys of what is to come: undo, diff, communications, flag, page (SCREENS)."""


def test_no_key_and_no_id_is_taken_twice() -> None:
    keys = [key for entry in EVERYWHERE for key in (entry.key, *entry.aliases)]
    assert len(keys) == len(set(keys))
    assert len({entry.id for entry in EVERYWHERE}) == len(EVERYWHERE)


def test_keys_that_mean_something_else_are_left_alone() -> None:
    """tmux's prefix, what terminals cannot send, and the letters of the rooms to come."""
    keys = {key for entry in EVERYWHERE for key in (entry.key, *entry.aliases)}
    assert not keys & (RESERVED | {"ctrl+b", "ctrl+enter"})


def test_labels_fit_the_keys_line_and_sentences_are_sentences() -> None:
    for entry in EVERYWHERE:
        assert 0 < len(entry.label) <= 8
        assert entry.sentence[0].isupper()
        assert entry.sentence.endswith(".")


def test_who_stays_on_a_narrow_keys_line_is_decided() -> None:
    ranks = [entry.rank for entry in COMMANDS]
    assert len(ranks) == len(set(ranks))


def test_the_key_table_holds_every_command_once_under_its_group() -> None:
    table = key_table()
    for entry in EVERYWHERE:
        assert table.count(f"| `{entry.key}` | {entry.sentence} |") == 1
    assert [line[4:] for line in table.splitlines() if line.startswith("### ")] == [
        group.value.capitalize() for group in Group
    ]


def _possible(room: FakeRoom) -> set[str]:
    snapshot = room.snapshot()
    always = {"next", "note", "look", "quit", "palette", "help"}
    return {entry.id for entry in COMMANDS if entry.possible(snapshot) is None} - always


def test_what_can_be_done_in_each_chapter() -> None:
    """Nothing more and nothing less."""
    room = FakeRoom(engine=False)
    assert _possible(room) == {"engine", "declare"}
    room.start_engine()
    assert _possible(room) == {"declare"}
    room.suspect()
    assert _possible(room) == {"declare", "resolve"}
    room.declare()
    assert _possible(room) == {"resolve"}
    room.say(PlanningFailed("no release was judged good"))
    assert _possible(room) == {"target", "resolve"}
    room.freeze()
    assert _possible(room) == {"target", "resolve", "go", "plan", "abort"}
    room.begin("fetch")
    assert _possible(room) == {"go", "plan", "abort", "output"}
    room.end("fetch", "the remote does not answer", failed=True)
    assert _possible(room) == {"target", "resolve", "go", "plan", "abort", "output", "decide"}
    room.run("fetch", 1, "done")
    room.prepare()
    room.open_gate()
    assert _possible(room) == {"target", "resolve", "plan", "abort", "output", "tick"}
    room.say(RunAborted("wait"), actor="eng-1")
    assert _possible(room) == {"target", "resolve", "plan", "resume", "output", "tick"}
    room.say(PlanningStarted(Wish()), actor="eng-1")
    assert _possible(room) == {"resolve", "plan", "resume", "output", "tick"}


def test_no_engine_can_start_beside_one_that_hangs() -> None:
    """It holds the lease."""
    room = FakeRoom()
    room.lose_engine(gone=False)
    room.wait(60)
    reason = command("engine").possible(room.snapshot())
    assert reason == "process 4711 is an engine, and silent: another can start when it has ended"
    room.lose_engine()
    assert command("engine").possible(room.snapshot()) is None


def test_without_an_engine_nobody_is_told_to_wait_for_a_step() -> None:
    """It ends nowhere: what is needed is an engine."""
    room = FakeRoom()
    room.declare()
    room.freeze()
    room.begin("fetch")
    room.lose_engine()
    reason = command("target").possible(room.snapshot())
    assert reason == "what became of 'fetch the branch' is unknown until an engine looks: E starts one"


def test_what_can_be_done_at_the_end() -> None:
    room = FakeRoom()
    room.declare()
    room.freeze()
    room.prepare()
    room.open_gate()
    room.switch()
    room.prove()
    assert _possible(room) == {"resolve", "plan", "output", "tick"}
    room.resolve()
    assert _possible(room) == {"declare", "plan", "output"}


def test_an_engine_of_its_own_account_is_not_started_by_a_console() -> None:
    room = FakeRoom()
    room.separate()
    room.silent_s = 60.0
    assert "engine" not in _possible(room)
