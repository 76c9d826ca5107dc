"""The plan: what people say yes to is its bytes, and nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from console.core import events as ev
from console.core.plan import (
    Authority,
    CodeChange,
    DataChange,
    Glass,
    Need,
    Phase,
    Plan,
    Predicate,
    Prerequisite,
    Release,
    Revert,
    RowsChange,
    Step,
    WayBack,
    digest,
    frozen,
    thaw,
)
from console.core.schema_verdict import SchemaVerdict
from console.core.triggers import Triggers
from tests.unit.core import kit
from tests.unit.core.kit import Story

_words = st.text(max_size=8)
_params = st.dictionaries(_words, _words, max_size=3)
_seconds = st.floats(0, 1e9)
_releases = st.builds(Release, tag=_words, commit=_words, tree=_words)
_steps = st.builds(
    Step,
    id=_words,
    words=_words,
    effects=st.lists(_words, max_size=2).map(tuple),
    params=_params,
    expected_s=_seconds,
    limit_s=_seconds,
    needs=st.just(()),
    proves=st.just(()),
    fills=st.just(()),
)
_codes = st.builds(CodeChange, running=_releases, target=_releases)
_datas = st.builds(DataChange, tables=st.lists(_words, max_size=2).map(tuple))
_PLANS = st.builds(
    Plan,
    code=st.none() | _codes,
    data=st.none() | _datas,
    verb=st.none() | _words,
    steps=st.lists(_steps, max_size=2).map(tuple),
    predicates=st.lists(st.builds(Predicate, _words, _words, st.none() | _seconds), max_size=2).map(tuple),
    needs=st.lists(st.builds(Need, _words, st.integers(1, 9)), max_size=2).map(tuple),
    recover_within_s=_seconds,
    rows=st.none() | st.builds(RowsChange, keys=st.lists(_words, max_size=2).map(tuple)),
    prerequisites=st.lists(
        st.builds(Prerequisite, slots=st.just(("a",)), roles=st.just(()), waived_by=st.just(())), max_size=2
    ).map(tuple),
)


@given(_PLANS)
@settings(max_examples=60, deadline=None)
def test_the_bytes_hold_the_whole_plan(plan: Plan) -> None:
    assert thaw(frozen(plan)) == plan


@given(_PLANS)
@settings(max_examples=60, deadline=None)
def test_the_hash_is_the_same_after_any_number_of_readings(plan: Plan) -> None:
    """Also by another program that keeps the names of a mapping in another order."""
    raw = frozen(plan)
    assert digest(frozen(thaw(raw))) == digest(raw)
    turned = tuple(replace(step, params=dict(reversed(step.params.items()))) for step in plan.steps)
    assert digest(frozen(replace(plan, steps=turned))) == digest(raw)


_OTHER: dict[str, object] = {
    "environment": "mainnet-staging",
    "incident": "INC-2222",
    "code": None,
    "data": DataChange("point in time", 1, 2, 3),
    "verb": "flush-cache",
    "steps": kit.STEPS[:-1],
    "predicates": (Predicate("good-tree", "the commit to deploy is exactly the good tree", 60.0),),
    "needs": (Need("engineer", 2),),
    "proof": "signature",
    "recover_within_s": 901.0,
    "rows": RowsChange("users", ("7",), "point in time", 1),
    "prerequisites": (Prerequisite("ticket", "incident ticket created", "hand"),),
    "glass": Glass(2, ("security-lead",), (Need("engineer", 2),), 86_400.0),
}


@pytest.mark.parametrize("name", [field.name for field in fields(Plan)])
def test_whatever_is_changed_in_a_plan_changes_its_hash(name: str) -> None:
    changed = replace(kit.plan(), **{name: _OTHER[name]})
    assert digest(frozen(changed)) != digest(frozen(kit.plan()))


_OTHER_CODE: dict[str, object] = {
    "running": Release("v1.5.2", "3" * 40, "4" * 40),
    "target": Release("v1.5.0", "a" * 40, "f" * 40),
    "verdict": "unproven",
    "releases_back": 4,
    "way": "revert commits",
    "branch": "rollback/testnet-1",
    "restored": "d" * 40,
    "migrations": (),
    "schema": SchemaVerdict("same"),
    "images": {"service": "sha256:" + "a" * 64},
    "reverts": (Revert("e" * 40, "Release v1.5.3", "eng-2", None, "d" * 40),),
    "version": "v1.5.2",
    "triggers": Triggers((), ("deploy.yml is no YAML",)),
    "protection": "develop is protected: a pull request with 1 review",
}


@pytest.mark.parametrize("name", [field.name for field in fields(CodeChange)])
def test_whatever_is_changed_about_the_code_changes_the_hash(name: str) -> None:
    changed = replace(kit.plan(), code=replace(kit.CODE, **{name: _OTHER_CODE[name]}))
    assert digest(frozen(changed)) != digest(frozen(kit.plan()))


_DATA = DataChange("point in time", 1, 2, 3)
_OTHER_DATA: dict[str, object] = {
    "candidate": "20261123T101500.250Z-production-1f9c",
    "recovery_point": 9,
    "onset": 9,
    "loss_at_most": 9,
    "tables": ("users",),
}


@pytest.mark.parametrize("name", [field.name for field in fields(DataChange)])
def test_whatever_is_changed_about_the_data_changes_the_hash(name: str) -> None:
    """Above all how much may be lost."""
    changed = kit.plan(data=replace(_DATA, **{name: _OTHER_DATA[name]}))
    assert digest(frozen(changed)) != digest(frozen(kit.plan(data=_DATA)))


_ROWS = RowsChange("users", ("7",), "point in time", 1)
_OTHER_ROWS: dict[str, object] = {
    "table": "contacts",
    "keys": ("7", "8"),
    "candidate": "20261123T101500.250Z-production-1f9c",
    "recovery_point": 9,
}


@pytest.mark.parametrize("name", [field.name for field in fields(RowsChange)])
def test_whatever_is_changed_about_single_rows_changes_the_hash(name: str) -> None:
    """Above all which rows they are."""
    changed = kit.plan(rows=replace(_ROWS, **{name: _OTHER_ROWS[name]}))
    assert digest(frozen(changed)) != digest(frozen(kit.plan(rows=_ROWS)))


_OTHER_STEP: dict[str, object] = {
    "id": "x",
    "action": "x",
    "title": "x",
    "phase": Phase.CLOSE,
    "authority": Authority.MATRIX,
    "needs": ("x",),
    "params": {"x": "y"},
    "words": "x",
    "effects": ("x",),
    "repeatable": False,
    "expected_s": 9.0,
    "limit_s": 9.0,
    "proves": ("x",),
    "fills": ("x",),
    "back": WayBack("x", ("x",)),
}


@pytest.mark.parametrize("name", [field.name for field in fields(Step)])
def test_whatever_is_changed_in_a_step_changes_the_hash(name: str) -> None:
    """Above all the exact effects and the inputs that the action takes."""
    changed = replace(kit.STEPS[0], **{name: _OTHER_STEP[name]})
    assert digest(frozen(kit.plan(steps=(changed, *kit.STEPS[1:])))) != digest(frozen(kit.plan()))


def test_evidence_does_not_change_the_hash() -> None:
    """*Prepare* fills the slots after people may have said yes."""
    story = Story()
    story.declare()
    before = story.freeze()
    story.run("fetch", "worktree")
    story.say(ev.EvidenceRecorded("good-tree", holds=False, words="no", inputs="z"))
    assert story.incident.plan is not None
    assert story.incident.plan_hash == before
    assert digest(frozen(story.incident.plan)) == before


def test_a_step_is_found_by_its_id_or_not_at_all() -> None:
    assert kit.plan().step("deploy").needs == ("push",)
    with pytest.raises(KeyError):
        kit.plan().step("no such step")


def test_the_steps_of_a_phase_are_in_the_order_of_the_runbook() -> None:
    assert [step.id for step in kit.plan().of_phase(Phase.SWITCH)] == ["push", "deploy"]
