"""The second path: it agrees by what was measured after the alarm, and by nothing else."""

from typing import Any

import pytest
from msgspec.structs import replace

from console.core.metrics import Reading, Row, Rung
from console.core.second_path import second
from console.core.truth import Truth
from tests.unit.core.kit import at
from tests.unit.core.test_automatic import METRIC, RULE
from tests.unit.engine.kit import environment

_SCRAPE = {"kind": "scrape", "url": "http://127.0.0.1:9000/metrics", "every": "1s", "limit": "1s"}
_PROBE = {"kind": "http", "url": "http://127.0.0.1:9000/", "every": "1s", "limit": "1s"}
_ERRORS = {"kind": "failures", "source": "metrics", "failed": "e", "total": "r", "over": "1m"}
PLACE = environment(
    sources={"metrics": _SCRAPE, "page": _PROBE, "health": {**_PROBE, "url": "http://127.0.0.1:9000/health"}},
    metrics={
        "health_check": METRIC,
        "page": {
            "title": "page",
            "unit": "count",
            "measure": {"kind": "failures in a row", "source": "page"},
            "rungs": {},
        },
        "errors": {"title": "errors", "unit": "%", "measure": _ERRORS, "at_least": 20, "rungs": {}},
    },
    automatic={**RULE, "second_path": {"health_check": "page > 1 or errors > 5%"}},
)
PAGE = Reading("page", 2.0, 9, at(61), Rung.OK)
ERRORS = Reading("errors", 12.0, 40, at(61), Rung.OK)
ALARM = at(60)


def judged(*readings: Reading) -> Truth:
    return second(PLACE, "health_check", Row(at(62), readings), ALARM).agrees


def but(reading: Reading, **changes: Any) -> Reading:
    return replace(reading, **changes)


def test_one_that_says_so_after_the_alarm_agrees() -> None:
    found = second(PLACE, "health_check", Row(at(62), (PAGE, ERRORS)), ALARM)
    assert found.agrees
    assert found.words == (
        "second path of health_check agrees, page > 1 or errors > 5%: page 2; errors 12.0 %"
    )


@pytest.mark.parametrize(
    "silent",
    [
        but(ERRORS, measured=at(60)),
        but(ERRORS, measured=at(3)),
        but(ERRORS, measured=None),
        but(ERRORS, rung=Rung.STALE),
        but(ERRORS, count=19),
        but(ERRORS, value=None),
    ],
    ids=["at the alarm", "before it", "never", "stale", "too few", "nothing"],
)
def test_what_was_not_measured_since_is_not_known(silent: Reading) -> None:
    """The other half of an `or` is enough, and a half that disagrees does not decide for it."""
    assert judged(PAGE, silent) is True
    assert judged(but(PAGE, value=0.0), silent) is None
    assert judged(silent) is None


def test_all_that_is_asked_says_otherwise() -> None:
    assert judged(but(PAGE, value=1.0), but(ERRORS, value=5.0)) is False


def test_without_one_nothing_agrees() -> None:
    found = second(PLACE, "errors", Row(at(62), (PAGE, ERRORS)), ALARM)
    assert (found.agrees, found.words) == (None, "the strategy names no second path of errors")
