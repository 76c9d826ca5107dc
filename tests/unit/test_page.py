"""The plan on one page: what somebody needs who signs on paper, and no more than fits."""

from console.core import events as ev
from console.subcommands.page import HEIGHT, WIDTH, page
from tests.ui import data_place as dp
from tests.ui.fake_room import FakeRoom
from tests.unit.core import kit


def printed(room: FakeRoom) -> list[str]:
    snapshot = room.snapshot()
    incident = snapshot.state.open_incident
    assert incident is not None
    assert incident.plan is not None
    lines = page(snapshot, incident, incident.plan)
    assert len(lines) <= HEIGHT
    assert max(map(len, lines)) <= WIDTH
    return lines


def test_it_says_what_runs_what_goes_and_what_is_proven_since_when() -> None:
    lines = printed(dp.compared())
    text = "\n".join(lines)
    assert lines[1] == f"plan {dp.compared().plan_hash}"
    for words in (
        "RELEASE   ",
        "DATA      back to ",
        "LOSS      ",
        "PREPARE   [x] ",
        "SWITCH    [ ] ",
        ", since 14:",
    ):
        assert words in text, text


def test_who_has_not_said_yes_has_a_line_to_sign_on() -> None:
    room = dp.keeps()
    assert [line for line in printed(room) if line.endswith("_____")]
    room.say(ev.GateClaimed(room.plan_hash, ("engineer",)), actor="eng-1")
    lines = printed(room)
    assert not [line for line in lines if line.endswith("_____")]
    assert [line for line in lines if line.startswith("YES       eng-1 (engineer), by name at 14:")]


def test_what_does_not_fit_is_counted_and_said_to_be_elsewhere() -> None:
    room = dp.keeps()
    many = [kit.step(f"step-{number}") for number in range(80)]
    room.freeze(steps=many, predicates=())
    assert printed(room)[-1].endswith("more lines: `warroom plan` prints all of it")
