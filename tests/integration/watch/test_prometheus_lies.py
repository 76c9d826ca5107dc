"""What looks like a Prometheus and is none, or is one that is ill: one line each time, and no number."""

import asyncio
import json
import time
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from console.core.errors import StatedError
from console.core.measures import Measured
from console.core.watched import Query, Unavailable
from console.engine.watchers.readings import ReadingsWatcher
from console.targets.source import CannotAskError, SourceError
from console.targets.watch.prometheus import AT_ONCE, MAX_BYTES
from tests.integration.targets.local_web import LocalWeb
from tests.integration.targets.test_sampler import HandClock
from tests.integration.watch.prometheus_kit import server, source
from tests.servers import free_port

ASKED = "/api/v1/query"
RULES = "/api/v1/rules"
SESAME = "sesame-0123456789"
BY_NAME = "env:T"
"""A reference to a token."""


@pytest.fixture
def stand_in(page: LocalWeb) -> LocalWeb:
    """A web server without any answer."""
    page.start()
    page.answers.clear()
    page.seen.clear()
    return page


def success(data: Any, **more: Any) -> str:
    return json.dumps({"status": "success", "data": data, **more})


def vector(*values: Any) -> str:
    series = [{"metric": {"n": str(n)}, "value": [1.5, value]} for n, value in enumerate(values)]
    return success({"resultType": "vector", "result": series})


def watching(client: httpx.AsyncClient, url: str, *keys: str, **changes: Any) -> ReadingsWatcher:
    """What an engine watches it with."""
    return ReadingsWatcher(source(url), server(client, url, *keys, **changes), HandClock())


async def trouble(client: httpx.AsyncClient, url: str, *questions: str, **changes: Any) -> SourceError:
    """What is raised when it is asked, whichever way."""
    asked = server(client, url, *(questions or ("up",)), **changes)
    with pytest.raises(SourceError) as caught:
        await asked.look()
    with pytest.raises(SourceError) as again:
        await asked.course("up", since_s=60, step_s=1)
    for error in (caught, again):
        assert "\n" not in str(error.value)
        assert len(str(error.value)) < 240
    return caught.value


NOT_AN_ANSWER = {
    "a page": "<html><body>Welcome</body></html>",
    "nothing": "",
    "half of it": vector("1")[:-20],
    "other JSON": '{"jobs": []}',
    "a list": "[1, 2]",
    "no text": b'{"status": "success\xff\xfe"}',
    "deep": '{"status": "success", "data": ' + "[" * 100_000,
    "no data": '{"status": "success"}',
    "null": '{"status": "success", "data": null}',
    "another status": '{"status": "fine\\n\\u001b[31m"}',
    "no value": success({"resultType": "vector", "result": [{"metric": {}, "value": [1.5]}]}),
    "a number as number": success({"resultType": "scalar", "result": [1.5, 7]}),
    "no number": vector("seven"),
}


@pytest.mark.parametrize("body", NOT_AN_ANSWER.values(), ids=NOT_AN_ANSWER)
async def test_garbage_is_no_answer(client: httpx.AsyncClient, stand_in: LocalWeb, body: str | bytes) -> None:
    """Whoever answers in its place."""
    stand_in.text(ASKED, body)
    stand_in.text("/api/v1/query_range", body)
    error = await trouble(client, stand_in.url(""))
    assert not isinstance(error, CannotAskError)
    assert str(error).startswith(f"{stand_in.url(ASKED)}: ")


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (500, "oops", "answers 500, not 200"),
        (404, "<html>no such page</html>", "answers 404, not 200"),
        (503, "Service Unavailable", "answers 503, not 200"),
        (
            503,
            json.dumps({"status": "error", "errorType": "unavailable", "error": "not\nready"}),
            r"answers 503: unavailable: not\\nready",
        ),
        (302, "", "answers 302, not 200"),
    ],
)
async def test_an_error_of_the_server_is_no_answer(
    client: httpx.AsyncClient, stand_in: LocalWeb, status: int, body: str, words: str
) -> None:
    """In its own words where it has some."""
    stand_in.text(ASKED, body, status)
    error = await trouble(client, stand_in.url(""))
    assert str(error) == f"{stand_in.url(ASKED)}: {words}".replace(r"\\n", r"\n")


@pytest.mark.parametrize("status", [401, 403])
async def test_who_may_not_ask_is_told_so(client: httpx.AsyncClient, stand_in: LocalWeb, status: int) -> None:
    """It says nothing about the server, and one question that is let through does not change that."""

    async def answer(request: Request) -> Response:
        if request.query_params["query"] == "1":
            return PlainTextResponse(vector("1"))
        return PlainTextResponse("go away", status)

    stand_in.answers[ASKED] = answer
    error = await trouble(client, stand_in.url(""), "1", "up")
    assert isinstance(error, CannotAskError)
    assert str(error) == f"{stand_in.url(ASKED)}: answers {status}: its `token` is missing or wrong"


async def test_redirects_to_others_are_not_followed(client: httpx.AsyncClient, stand_in: LocalWeb) -> None:
    """They would be sent the token."""

    async def away(_: Request) -> Response:
        return RedirectResponse(stand_in.url("/elsewhere", host="localhost"))

    stand_in.answers[ASKED] = away
    stand_in.text("/elsewhere", vector("1"))
    error = await trouble(client, stand_in.url(""), token=BY_NAME, secret=lambda _: SESAME)
    assert "redirects to `localhost`, which is not followed" in str(error)
    assert {request.url.path for request in stand_in.seen} == {ASKED}


async def test_a_huge_answer_is_refused(client: httpx.AsyncClient, stand_in: LocalWeb) -> None:
    """Nobody reads it to its end."""
    stand_in.text(ASKED, " " * (MAX_BYTES + 1))
    error = await trouble(client, stand_in.url(""))
    assert str(error) == f"{stand_in.url(ASKED)}: answers more than {MAX_BYTES} bytes"


async def test_nobody_there(client: httpx.AsyncClient) -> None:
    """In the system's words."""
    url = f"http://127.0.0.1:{free_port()}"
    assert str(await trouble(client, url)) == f"{url}{ASKED}: connection refused"


async def test_all_questions_together_end_at_the_limit(client: httpx.AsyncClient, stand_in: LocalWeb) -> None:
    """However many there are: those that wait for their turn wait no longer than the others."""
    stand_in.hang(ASKED)
    began = time.monotonic()
    asked = server(client, stand_in.url(""), *(f"q{n}" for n in range(3 * AT_ONCE)), limit="300ms")
    with pytest.raises(SourceError) as caught:
        await asked.look()
    assert 0.25 < time.monotonic() - began < 1
    assert str(caught.value) == f"{stand_in.url(ASKED)}: no whole answer within 0.3 s"
    assert len(stand_in.seen) == AT_ONCE


async def test_a_slow_question_leaves_the_others(client: httpx.AsyncClient, stand_in: LocalWeb) -> None:
    """One of two is late, and is told by its name; the other counts."""

    async def answer(request: Request) -> Response:
        if request.query_params["query"] == "slow":
            await asyncio.Event().wait()
        return PlainTextResponse(vector("4"))

    stand_in.answers[ASKED] = answer
    asked = server(client, stand_in.url(""), "slow", "quick", limit="300ms")
    answered = await asked.look()
    assert answered.numbers == {"quick": 4.0}
    assert answered.trouble == f"`slow`: {stand_in.url(ASKED)}: no whole answer within 0.3 s"


async def test_a_question_that_is_refused_leaves_the_source_available(
    client: httpx.AsyncClient, stand_in: LocalWeb
) -> None:
    """Also where it is the only one: the server has answered, and the mistake is told."""
    refusal = {"status": "error", "errorType": "timeout", "error": "query timed out in expression evaluation"}
    stand_in.text(ASKED, json.dumps(refusal), 503)
    up = Query(kind="query", source="prom", query="up")
    gone = Unavailable(kind="unavailable", source="prom")
    watch = watching(client, stand_in.url(""), "up")
    query, unavailable = watch.reader(up), watch.reader(gone)
    await watch.ask()
    assert query() == Measured(None, None, None)
    assert unavailable() == Measured(0.0, 1, HandClock().now())
    assert watch.trouble == "`up`: timeout: query timed out in expression evaluation"
    stand_in.text(ASKED, vector("1"))
    await watch.ask()
    assert (query().value, watch.trouble) == (1.0, "")
    stand_in.text(ASKED, "", 500)
    await watch.ask()
    assert unavailable().value == 1
    assert query().value is None


async def test_a_part_of_the_data_may_be_missing(client: httpx.AsyncClient, stand_in: LocalWeb) -> None:
    """What the server warns of is told beside the number; hints about names of metrics are not."""
    stand_in.text(ASKED, success({"resultType": "scalar", "result": [1, "2"]}, warnings=["store b is\ndown"]))
    asked = server(client, stand_in.url(""), "up")
    answered = await asked.look()
    assert answered.numbers == {"up": 2.0}
    assert answered.trouble == r"`up`: warns: store b is\ndown"
    hint = "PromQL info: metric might not be a counter"
    stand_in.text(ASKED, success({"resultType": "scalar", "result": [1, "2"]}, warnings=[hint]))
    answered = await asked.look()
    assert answered.numbers == {"up": 2.0}
    assert answered.trouble == ""


async def test_a_histogram_is_no_number(client: httpx.AsyncClient, stand_in: LocalWeb) -> None:
    """A series of native histograms has no value."""
    series = [{"metric": {}, "histogram": [1.5, {"count": "2", "sum": "3"}]}]
    stand_in.text(ASKED, success({"resultType": "vector", "result": series}))
    asked = server(client, stand_in.url(""), "up")
    answered = await asked.look()
    assert answered.numbers == {}
    assert answered.trouble == "`up`: brings a histogram, one number is wanted"


async def test_a_rule_that_was_never_judged_says_nothing(
    client: httpx.AsyncClient, stand_in: LocalWeb
) -> None:
    """A server that has just started calls it inactive."""
    rule = {"type": "alerting", "name": "A", "state": "inactive", "health": "unknown"}
    stand_in.text(RULES, success({"groups": [{"rules": [rule]}]}))
    asked = server(client, stand_in.url(""), "alert A")
    answered = await asked.look()
    assert answered.numbers == {}
    assert answered.trouble == "`alert A`: its rule was not evaluated yet"


class TestClocks:
    """Ours and the server's may be ten minutes apart."""

    async def test_no_time_of_ours_is_sent(self, client: httpx.AsyncClient, stand_in: LocalWeb) -> None:
        """And how far back it looks is what makes the source silent."""
        stand_in.text(ASKED, vector("1"))
        stand_in.text(RULES, success({"groups": []}))
        await server(client, f"{stand_in.url('')}/", "up", "alert A", every="5s", limit="4s").look()
        sent = {request.url.path: dict(request.query_params) for request in stand_in.seen}
        assert sent == {
            ASKED: {"query": "up", "lookback_delta": "15.000"},
            RULES: {"type": "alert", "exclude_alerts": "true", "rule_name[]": "A"},
        }

    async def test_a_value_is_as_old_as_its_answer(
        self, client: httpx.AsyncClient, stand_in: LocalWeb
    ) -> None:
        """Whatever time the server writes beside it."""
        stand_in.text(ASKED, vector("1"))
        question = Query(kind="query", source="prom", query="up")
        watch = watching(client, stand_in.url(""), "up")
        await watch.ask()
        assert watch.reader(question)() == Measured(1.0, None, HandClock().now())

    async def test_the_past_is_asked_for_by_the_clock_of_the_server(
        self, client: httpx.AsyncClient, stand_in: LocalWeb
    ) -> None:
        """And told by age."""
        theirs = 1000.0
        stand_in.text(ASKED, success({"resultType": "scalar", "result": [theirs, str(theirs)]}))
        values = [[990.0, "1"], [995.0, "NaN"], [1000.0, "2"]]
        series = [{"metric": {}, "values": values}]
        stand_in.text("/api/v1/query_range", success({"resultType": "matrix", "result": series}))
        points = await server(client, stand_in.url("")).course("up", since_s=10, until_s=0, step_s=5)
        assert [(point.age_s, point.value) for point in points] == [(10.0, 1.0), (0.0, 2.0)]
        sent = dict(stand_in.seen[-1].query_params)
        assert sent == {
            "query": "up",
            "start": "990.000",
            "end": "1000.000",
            "step": "5.000",
            "lookback_delta": "0.700",
        }


class TestTokens:
    """A token goes to the server, and nowhere else."""

    async def test_it_is_sent_as_it_is_now(self, client: httpx.AsyncClient, stand_in: LocalWeb) -> None:
        """It may have been rotated since the last look."""
        stand_in.text(ASKED, vector("1"))
        tokens = ["old", "new"]
        asked = server(client, stand_in.url(""), "up", token=BY_NAME, secret=lambda _: tokens.pop(0))
        await asked.look()
        await asked.look()
        told = [request.headers["authorization"] for request in stand_in.seen]
        assert told == ["Bearer old", "Bearer new"]

    async def test_without_one_none_is_sent(self, client: httpx.AsyncClient, stand_in: LocalWeb) -> None:
        """Nothing is made up."""
        stand_in.text(ASKED, vector("1"))
        await server(client, stand_in.url(""), "up").look()
        assert "authorization" not in stand_in.seen[0].headers

    @pytest.mark.parametrize("status", [200, 400, 403, 500])
    async def test_it_is_never_shown(
        self, client: httpx.AsyncClient, stand_in: LocalWeb, status: int
    ) -> None:
        """Not even by a server that sends back what it was sent, wherever a message is cut."""

        async def echo(request: Request) -> Response:
            said = request.headers["authorization"] * 3
            body = {"status": "error", "errorType": "bad_data", "error": "x" * 100 + said}
            good = {"status": "success", "data": {"resultType": "scalar", "result": [1, said]}}
            return JSONResponse(good if status == 200 else body, status)

        stand_in.answers[ASKED] = echo
        asked = server(client, stand_in.url(""), "up", token=BY_NAME, secret=lambda _: SESAME)
        told = []
        try:
            told.append((await asked.look()).trouble)
        except SourceError as error:
            told.append(str(error))
        with pytest.raises(SourceError) as caught:
            await asked.course("up", since_s=1, step_s=1)
        assert told[0]
        told.append(str(caught.value))
        assert not [words for words in told if SESAME[:6] in words]

    @pytest.mark.parametrize("token", ["two words", "line\nend", "schlüssel"])
    async def test_one_that_no_header_can_hold_is_refused(
        self, client: httpx.AsyncClient, stand_in: LocalWeb, token: str
    ) -> None:
        """The mistake is ours, and told without it."""
        error = await trouble(client, stand_in.url(""), token=BY_NAME, secret=lambda _: token)
        assert isinstance(error, CannotAskError)
        assert str(error) == "env:T: no token: it holds spaces or characters other than ASCII"
        assert stand_in.seen == []

    async def test_a_wrong_reference_says_nothing_about_the_server(
        self, client: httpx.AsyncClient, stand_in: LocalWeb
    ) -> None:
        """Nobody is asked without it."""

        def nothing(reference: str) -> str:
            raise StatedError(f"{reference}: not set")

        gone = Unavailable(kind="unavailable", source="prom")
        watch = watching(client, stand_in.url(""), token=BY_NAME, secret=nothing)
        await watch.ask()
        assert watch.trouble == "env:T: not set"
        assert watch.reader(gone)().value is None
        assert stand_in.seen == []
