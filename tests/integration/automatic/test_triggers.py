"""All four automatic triggers on testnet, headless: what rolls back, how fast, and what it does not touch."""

import signal
from os import kill
from pathlib import Path
from typing import Any

from console.core import events as ev
from console.core.automatic_run import STAGES
from console.core.plan import Phase
from console.targets.keeper import Keeper
from tests.faults import world
from tests.integration.automatic.kit import Place, placed, without_errors


async def _rolled_back(place: Place, trigger: str) -> None:
    """By itself, once, within every budget, with nobody's yes and nobody's command."""
    run = await place.ended()
    assert (run.outcome, run.trigger) == ("rolled back", trigger), run
    stages = {body.stage: body for body in place.said(ev.StageEnded)}
    assert tuple(stages) == ("detection", "alert", "validation", "execution", "verification")
    assert set(stages) == set(STAGES)
    assert all(0 <= body.seconds <= body.budget_s for body in stages.values()), stages
    assert place.said(ev.StageOverran) == []
    (opened,) = place.said(ev.GateOpened)
    assert (opened.automatic, opened.standing, opened.approvers) == (True, "", ())
    assert not place.said(ev.IncidentDeclared)
    assert not place.said(ev.GateClaimed)
    await place.until(
        lambda snapshot: snapshot.state.running is not None and snapshot.state.running.release == "v1.5.0"
    )
    assert world.rollbacks_on_develop(place.folder) == 1
    incident = place.room.snapshot().state.open_incident
    assert incident is not None, "a person closes it"
    assert incident.commander is None


async def test_error_rate(tmp_path: Path) -> None:
    """Confirmed by a synthetic user, since the health endpoint says ok all the while."""
    async with placed(tmp_path) as place:
        await place.break_()
        await _rolled_back(place, "error_rate")
        detection, *_ = place.said(ev.StageEnded)
        assert detection.seconds >= 5, "the rule itself waits for five seconds"
        assert detection.budget_s == 10 + 5


def _health_tells(environment: Any) -> None:
    """The health endpoint is only healthy with the good release behind it."""
    without_errors(environment)
    environment["sources"]["health"]["body"] = {"status": "ok", "version": "v1.5.0"}


async def test_health_check_failures(tmp_path: Path) -> None:
    """Confirmed by the errors that users see."""
    async with placed(tmp_path, _health_tells) as place:
        await place.break_()
        await _rolled_back(place, "health_check_failures")


def _audited(environment: Any) -> None:
    """An audit that finds something as soon as a file is there; and another that looks for itself."""
    without_errors(environment)
    folder = Path(environment["state"]).parent
    program = {"kind": "command", "every": "500ms", "limit": "5s"}
    environment["sources"]["audit"] = {**program, "argv": ["test", "!", "-e", str(folder / "breach")]}
    found = f"! ls {folder} | grep -q '^breach$'"
    environment["sources"]["second_audit"] = {**program, "argv": ["sh", "-c", found]}
    metrics = environment["metrics"]
    metrics["security_audit_failed"]["measure"] = {"kind": "stat", "source": "audit", "stat": "exit"}
    metrics["second_audit_failed"] = {
        "title": "2nd audit",
        "unit": "flag",
        "measure": {"kind": "unavailable", "source": "second_audit"},
        "rungs": {},
    }
    environment["automatic"]["second_path"]["security_audit_failed"] = "second_audit_failed"


async def test_security_audit_failed(tmp_path: Path) -> None:
    async with placed(tmp_path, _audited) as place:
        await place.break_()
        await place.until(lambda snapshot: snapshot.state.open_incident is not None)
        (tmp_path / "breach").touch()
        await _rolled_back(place, "security_audit_failed")


async def _stop_postgres(place: Place) -> None:
    pid = (await Keeper(Path(place.world.socket)).status()).parts["postgres"].pid
    assert pid is not None
    kill(pid, signal.SIGQUIT)


async def test_database_unavailable(tmp_path: Path) -> None:
    """A release had landed, so a rollback may help; but nobody can read the schema of a database that has
    gone, so it prepares and waits at the gate for a person. Nothing is touched, and data is never restored.
    """
    async with placed(tmp_path, without_errors) as place:
        await place.break_()
        await place.until(lambda snapshot: snapshot.state.open_incident is not None)
        await _stop_postgres(place)
        incident = await place.decided("arms")
        assert incident.automatic is not None
        assert incident.automatic.trigger == "database_unavailable"
        assert "schema" in incident.automatic.why, incident.automatic.why
        assert incident.plan is not None
        assert incident.plan.code is not None
        assert incident.plan.code.schema is not None
        assert incident.plan.code.schema.kind == "unknown"
        assert (incident.plan.data, incident.plan.rows) == (None, None)
        assert not any(incident.step(step.id).attempt for step in incident.plan.of_phase(Phase.SWITCH))
        assert not place.said(ev.GateOpened)
        assert world.rollbacks_on_develop(tmp_path) == 0
