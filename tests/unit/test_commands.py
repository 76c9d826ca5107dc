"""The registry: every key is free, short enough, documented, and knows when it is possible."""

from collections.abc import Sequence

from console.core.commands import (
    CLOSE,
    COMMANDS,
    DATA,
    EVERYWHERE,
    PEOPLE,
    Command,
    Group,
    command,
    key_table,
)
from console.core.events import (
    GateClaimed,
    PlanningFailed,
    PlanningStarted,
    RunAborted,
    RunResumed,
    TaskAssigned,
    TaskDone,
)
from console.core.plan import Wish
from console.core.staff import Assignment
from tests.ui import data_place as dp
from tests.ui import place
from tests.ui.fake_room import FakeRoom

RESERVED = set("c")
"""Keys of what is to come: communications (SCREENS)."""


def test_no_key_and_no_id_is_taken_twice() -> None:
    for screen in (COMMANDS, (*DATA, CLOSE), (*PEOPLE, CLOSE)):
        keys = [key for entry in screen for key in (entry.key, *entry.aliases)]
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
    for screen in (COMMANDS, DATA, PEOPLE):
        ranks = [entry.rank for entry in screen]
        assert len(ranks) == len(set(ranks))


def test_the_key_table_holds_every_command_once_under_its_group() -> None:
    table = key_table()
    for entry in EVERYWHERE:
        assert table.count(f"| `{entry.keys}` | {entry.sentence} |") == 1
    assert [line[4:] for line in table.splitlines() if line.startswith("### ")] == [
        group.value.capitalize() for group in Group
    ]


def _possible(room: FakeRoom, commands: Sequence[Command] = COMMANDS) -> set[str]:
    snapshot = room.snapshot()
    always = {"next", "note", "look", "quit", "palette", "help", "metrics", "act-as"}
    always |= {"people"}  # has a test of its own
    return {entry.id for entry in commands if entry.possible(snapshot, room.environment) is None} - always


def test_what_can_be_done_in_each_chapter() -> None:
    """Nothing more and nothing less."""
    room = FakeRoom(engine=False)
    assert _possible(room) == {"engine", "declare"}
    room.start_engine()
    assert _possible(room) == {"declare"}
    room.suspect()
    assert _possible(room) == {"declare", "resolve"}
    room.declare()
    assert _possible(room) == {"severity", "pace", "resolve"}
    room.say(PlanningFailed("no release was judged good"))
    assert _possible(room) == {"severity", "pace", "target", "resolve"}
    room.freeze()
    assert _possible(room) == {"severity", "pace", "target", "resolve", "go", "plan", "abort"}
    room.begin("fetch")
    assert _possible(room) == {"severity", "pace", "go", "plan", "abort", "output"}
    room.end("fetch", "the remote does not answer", failed=True)
    assert _possible(room) == {
        "severity",
        "pace",
        "target",
        "resolve",
        "go",
        "plan",
        "abort",
        "output",
        "decide",
    }
    room.run("fetch", 1, "done")
    room.prepare()
    room.open_gate()
    assert _possible(room) == {"severity", "pace", "target", "resolve", "plan", "abort", "output", "tick"}
    room.say(RunAborted("wait"), actor="eng-1")
    assert _possible(room) == {"severity", "pace", "target", "resolve", "plan", "resume", "output", "tick"}
    room.say(PlanningStarted(Wish()), actor="eng-1")
    assert _possible(room) == {"severity", "pace", "resolve", "plan", "resume", "output", "tick"}


def test_no_engine_can_start_beside_one_that_hangs() -> None:
    """It holds the lease."""
    room = FakeRoom()
    room.lose_engine(gone=False)
    room.wait(60)
    reason = command("engine").possible(room.snapshot(), room.environment)
    assert reason == "process 4711 is an engine, and silent: another can start when it has ended"
    room.lose_engine()
    assert command("engine").possible(room.snapshot(), room.environment) is None


def test_without_an_engine_nobody_is_told_to_wait_for_a_step() -> None:
    """It ends nowhere: what is needed is an engine."""
    room = FakeRoom()
    room.declare()
    room.freeze()
    room.begin("fetch")
    room.lose_engine()
    reason = command("target").possible(room.snapshot(), room.environment)
    assert reason == "what became of 'fetch the branch' is unknown until an engine looks: E starts one"


def test_what_can_be_done_at_the_end() -> None:
    room = FakeRoom()
    room.declare()
    room.freeze()
    room.prepare()
    room.open_gate()
    room.switch()
    room.prove()
    assert _possible(room) == {"severity", "pace", "resolve", "plan", "output", "tick"}
    room.resolve()
    assert _possible(room) == {"declare", "plan", "output"}


def test_an_engine_of_its_own_account_is_not_started_by_a_console() -> None:
    room = FakeRoom()
    room.separate()
    room.silent_s = 60.0
    assert "engine" not in _possible(room)


def test_roles_and_tasks_are_given_in_an_incident_that_somebody_declared() -> None:
    room = FakeRoom()
    given = {"assign", "handover", "role"}
    assert (
        command("people").possible(room.snapshot(), room.environment) == "no incident is open: D declares one"
    )
    room.suspect()
    assert command("people").possible(room.snapshot(), room.environment) is None
    assert _possible(room, PEOPLE) == set()
    room.declare()
    assert _possible(room, PEOPLE) == given
    room.say(TaskAssigned((Assignment("t1", "ops-1", "capture the logs"),)), actor="eng-1")
    assert _possible(room, PEOPLE) == {*given, "done", "drop"}
    room.say(TaskDone("t1", "capture the logs"), actor="ops-1")
    assert _possible(room, PEOPLE) == given


OF_DATA = {"data", "restore", "onset", "backup", "verify-backup", "cache", "swap-back"}


def _of_data(room: FakeRoom) -> set[str]:
    return _possible(room, (*COMMANDS, *DATA)) & OF_DATA


def test_what_can_be_done_about_the_data_in_each_chapter() -> None:
    """Looking and backing up always; what changes anything only in an incident, while nothing runs."""
    room = FakeRoom(dp.environment())
    assert _of_data(room) == {"data", "backup"}
    room.show(catalogue=dp.catalogue(room))
    assert _of_data(room) == {"data", "backup", "verify-backup"}
    room = dp.keeps()
    assert _of_data(room) == OF_DATA
    dp.errand(room)
    assert _of_data(room) == OF_DATA - {"backup", "verify-backup"}
    room.open_gate()
    assert "onset" not in _of_data(room)
    room.begin("integrate")
    assert _of_data(room) == {"data"}


def test_an_environment_without_backups_says_so() -> None:
    room = FakeRoom()
    snapshot = room.snapshot()
    for name in OF_DATA - {"onset"}:
        reason = command(name).possible(snapshot, room.environment)
        assert reason == "the strategy names no `backups` of this environment"


def test_a_cache_is_changed_only_where_there_is_one() -> None:
    room = dp.sick_data(cache=None)
    reason = command("cache").possible(room.snapshot(), room.environment)
    assert reason == "the strategy names no `cache` of this environment"


def test_data_that_has_no_way_back_says_what_is_missing() -> None:
    room = dp.sick_data(recovery=None)
    reason = command("restore").possible(room.snapshot(), room.environment)
    assert reason == "the strategy names no `recovery` of this environment: its data cannot go back"


def test_one_errand_at_a_time() -> None:
    room = dp.sick_data()
    dp.errand(room)
    assert command("backup").possible(room.snapshot(), room.environment) == (
        "RUN-3HXP, backup, is under way: wait for it"
    )
    room.lose_engine()
    reason = command("backup").possible(room.snapshot(), room.environment)
    assert reason == "what became of RUN-3HXP (backup) is unknown until an engine looks: E starts one"


def test_what_is_done_on_the_data_screen_is_shown_with_the_key_that_opens_it() -> None:
    assert (command("cache").keys, command("go").keys) == ("b k", "g")


def test_somebody_is_paged_where_people_are_and_a_yes_is_missing() -> None:
    paging = {"limit": "5s", "again": "2m", "deputy_after": "5m"}
    rule = place.environment().authorisation.model_dump() | {"within": "0s", "paging": paging}
    room = FakeRoom(place.environment(authorisation=rule))

    def why() -> str | None:
        return command("page").possible(room.snapshot(), room.environment)

    assert why() == "no incident is open: D declares one"
    room.declare()
    assert why() == "a plan is being made: wait for it"
    room.freeze()
    assert why() is None, "also while it is prepared"
    room.say(RunAborted("wait"), actor="eng-1")
    assert why() == "the run is stopped: X goes on with it, T plans anew"
    room.say(RunResumed(), actor="eng-1")
    room.prepare()
    room.say(GateClaimed(room.plan_hash, ("engineer",)), actor="eng-1")
    assert why() == "nobody's yes is missing: there is nobody to ask"
    room.environment = place.environment()
    assert why() == "the strategy names no `paging` of this environment: nobody would hear of it"
