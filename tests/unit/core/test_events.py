"""Events and requests as bytes: what is written is read, and what is not known is kept as it was written."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.core import events as ev
from console.core import requests as rq
from console.core.clock import Stamp
from console.core.events import KNOWN, Body, Draft, decode, encode
from tests.unit.core import bodies
from tests.unit.core.kit import at


@given(
    bodies.BODIES,
    bodies.STAMPS,
    st.none() | st.text(max_size=8),
    st.text(max_size=8),
    st.none() | st.text(max_size=8),
    st.integers(1, 2**53),
)
@settings(max_examples=150, deadline=None)
def test_an_event_is_read_as_it_was_written(
    body: Body, when: Stamp, incident: str | None, actor: str, request: str | None, seq: int
) -> None:
    event = decode(encode(Draft(body, when, incident, actor, request), "testnet", seq))
    assert (event.kind, event.version, event.critical) == (body.kind, body.version, body.critical)
    assert (event.environment, event.incident, event.seq) == ("testnet", incident, seq)
    assert (event.at, event.actor, event.request) == (when, actor, request)
    if isinstance(body, ev.PlanFrozen):
        assert isinstance(event.body, ev.PlanFrozen)
        assert (event.body.digest, bytes(event.body.plan)) == (body.digest, bytes(body.plan))
    else:
        assert event.body == body


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def wire(kind: str, version: int, body: object, *, critical: bool = True) -> bytes:
    return msgspec.json.encode(
        {
            "environment": "testnet",
            "incident": None,
            "seq": 1,
            "at": at(),
            "actor": "engine",
            "request": None,
            "kind": kind,
            "version": version,
            "critical": critical,
            "body": body,
        }
    )


@given(st.text(max_size=12), st.integers(0, 2**31), _json, st.booleans())
@settings(max_examples=150, deadline=None)
def test_an_event_of_an_unknown_kind_is_kept_raw(
    kind: str,
    version: int,
    body: object,
    critical: bool,  # noqa: FBT001 - hypothesis gives it by place
) -> None:
    raw = wire(kind, version, body, critical=critical)
    event = decode(raw)
    if (kind, version) not in KNOWN:
        assert isinstance(event.body, ev.Unknown)
        assert event.body.raw == msgspec.json.encode(body)
    assert (event.kind, event.version, event.critical) == (kind, version, critical)


@pytest.mark.parametrize("kind", sorted(kind for kind, _ in KNOWN))
def test_a_known_kind_of_another_version_is_not_guessed_at(kind: str) -> None:
    event = decode(wire(kind, 2, {"step": "deploy"}))
    assert isinstance(event.body, ev.Unknown)
    assert event.body.raw == b'{"step":"deploy"}'


@pytest.mark.parametrize(
    "raw", [b"", b"null", b"[]", b'{"kind": "note.added"}', wire("note.added", 1, {"text": 3})]
)
def test_bytes_that_hold_no_event_say_so(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(raw)


def test_every_kind_has_a_name_of_its_own_and_says_what_it_is_for() -> None:
    assert len({kind for kind, _ in KNOWN}) == len(KNOWN)
    assert all(cls.__doc__ for cls in KNOWN.values())
    assert all(kind == cls.kind and version == cls.version for (kind, version), cls in KNOWN.items())


def test_no_kind_is_left_out_of_these_tests() -> None:
    assert set(bodies.OF_KIND) == set(KNOWN.values())


def test_whatever_changes_what_may_run_is_critical() -> None:
    """A program that skipped one of these would open a gate or repeat an effect."""
    harmless = {cls.kind for cls in KNOWN.values() if not cls.critical}
    told = {"engine.stopped", "note.added", "release.seen", "request.refused"}
    alerting = {"alert.fired", "alert.ended", "command.asked", "command.paged"}
    pages = {"gate.paged", "gate.seen", "automatic.paged"}
    tasks = {"task.assigned", "task.done", "task.dropped", "task.overdue"}
    assert harmless == {*told, *alerting, *pages, *tasks, "rollback.advised", "automatic.stage.overran"}


_ASKS: st.SearchStrategy[rq.AnyAsk] = st.one_of(
    st.builds(rq.Declare),
    st.builds(rq.Replan),
    st.builds(rq.Go),
    st.builds(rq.Approve),
    st.builds(rq.Withdraw),
    st.builds(rq.Page),
    st.builds(rq.Seen),
    st.builds(rq.SignStanding),
    st.builds(rq.RevokeStanding),
    st.builds(rq.SignReview),
    st.builds(rq.Decide),
    st.builds(rq.Allow),
    st.builds(rq.Abort),
    st.builds(rq.Resume),
    st.builds(rq.Note),
    st.builds(rq.Tick),
    st.builds(rq.Resolve),
    st.builds(rq.SwitchAutomatic),
    st.builds(rq.Stop),
)


@given(_ASKS, bodies.STAMPS)
@settings(max_examples=80, deadline=None)
def test_a_request_is_read_as_it_was_written(ask: rq.AnyAsk, when: Stamp) -> None:
    request = rq.Request("r1", "testnet", "eng-1", when, ask)
    assert rq.decode(rq.encode(request)) == request


@pytest.mark.parametrize("raw", [b"", b"{}", b"null", b'{"ask": {"ask": "explode"}}', b" " * 70_000])
def test_what_is_no_request_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        rq.decode(raw)


def test_a_request_that_is_too_long_is_not_written() -> None:
    long = rq.Request("r1", "testnet", "eng-1", at(), rq.Note("x" * rq.MAX_REQUEST_BYTES))
    with pytest.raises(ValueError, match="shorten it"):
        rq.encode(long)
