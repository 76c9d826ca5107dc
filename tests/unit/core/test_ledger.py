"""The release ledger: what can be recorded, what is refused with its difference, and what it then says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.core import events as ev
from console.core.ledger import contracted, difference, is_pinned, normal, on_record, unfit, worth_a_verdict
from console.core.plan import CodeChange
from console.core.requests import RecordRelease
from console.core.schema_verdict import SchemaVerdict
from tests.unit.core import kit
from tests.unit.core.kit import at
from tests.unit.engine.kit import Desktop

DIGEST = "sha256:" + "d" * 64
NOW = at(1000).utc_us


def ask(**changes: Any) -> RecordRelease:
    """A release as a pipeline records it."""
    return replace(RecordRelease("v1.5.0", "a" * 40, {"web": f"registry.example/web@{DIGEST}"}), **changes)


def recorded(
    tag: str = "v1.5.0", commit: str = "a" * 40, deployed: int = 0, **more: Any
) -> ev.ReleaseRecorded:
    told = {"images": {}, "migrations": (), "config_keys": (), **more}
    return ev.ReleaseRecorded(tag=tag, commit=commit, deployed=deployed, **told)


@pytest.mark.parametrize("image", [DIGEST, f"web@{DIGEST}", f"registry.example:5000/team/web@{DIGEST}"])
def test_an_image_is_pinned_by_digest_or_by_id(image: str) -> None:
    assert is_pinned(image)
    assert unfit(ask(images={"web": image}), NOW) == ""


@pytest.mark.parametrize(
    "image", ["web", "web:v1.5.0", "web:latest", "sha256:abc", f"web@{DIGEST} ", f"@{DIGEST}"]
)
def test_an_image_that_can_mean_another_one_tomorrow_is_refused(image: str) -> None:
    assert "the image of web is not pinned" in unfit(ask(images={"web": image}), NOW)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"commit": "a" * 12}, "is not a full commit id"),
        ({"commit": "v1.5.0"}, "is not a full commit id"),
        ({"tag": "--upload-pack=x"}, "is not the name of a tag"),
        ({"tag": ""}, "is not the name of a tag"),
        ({"images": {"We b": DIGEST}}, "is not the name of a component"),
        ({"migrations": ("one\ntwo",)}, "is not a name on one line"),
        ({"config_keys": ("",)}, "is not a name on one line"),
        ({"deployed": NOW + 3_600_000_000}, "that is yet to come"),
    ],
)
def test_what_cannot_be_recorded_is_told_why(changes: dict[str, Any], words: str) -> None:
    assert words in unfit(ask(**changes), NOW)


def test_the_clock_of_a_pipeline_may_be_a_little_ahead() -> None:
    assert unfit(ask(deployed=NOW + 60_000_000), NOW) == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"commit": "b" * 40}, "commit bbbbbbbb, on record is aaaaaaaa"),
        ({"images": {}}, f"image of web none, on record is registry.example/web@{DIGEST}"),
        ({"migrations": ("0004.sql",)}, "migrations 0004.sql, on record is none"),
        ({"config_keys": ("GAS_LIMIT",)}, "configuration keys GAS_LIMIT, on record is none"),
        ({"deployed": 60_000_000}, "deployed 1970-01-01T00:01:00Z, on record is 1970-01-01T00:00:00Z"),
    ],
)
def test_other_contents_are_told_by_what_differs(changes: dict[str, Any], words: str) -> None:
    room = Desktop()
    room.say(recorded(images=ask().images))
    known = room.book.state.ledger["v1.5.0"]
    assert difference(known, ask()) == ""
    assert difference(known, ask(**changes)) == words


@given(st.permutations(["0001.sql", "0002.sql", "0003.sql"]), st.integers(0, 3))
def test_the_order_in_which_names_are_given_makes_no_difference(names: list[str], twice: int) -> None:
    told = normal(ask(migrations=(*names, *names[:twice])))
    assert told.migrations == ("0001.sql", "0002.sql", "0003.sql")
    assert normal(told) == told


def test_releases_are_in_order_of_deployment_whenever_they_were_recorded() -> None:
    room = Desktop()
    room.say(recorded("v2", "b" * 40, 20), recorded("v1", "a" * 40, 10), recorded("v3", "c" * 40, 20))
    assert [known.tag for known in on_record(room.book.state)] == ["v1", "v2", "v3"]


def test_what_is_recorded_is_unproven_until_somebody_judges_it() -> None:
    room = Desktop()
    room.say(recorded())
    assert [(one.verdict, one.said_by) for one in on_record(room.book.state)] == [("unproven", "engine")]
    room.say(ev.ReleaseMarked("v1.5.0", "bad", "signing fails"))
    known = on_record(room.book.state)[0]
    assert (known.verdict, known.reason) == ("bad", "signing fails")


def test_recorded_again_it_keeps_its_verdict() -> None:
    room = Desktop()
    room.say(recorded(), ev.ReleaseMarked("v1.5.0", "good", "a week without trouble"), recorded(again=True))
    assert on_record(room.book.state)[0].verdict == "good"


def test_a_verdict_on_what_is_not_on_record_changes_nothing() -> None:
    room = Desktop()
    room.say(ev.ReleaseMarked("v9", "good", "x"))
    assert room.book.state.ledger == {}


# -- what incidents show ------------------------------------------------------------------------------


def plan_back(schema: str) -> CodeChange:
    code = kit.plan().code
    assert code is not None
    return replace(code, schema=SchemaVerdict(schema, live="of today"))  # type: ignore[arg-type]


def test_a_contraction_counts_for_the_incident_whose_plan_found_it() -> None:
    room = Desktop()
    code = plan_back("contracted")
    room.declare(code=code)
    assert contracted(room.book.state) == {code.target.commit: "of today"}
    assert room.book.state.schemas[code.target.commit].kind == "contracted"
    room.say(ev.IncidentResolved("mitigated", "flag off", ""))
    assert contracted(room.book.state) == {}


def test_a_schema_that_fits_is_no_contraction() -> None:
    room = Desktop()
    room.declare(code=plan_back("expanded"))
    assert contracted(room.book.state) == {}


def test_a_release_that_a_service_recovered_by_is_worth_a_verdict_and_gets_none_by_itself() -> None:
    room = Desktop()
    target = plan_back("same").target
    room.say(recorded(target.tag, target.commit))
    room.declare(code=plan_back("same"))
    room.run(*(step.id for step in kit.STEPS))
    room.say(ev.IncidentResolved("recovered", "", ""))
    assert [one.tag for one in worth_a_verdict(room.book.state)] == [target.tag]
    assert on_record(room.book.state)[0].verdict == "unproven"
    room.say(ev.ReleaseMarked(target.tag, "good", "recovered, and a day since"))
    assert worth_a_verdict(room.book.state) == ()


def test_an_incident_that_ended_otherwise_says_nothing_of_the_release() -> None:
    room = Desktop()
    target = plan_back("same").target
    room.say(recorded(target.tag, target.commit))
    room.declare(code=plan_back("same"))
    room.say(ev.IncidentResolved("mitigated", "flag off", ""))
    assert worth_a_verdict(room.book.state) == ()
