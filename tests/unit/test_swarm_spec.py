"""What an update, a stop and a start make of a service's specification: all that is not theirs stays."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.core.swarm_deploy import SwarmDeploy
from console.targets.swarm.fleet import Fleet, Image, Member
from console.targets.swarm.service import Task
from console.targets.swarm.spec import (
    BEFORE,
    REPLICAS,
    WISH,
    digest,
    digest_of,
    image_of,
    is_pinned,
    label_of,
    replicas_of,
    started,
    stopped,
    updated,
)

RULES = SwarmDeploy(kind="swarm", services={"api": "web"})
BY_ID = f"sha256:{'0123456789abcdef' * 4}"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
LABELS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3)


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """A service with whatever else there may be in each part that we write to."""
    container = {**draw(st.dictionaries(st.text(max_size=8), JSON, max_size=3)), "Image": "app:latest"}
    spec: dict[str, Any] = {
        **draw(st.dictionaries(st.text(max_size=8), JSON, max_size=3)),
        "Name": "web",
        "TaskTemplate": {**draw(st.dictionaries(st.text(max_size=8), JSON)), "ContainerSpec": container},
        "Mode": {"Replicated": {"Replicas": draw(st.integers(1, 9))}},
    }
    if draw(st.booleans()):
        spec["Labels"] = draw(st.none() | LABELS)
    return spec


@given(specs())
def test_an_update_changes_the_image_the_pace_and_our_labels(spec: dict[str, Any]) -> None:
    before = copy.deepcopy(spec)
    new = updated(spec, BY_ID, RULES, "wish-1")
    assert spec == before
    assert (image_of(new), label_of(new, WISH), label_of(new, BEFORE)) == (BY_ID, "wish-1", digest(spec))
    new["TaskTemplate"]["ContainerSpec"]["Image"] = "app:latest"
    for kind in ("UpdateConfig", "RollbackConfig"):
        assert new.pop(kind)["Parallelism"] == RULES.parallelism
        before.pop(kind, None)
    for label in (WISH, BEFORE):
        del new["Labels"][label]
    assert new.pop("Labels") == (before.pop("Labels", None) or {})
    assert new == before


@given(specs())
def test_a_stop_remembers_what_a_start_brings_back(spec: dict[str, Any]) -> None:
    down = stopped(spec)
    assert (replicas_of(down), label_of(down, REPLICAS)) == (0, str(replicas_of(spec)))
    assert digest(started(down)) == digest(spec)


@given(specs())
def test_an_update_starts_what_was_stopped(spec: dict[str, Any]) -> None:
    new = updated(stopped(spec), BY_ID, RULES, "wish-1")
    assert (replicas_of(new), label_of(new, REPLICAS)) == (replicas_of(spec), None)


def test_a_digest_does_not_mind_what_an_engine_leaves_out() -> None:
    told = {"Name": "web", "Mode": {"Replicated": {"Replicas": 2}}}
    assert digest({**told, "Labels": {}, "UpdateConfig": {"Delay": 0}}) == digest(told)
    assert digest({**told, "Mode": {"Replicated": {"Replicas": 3}}}) != digest(told)


def test_what_pins() -> None:
    pinned = (BY_ID, f"app@{BY_ID}", f"registry.example:5000/team/app:v1.5.0@{BY_ID}")
    assert all(is_pinned(image) and digest_of(image) == BY_ID for image in pinned)
    assert not any(map(is_pinned, ("app", "app:v1.5.0", f"app@{BY_ID[:-1]}", f"{BY_ID} app", "sha256:0")))


def test_a_fleet_is_on_one_image_only_when_every_task_is() -> None:
    good, bad = (
        Image(f"sha256:{n * 64}", (f"sha256:{n * 64}",), tag) for n, tag in (("1", "v1"), ("2", "v2"))
    )

    def fleet(*members: tuple[Image, str]) -> Fleet:
        made = (
            Member(
                Task(str(n), f"web.{n}", "here", "running", "running", "", image.id, "", ""), image, trouble
            )
            for n, (image, trouble) in enumerate(members, 1)
        )
        return Fleet("web", 3, tuple(made))

    whole = fleet((good, ""), (good, ""), (good, ""))
    assert (whole.image, whole.words) == (good, "web: 3 of 3 on v1")
    mixed = fleet((good, ""), (bad, ""), (good, ""))
    assert (mixed.image, mixed.words) == (None, "web: 2 of 3 on v1, 1 of 3 on v2 (web.2)")
    ailing = fleet((good, ""), (good, "is starting (web.2 failed: no)"), (good, ""))
    assert (ailing.image, ailing.words) == (None, "web: 2 of 3 on v1; web.2 is starting (web.2 failed: no)")
    assert fleet((good, ""), (good, "")).image is None
    assert fleet().words == "web: 0 of 3 run"
