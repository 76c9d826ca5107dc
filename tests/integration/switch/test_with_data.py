"""A way back with the data, taken back: the database of before, under the release of before, and served."""

from collections.abc import Callable
from typing import Any

import psycopg

from console.core.plan import Phase
from console.core.state import Status
from tests.integration.switch.kit import Shift


def _red(environment: Any) -> None:
    """By phases, opened by one engineer; the release's own suite fails at the end."""
    environment["pace"] = "phase"
    one = [{"role": "engineer", "count": 1}]
    rule = environment["authorisation"]
    environment["authorisation"] = rule | {
        "proof": "claim",
        "approvers": one,
        "initiator_may_approve": "always",
    }
    environment["commands"]["validate"]["argv"] = ["false"]


def contacts(at: Shift) -> bool:
    """Whether the live database has the table that the bad release has dropped."""
    with psycopg.connect(at.world.postgres.dsn) as connection:
        row = connection.execute("SELECT to_regclass('contacts') IS NOT NULL").fetchone()
    assert row is not None
    return bool(row[0])


def test_release_and_data_are_taken_back_in_reverse(shift: Callable[..., Shift]) -> None:
    """Deploy, then the swap, then the writers: at no moment but the swap's is nobody served."""
    at = shift(_red, name="production")
    at.take_command()
    at.do("restore", "--loss", "100000", "--code")
    at.warroom.prepare()
    assert at.incident.settled(Phase.PREPARE)
    at.do("go", at.incident.id, "--type", "production", "--type-again", "production")
    at.wait(lambda incident: incident.step("validation").status is Status.FAILED and not incident.running())
    assert (at.runs(), contacts(at)) == ("v1.5.0", True)
    assert "Users are on v1.5.0, the good release" in at.stands("good")

    undone = at.undo()

    steps = ("deploy", "swap", "stop-writers", "integrate", "push-branch")
    assert {step: undone.step(step).status for step in steps} == dict.fromkeys(steps, Status.UNDONE)
    order = [event.step for event in at.undone()]
    assert order.index("deploy") < order.index("swap") < order.index("stop-writers")
    assert (at.runs(), contacts(at)) == ("v1.6.0", False)
    assert "Users are on v1.6.0, the bad release, as before" in at.stands("bad")
    assert at.incident.step("freeze").status is Status.DONE, "the CI stays frozen for the next plan"
    assert at.undo("freeze").step("freeze").status is Status.UNDONE
