"""A gate that the journal says has opened by itself: an engine that takes over looks whether it could."""

from msgspec import Raw

from console.core import events as ev
from console.core.events import Body
from console.core.plan import Need, Wish, digest, frozen
from console.core.schema_verdict import SchemaVerdict
from tests.integration.authority.gatehouse import NAME, SIX, Gatehouse
from tests.integration.authority.test_standing import Registry
from tests.unit.core.kit import plan as a_plan
from tests.unit.core.kit import step

WORDS = "the journal says that it opened by itself, but"


def opened(house: Gatehouse, standing: str, *, steps: bool = True) -> tuple[Body, ...]:
    """Rows of an automatic rollback whose engine was killed in the switch."""
    now = house.clock.now()
    needs = tuple(Need(rule.role, rule.count) for rule in house.environment.authorisation.approvers)
    fields = {"environment": NAME, "needs": needs, "proof": "signature", "schema": SchemaVerdict("same")}
    ours = (step("worktree", fills=("good-tree",)), step("push", "switch"))
    raw = frozen(a_plan(steps=ours, **fields))
    return (
        ev.IncidentSuspected(("error_rate > 5%",), now, now),
        ev.AutomaticBegan(("error_rate",), ("error_rate > 10% for 5m",), "SEV-1", house.roster.sha256),
        ev.AutomaticDecided("runs", "v1.5.3 landed", "error_rate", standing),
        ev.StageBegan("execution", 300.0),
        ev.PlanningStarted(Wish()),
        ev.PlanFrozen(digest(raw), Raw(raw)),
        ev.StepIntent("worktree", 1, 1, digest(raw)),
        ev.StepOutcome("worktree", 1, "done", "", 0.1),
        ev.EvidenceRecorded("good-tree", holds=True, words="so it is", inputs="x"),
        ev.GateOpened(digest(raw), (), (), automatic=True, standing=standing),
        *((ev.StepIntent("push", 1, 1, digest(raw)), ev.StepOutcome("push", 1, "done", "", 0.1)) * steps),
    )


def closed(house: Gatehouse) -> list[str]:
    """Why an engine has closed a gate again."""
    return [event.body.reason for event in house.events() if isinstance(event.body, ev.GateClosed)]


async def test_without_a_standing_authorisation_production_opens_nothing_by_itself(house: Gatehouse) -> None:
    house.forge(*opened(house, ""))
    async with house.engine():
        await house.until(lambda state: state.incident.gate_opened is None)
        assert closed(house) == [f"{WORDS} no standing authorisation was in force"]
        await house.until(lambda state: state.incident.automatic.outcome is not None)
        assert house.incident.automatic is not None
        assert house.incident.automatic.outcome == "stopped"


async def test_one_that_nobody_has_signed_opens_nothing(house: Gatehouse) -> None:
    house.forge(*opened(house, "0123456789ab"))
    async with house.engine():
        await house.until(lambda state: state.incident.gate_opened is None)
        assert closed(house) == [f"{WORDS} nobody has signed standing authorisation 0123456789ab"]


async def test_one_that_some_have_signed_opens_nothing(house: Gatehouse) -> None:
    registry = Registry(house)
    async with house.engine():
        known = await registry.sign(registry.made().text, *SIX[1:])
    house.forge(*opened(house, known))
    async with house.engine():
        await house.until(lambda state: state.incident.gate_opened is None)
        assert closed(house) == [f"{WORDS} short of 1 engineer"]


async def test_one_that_all_have_signed_has_opened_it(house: Gatehouse) -> None:
    """Nobody is left with half of a switch, also when it was revoked since."""
    registry = Registry(house)
    async with house.engine():
        known = await registry.sign(registry.made().text, *SIX)
    house.forge(*opened(house, known))
    house.revoke("sec-1")
    async with house.engine():
        await house.until(lambda state: state.engine is not None and state.incident.automatic is not None)
        await house.quiet()
        assert closed(house) == []
        assert house.opened
