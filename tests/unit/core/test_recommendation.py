"""The recommendation: what says roll back, what holds it, and which mitigation is proposed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.clock import Stamp
from console.core.deploys import Landing
from console.core.metrics import Rung
from console.core.mitigating import covering, firing
from console.core.recommendation import Grounds, recommend, will_not_help
from console.core.state import Incident, Mitigated, State
from console.core.strategy import Environment
from tests.ui import place
from tests.unit.core.kit import ENV, INCIDENT, at

METRICS = ("error_rate", "connection_success_rate", "transaction_signing_rate", "health_check")
TRIGGERS = ("keys_exposed", "data_lost")
RUNGS = st.sampled_from([Rung.OK, Rung.WARN, Rung.MANDATORY, Rung.AUTOMATIC, Rung.STALE, Rung.WAITING])
CAUSE = "the chain's RPC is down"


def mitigation(*covers: str, cost: int = 1, **changes: Any) -> dict[str, Any]:
    """One as a strategy file would have it."""
    fields: dict[str, Any] = {
        "title": f"cover {', '.join(covers)}",
        "kind": "flag",
        "covers": list(covers),
        "perform": ["do"],
        "probe": ["look"],
        "undo": ["undo"],
        "authority": "commander",
        "limit": "5s",
        "expected": "1s",
        "helps_within": "30s",
        "cost": cost,
    }
    return {**fields, **changes}


def not_ours(explains: list[str]) -> dict[str, Any]:
    """Metrics of the place, of which the health check speaks of something that is not ours."""
    document = place._document()["metrics"]
    cause = {"cause": CAUSE, "explains": explains}
    return {**document, "health_check": {**document["health_check"], "not_ours": cause}}


def known(
    rungs: dict[str, Rung],
    *declared: str,
    line: tuple[Landing, ...] | None = None,
    now: Stamp | None = None,
    mitigations: dict[str, Mitigated] | None = None,
    **changes: Any,
) -> Grounds:
    """An incident whose onset is the beginning of time."""
    fields: dict[str, Any] = {"status": "declared", "commander": "eng-1", "declared": at(1)}
    incident = Incident(id=INCIDENT, onset=at(), triggers=declared, **{**fields, **changes})
    state = State(environment=ENV, incident=incident, mitigations=mitigations or {})
    return Grounds(now or at(10), state, rungs, {}, line)


def landed(seconds_before: float) -> tuple[Landing, ...]:
    """A release that landed so long before the onset."""
    return (Landing("v1.5.3", None, at(-seconds_before).utc_us, "seen"),)


def environment(**changes: Any) -> Environment:
    """The place, where a release may be a day old to be blamed."""
    stages = dict.fromkeys(("detection", "alert", "validation", "execution", "verification"), "1m")
    automatic = {"unsigned": "arms", "release_within": "24h", "stages": stages}
    return place.environment(automatic=automatic, **changes)


# -- the levels -------------------------------------------------------------------------------------


def test_nothing_fires() -> None:
    found = recommend(environment(), known({"error_rate": Rung.WARN}))
    assert (found.level, found.words) == ("none", "nothing that is measured asks for one")


def test_a_rule_that_fires_after_a_release_landed() -> None:
    """With its words, and what the line of deploys says."""
    found = recommend(environment(), known({"error_rate": Rung.MANDATORY}, line=landed(60)))
    assert (found.level, found.words) == ("mandatory", "errors")
    assert found.reasons == ("errors: mandatory, error_rate > 5%",)


def test_a_rule_that_fires_where_nothing_landed_is_to_be_thought_about() -> None:
    found = recommend(environment(), known({"error_rate": Rung.AUTOMATIC}, line=landed(100_000)))
    assert found.level == "consider"
    assert found.words == "nothing landed within 24 h before the onset: a rollback may not help"


def test_while_nobody_has_looked_what_landed_nothing_is_said_against_it() -> None:
    assert recommend(environment(), known({"error_rate": Rung.MANDATORY})).level == "mandatory"


def test_what_a_person_declared_is_not_talked_away_by_the_line_of_deploys() -> None:
    found = recommend(environment(), known({}, "keys_exposed", line=()))
    assert (found.level, found.words) == ("mandatory", "private keys exposed")
    assert "nothing is known to have landed" in found.reasons[-1]


def test_a_trigger_that_never_decides() -> None:
    triggers = {"bug": {"title": "critical bug", "rung": "consider"}}
    found = recommend(environment(triggers=triggers), known({}, "bug"))
    assert (found.level, found.words) == ("consider", "critical bug")


def test_once_the_way_back_is_under_way_nothing_is_recommended() -> None:
    found = recommend(environment(), known({"error_rate": Rung.MANDATORY}, gate_opened=at(5)))
    assert (found.level, found.words) == ("none", "the way back is under way")


# -- causes that are not ours -----------------------------------------------------------------------


def test_a_cause_that_is_not_ours_and_explains_all_that_fires_holds_it() -> None:
    place_of = environment(metrics=not_ours(["error_rate"]))
    rungs = {"error_rate": Rung.AUTOMATIC, "health_check": Rung.MANDATORY}
    found = recommend(place_of, known(rungs, line=landed(100_000)))
    assert (found.level, found.cause) == ("held", CAUSE)
    assert found.words == f"{CAUSE}: a rollback will not help"
    assert found.reasons[:2] == (
        CAUSE,
        "nothing landed within 24 h before the onset: a rollback may not help",
    )


@pytest.mark.parametrize(
    ("explains", "rungs", "declared"),
    [
        (["error_rate"], {"health_check": Rung.MANDATORY, "transaction_signing_rate": Rung.MANDATORY}, ()),
        (["error_rate"], {"error_rate": Rung.MANDATORY, "health_check": Rung.WARN}, ()),
        (["error_rate"], {"health_check": Rung.MANDATORY}, ("keys_exposed",)),
    ],
    ids=["something else fires too", "the cause is not there", "somebody declared something else"],
)
def test_it_is_not_held_where_the_cause_does_not_explain_everything(
    explains: list[str], rungs: dict[str, Rung], declared: tuple[str, ...]
) -> None:
    found = recommend(environment(metrics=not_ours(explains)), known(rungs, *declared))
    assert found.level == "mandatory"


def test_why_a_rollback_will_not_help_in_a_sentence_for_whoever_would_start_one() -> None:
    """By cause, by the line of deploys, or not at all."""
    ours = environment(metrics=not_ours(["error_rate"]))
    sick = {"error_rate": Rung.AUTOMATIC}
    old = "nothing landed within 24 h before the onset: a rollback may not help"
    assert will_not_help(ours, known(sick | {"health_check": Rung.MANDATORY}, line=landed(60))) == CAUSE
    assert will_not_help(ours, known(sick, line=landed(100_000))) == old
    assert will_not_help(ours, known(sick, line=landed(60))) == ""
    assert will_not_help(ours, known({}, line=landed(100_000))) == ""
    assert will_not_help(ours, known({}, "keys_exposed", line=landed(100_000))) == ""


def test_an_expired_certificate_is_named_with_its_expiry() -> None:
    """From the days that are left, which are below zero."""
    metrics = not_ours([])
    metrics["health_check"] |= {
        "title": "certificate",
        "measure": {"kind": "stat", "source": "health", "stat": "tls_days"},
        "rungs": {"mandatory": "health_check < 0"},
    }
    metrics["health_check"]["not_ours"]["cause"] = "the certificate has expired"
    grounds = known({"health_check": Rung.MANDATORY})
    grounds = Grounds(grounds.at, grounds.state, grounds.rungs, {"health_check": -2.0}, None)
    found = recommend(environment(metrics=metrics), grounds)
    assert found.cause == "the certificate has expired: 2 d 0 h ago, 2025-10-07T09:00:10Z"


# -- mitigations ------------------------------------------------------------------------------------


def tried(status: Any, since: float = 2, incident: str | None = INCIDENT) -> dict[str, Mitigated]:
    """What became of the mitigation `off`."""
    return {"off": Mitigated(status, at(since), "eng-1", incident, "it is so")}


def test_what_would_cover_it_is_told() -> None:
    place_of = environment(mitigations={"off": mitigation("error_rate")})
    found = recommend(place_of, known({"error_rate": Rung.MANDATORY}))
    assert found.level == "mandatory"
    assert found.reasons[-1] == "cover error_rate would cover it: not tried"


def test_it_is_held_as_long_as_a_mitigation_may_still_help_and_no_longer() -> None:
    place_of = environment(mitigations={"off": mitigation("error_rate")})
    sick = {"error_rate": Rung.MANDATORY}
    waits = recommend(place_of, known(sick, now=at(31.9), mitigations=tried("in force")))
    assert (waits.level, waits.words) == ("held", "cover error_rate is in force: 00:00 left to help")
    assert waits.cause == "", "a rollback may still help"
    over = recommend(place_of, known(sick, now=at(32), mitigations=tried("in force")))
    assert over.level == "mandatory"
    assert over.reasons[-1] == "cover error_rate did not help within 00:30"


@pytest.mark.parametrize("status", ["failed", "unclear"])
def test_a_mitigation_that_was_not_done_holds_nothing(status: str) -> None:
    place_of = environment(mitigations={"off": mitigation("error_rate")})
    found = recommend(place_of, known({"error_rate": Rung.MANDATORY}, mitigations=tried(status)))
    assert found.level == "mandatory"


# -- properties -------------------------------------------------------------------------------------

_NAMES = st.sampled_from([*METRICS, *TRIGGERS])
_MITIGATIONS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d"]),
    st.tuples(st.lists(_NAMES, min_size=1, unique=True), st.integers(1, 3)),
)


@given(_MITIGATIONS, st.dictionaries(st.sampled_from(METRICS), RUNGS), st.lists(_NAMES, unique=True))
def test_what_is_proposed_covers_everything_that_fires_and_is_the_cheapest_that_does(
    wanted: dict[str, tuple[list[str], int]], rungs: dict[str, Rung], declared: list[str]
) -> None:
    """Never one that leaves something firing; never a dearer one; among equals, the first of the file."""
    mitigations = {name: mitigation(*covers, cost=cost) for name, (covers, cost) in wanted.items()}
    place_of = environment(mitigations=mitigations)
    fires = {name for name, rung in rungs.items() if rung in (Rung.MANDATORY, Rung.AUTOMATIC)}
    fires |= {name for name in declared if name in TRIGGERS}
    found = covering(place_of, firing(place_of, rungs, declared))
    fit = [name for name, (covers, _) in wanted.items() if fires and fires <= set(covers)]
    assert set(found) == set(fit)
    if fit:
        cheapest = min(cost for name, (_, cost) in wanted.items() if name in fit)
        assert found[0] == next(name for name in fit if wanted[name][1] == cheapest)


@given(
    st.dictionaries(st.sampled_from(METRICS), RUNGS),
    st.lists(st.sampled_from(METRICS), unique=True),
    st.sampled_from([None, 60.0, 100_000.0]),
)
def test_it_is_never_held_for_a_cause_that_leaves_something_unexplained(
    rungs: dict[str, Rung], explains: list[str], before: float | None
) -> None:
    """And what fires is never called nothing."""
    line = None if before is None else landed(before)
    found = recommend(environment(metrics=not_ours(explains)), known(rungs, line=line))
    fires = {name for name, rung in rungs.items() if rung.says_roll_back}
    held = "health_check" in fires and fires <= {"health_check", *explains}
    assert (found.level == "held") is held
    assert (found.level == "none") is not fires
    assert bool(found.cause) is held
