"""Drills in which a rollback is not the answer: what was decided, by what the journal says."""

from pathlib import Path

import pytest

from console.core import events as ev
from tests.integration.drill.kit import of_drill
from tests.integration.drill.playing import Played, play


@pytest.mark.parametrize("scenario", ["flag", "upstream", "tls"])
def test_it_is_over_without_a_rollback(scenario: str, tmp_path: Path) -> None:
    """One test a scenario, because a drill takes its time; what each is about stands in `DECIDED`."""
    played = play(tmp_path / "drill", scenario)
    result = played.result
    assert (result.outcome, result.reason) == ("mitigated", None), played.said
    assert result.scenario == scenario
    assert not played.of(ev.GateOpened), "something was rolled back"
    assert not played.of(ev.GateClaimed), "somebody said yes to it"
    assert not result.recovery.met, "no gate opened, so no recovery from it was measured"
    assert result.clock.detected_s is not None
    assert result.clock.resolved_s is not None
    assert result.journal.valid
    (resolved,) = played.of(ev.IncidentResolved)
    assert isinstance(resolved, ev.IncidentResolved)
    assert resolved.outcome == "mitigated"
    DECIDED[scenario](played, resolved)
    assert of_drill(played.folder) == []


def _flag(played: Played, resolved: ev.IncidentResolved) -> None:
    """Off by the one mitigation that covers what fires; the bad release still runs, and that is said."""
    result = played.result
    assert (result.release.bad, result.release.target, result.release.running) == (
        "v1.7.0",
        "v1.5.0",
        "v1.7.0",
    )
    assert [(one.name, one.status) for one in result.mitigations] == [("wc-gas-off", "in force")]
    assert result.clock.mitigated_s is not None
    assert resolved.in_force == ("wc-gas-off",)
    assert resolved.note == "flag wc-gas off helped; v1.7.0 still runs"
    assert result.held is None, "a rollback would have helped"
    assert (played.folder / "flags.toml").read_text() == "wc-gas = false\n"


def _upstream(played: Played, _resolved: ev.IncidentResolved) -> None:
    """Held, because nothing landed and somebody else is down; over when they are back."""
    result = played.result
    assert result.release.running == "v1.8.0"
    assert result.mitigations == ()
    assert result.held == "the chain's RPC, upstream of us, does not answer (chain RPC 3)"
    assert result.clock.held_s is not None
    advised = [body for body in played.bodies if isinstance(body, ev.RollbackAdvised)]
    held = next(body for body in advised if body.level == "held")
    assert held.words.endswith("does not answer (chain RPC 3): a rollback will not help")
    assert any(
        body.words == "nothing landed within 24 h before the onset: a rollback may not help"
        for body in advised
    )


def _tls(played: Played, _resolved: ev.IncidentResolved) -> None:
    """Named, with its expiry; renewed by a mitigation."""
    result = played.result
    assert result.release.running == "v1.8.0"
    assert result.held is not None
    assert result.held.startswith("the certificate of https://127.0.0.1:")
    assert " has expired: 2 d 0 h ago, 20" in result.held
    assert [(one.name, one.status) for one in result.mitigations] == [("renew-certificate", "in force")]


DECIDED = {"flag": _flag, "upstream": _upstream, "tls": _tls}
