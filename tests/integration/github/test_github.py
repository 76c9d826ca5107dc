"""GitHub's API: what is asked, what becomes of each answer, and that the token is told to nobody else."""

import asyncio
import time

import httpx
import pytest

from console.core.clock import Stamp
from console.targets.github import api as client_of
from console.targets.github.answers import CiError, Reply, UnclearError, waits_s
from console.targets.github.limits import Box
from console.targets.github.quiet import Quieting
from console.targets.github.workflow import UNDER_WAY
from tests.integration.github import published
from tests.integration.github.kit import COMMIT, TOKEN, Answer, Desk, GitHub


def box(desk: Desk, seconds: float = 300.0) -> Box:
    return Box(desk.clock, seconds)


class TestWhatIsFound:
    """The workflow by its name, file or number, and what of it runs."""

    @pytest.mark.parametrize("name", ["Deploy", "deploy.yml", "7001"])
    async def test_by_name_file_or_number(self, name: str, hub: GitHub, client: httpx.AsyncClient) -> None:
        desk = Desk(hub.url, client, workflow=name)
        known = await desk.workflow.find(box(desk))
        assert (known.id, known.state, known.runs_on_push) == (7001, "active", True)

    async def test_an_unknown_name_is_told_with_those_that_there_are(
        self, hub: GitHub, client: httpx.AsyncClient
    ) -> None:
        desk = Desk(hub.url, client, workflow="Deplyo")
        with pytest.raises(CiError, match="has no workflow Deplyo; there is `Deploy`"):
            await desk.workflow.find(box(desk))

    @pytest.mark.parametrize("status", UNDER_WAY)
    async def test_what_has_not_ended_is_under_way(self, status: str, hub: GitHub, desk: Desk) -> None:
        """Also a run that waits for somebody's approval, which would deploy whenever that comes."""
        hub.actions.begin("old", COMMIT, "eng-2").status = "completed"
        hub.actions.begin("new", COMMIT, "eng-2").status = status
        known = await desk.workflow.find(box(desk))
        assert [run.display_title for run in await desk.workflow.under_way(known, box(desk))] == ["new"]

    async def test_a_run_that_goes_on_between_two_questions_is_met(self, hub: GitHub, desk: Desk) -> None:
        """It is in no state that was asked for before it came into it."""
        run = hub.actions.begin("quick", COMMIT, "eng-2")
        run.status = "queued"
        questions = iter(range(99))

        def heard(_line: str) -> None:
            if next(questions) == UNDER_WAY.index("queued") + 1:
                run.status = "in_progress"

        known = await desk.workflow.find(box(desk))
        hub.heard = heard
        assert [one.id for one in await desk.workflow.under_way(known, box(desk))] == [run.id]

    async def test_pages_are_followed(self, hub: GitHub, desk: Desk) -> None:
        for number in range(230):
            hub.actions.begin(f"run {number}", COMMIT, "eng-2")
        known = await desk.workflow.find(box(desk))
        assert len(await desk.workflow.under_way(known, box(desk))) == 230

    async def test_no_page_of_another_host_is_asked_for(self, hub: GitHub, desk: Desk) -> None:
        """It would be sent the token."""
        known = await desk.workflow.find(box(desk))
        elsewhere = {"link": '<http://elsewhere.invalid/page2>; rel="next"'}
        hub.next.append(("/runs", Answer(200, headers=elsewhere, adds=True)))
        with pytest.raises(CiError, match="names elsewhere.invalid for the next page"):
            await desk.workflow.under_way(known, box(desk))


class TestRefusals:
    """Each says what to do."""

    async def refused(self, hub: GitHub, desk: Desk, answer: Answer, order: str = "disable") -> str:
        known = await desk.workflow.find(box(desk))
        hub.next.append((f"PUT .*/{order}", answer))
        with pytest.raises(CiError) as caught:
            await getattr(desk.workflow, order)(known, box(desk))
        assert TOKEN not in str(caught.value)
        assert hub.actions.workflow.state == "active"
        return str(caught.value)

    async def test_a_token_that_may_not(self, hub: GitHub, desk: Desk) -> None:
        told = {"x-accepted-github-permissions": "actions=write"}
        words = await self.refused(
            hub, desk, Answer(403, "Resource not accessible by personal access token", told)
        )
        assert words == (
            "GitHub refuses to disable Deploy of passportx/walletconnect (403 Resource not accessible by"
            " personal access token): env:CI_TOKEN needs the permission Actions: write on"
            " passportx/walletconnect, GitHub names `actions=write` (a classic token: the scope `repo`)"
        )

    async def test_nothing_there(self, hub: GitHub, desk: Desk) -> None:
        words = await self.refused(hub, desk, Answer(404, "Not Found"))
        assert "`ci` names another repository or workflow than there is, or the token may not see it" in words

    async def test_a_mistake(self, hub: GitHub, desk: Desk) -> None:
        words = await self.refused(hub, desk, Answer(422, "Workflow is disabled"))
        assert words.endswith("Workflow is disabled")

    async def test_a_token_that_is_none(self, hub: GitHub, client: httpx.AsyncClient) -> None:
        desk = Desk(hub.url, client, token="ghs_wrong")  # noqa: S106 - a wrong one
        with pytest.raises(CiError, match="wrong, expired or revoked; put a good one into env:CI_TOKEN"):
            await desk.workflow.find(box(desk))

    async def test_a_token_that_is_not_there(self, hub: GitHub, client: httpx.AsyncClient) -> None:
        desk = Desk(hub.url, client, token="")
        with pytest.raises(CiError, match="CI_TOKEN"):
            await desk.workflow.find(box(desk))
        assert hub.asked == []

    async def test_another_program_at_that_address(self, hub: GitHub, desk: Desk) -> None:
        """What it says is not taken for a workflow."""
        hub.next.append(("/workflows", Answer(200, "welcome")))
        with pytest.raises(CiError, match="what answers is not GitHub's API"):
            await desk.workflow.find(box(desk))
        hub.wrong = []  # it was not GitHub that answered


class TestRateLimits:
    """Waited for where the time allows it, told otherwise."""

    async def test_a_short_one_is_waited_for(self, hub: GitHub, desk: Desk) -> None:
        """What was refused for its rate was not carried out: an order is given again, too."""
        known = await desk.workflow.find(box(desk))
        hub.next.append(
            ("PUT", Answer(429, "You have exceeded a secondary rate limit", {"retry-after": "7"}))
        )
        await desk.workflow.disable(known, box(desk))
        assert hub.actions.workflow.state == "disabled_manually"
        assert 7.0 in desk.clock.waits

    async def test_a_long_one_is_told_with_its_end(self, hub: GitHub, desk: Desk) -> None:
        known = await desk.workflow.find(box(desk))
        reset = str(int(desk.clock.now().utc_us / 1e6) + 1800)
        hub.next.append(
            (
                "PUT",
                Answer(
                    403, "API rate limit exceeded", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
                ),
            )
        )
        with pytest.raises(
            CiError, match=r"used up until \d\d:\d\d:\d\dZ, in 1[78]\d\d s, and \d+ s are left"
        ):
            await desk.workflow.disable(known, box(desk))
        assert sum(desk.clock.waits) == 0

    def test_how_long(self) -> None:
        """As documented: `retry-after`, else the reset where nothing remains, else a minute."""
        now = Stamp(1_000_000_000, "boot", 0)
        spent = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1030"}
        assert waits_s(Reply(403, {**spent, "retry-after": "5"}, b""), now) == 5
        assert waits_s(Reply(403, spent, b""), now) == 30
        assert waits_s(Reply(429, {}, b""), now) == 60
        assert waits_s(Reply(403, {}, b'{"message": "secondary rate limit"}'), now) == 60
        assert waits_s(Reply(403, {}, b'{"message": "no right"}'), now) is None
        assert waits_s(Reply(200, spent, b""), now) is None


class TestTrouble:
    """A question is asked again, an order never."""

    async def test_a_question_is_asked_again(self, hub: GitHub, desk: Desk) -> None:
        hub.next += [("GET", Answer(502)), ("GET", Answer(503))]
        assert (await desk.workflow.find(box(desk))).id == 7001
        assert len(hub.asked) == 3

    async def test_but_not_for_ever(self, hub: GitHub, desk: Desk) -> None:
        hub.next += [("GET", Answer(502))] * 9
        with pytest.raises(UnclearError, match="GitHub is in trouble"):
            await desk.workflow.find(box(desk))
        assert len(hub.asked) == len(client_of.PAUSES_S) + 1

    async def test_an_order_is_not_given_again(self, hub: GitHub, desk: Desk) -> None:
        known = await desk.workflow.find(box(desk))
        hub.next.append(("PUT", Answer(502, after=True)))
        with pytest.raises(UnclearError):
            await desk.workflow.disable(known, box(desk))
        assert len(hub.orders) == 1

    async def test_a_hole_in_the_network(
        self, hub: GitHub, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Somebody who takes the connection and says nothing is waited for as long as was said."""
        monkeypatch.setattr(client_of, "ANSWER_S", 0.2)
        known = await desk.workflow.find(box(desk))
        hub.next.append(("PUT", Answer(200, hangs=True)))
        began = time.monotonic()
        with pytest.raises(
            UnclearError, match="no whole answer within .*; whether it was done must be looked at"
        ):
            await desk.workflow.disable(known, box(desk))
        assert time.monotonic() - began < 5

    async def test_nobody_there(self, hub: GitHub, desk: Desk) -> None:
        known = await desk.workflow.find(box(desk))
        await hub.stop()
        with pytest.raises(UnclearError, match="connection refused"):
            await desk.workflow.disable(known, box(desk))

    async def test_a_question_follows_a_redirect_at_home_an_order_none(self, hub: GitHub, desk: Desk) -> None:
        """A repository that was renamed: an order would be carried out on whatever has its name now."""
        hub.wrong = []
        known = await desk.workflow.find(box(desk))
        there = {"location": f"{hub.url}/repos/passportx/walletconnect/actions/workflows"}
        hub.next += [("GET", Answer(301, headers=there)), ("PUT", Answer(307, headers=there))]
        assert (await desk.workflow.find(box(desk))).id == 7001
        with pytest.raises(CiError, match="has another name now, write that into `ci`"):
            await desk.workflow.disable(known, box(desk))
        hub.next.append(("GET", Answer(301, headers={"location": "http://elsewhere.invalid/"})))
        with pytest.raises(CiError, match="elsewhere.invalid"):
            await desk.workflow.find(box(desk))
        redirects = [wrong for wrong in hub.wrong if "never answers 30" in wrong]
        assert len(redirects) == len(hub.wrong) == 3  # which the description does not know of
        hub.wrong = []


class TestQuiet:
    """Until none runs: cancelled, by force where that does not help, and looked for twice."""

    def quieting(self, desk: Desk, known: object) -> Quieting:
        return Quieting(desk.workflow, known, desk.settings, desk.clock, desk.said.line)  # type: ignore[arg-type]

    async def test_every_run_is_cancelled_and_awaited(self, hub: GitHub, desk: Desk) -> None:
        runs = [hub.actions.begin(f"run {number}", COMMIT, "eng-2") for number in range(3)]
        known = await desk.workflow.find(box(desk))
        quieting = self.quieting(desk, known)
        await quieting.until_none_runs(box(desk))
        assert [run.conclusion for run in runs] == ["cancelled"] * 3
        assert sorted(quieting.met) == sorted(run.id for run in runs)
        assert all(order.endswith("/cancel") for order in hub.orders)

    async def test_a_run_that_does_not_heed_it_is_ended_by_force(self, hub: GitHub, desk: Desk) -> None:
        run = hub.actions.begin("stubborn", COMMIT, "eng-2")
        run.stubborn = True
        known = await desk.workflow.find(box(desk))
        await self.quieting(desk, known).until_none_runs(box(desk))
        assert sum(desk.clock.waits) >= 30
        assert [order.rsplit("/", 1)[1] for order in hub.orders] == ["cancel", "force-cancel"]
        assert run.conclusion == "cancelled"

    async def test_a_run_that_appears_after_the_first_quiet_look_is_found(
        self, hub: GitHub, desk: Desk
    ) -> None:
        """A push right before the workflow was disabled: its run is told of a moment later."""
        looks = iter(range(99))

        def heard(line: str) -> None:
            if line.endswith("/runs") and next(looks) == len(UNDER_WAY):
                hub.actions.begin("late", COMMIT, "eng-3")

        known = await desk.workflow.find(box(desk))
        hub.heard = heard
        await self.quieting(desk, known).until_none_runs(box(desk))
        assert [run.title for run in hub.actions.runs if run.conclusion == "cancelled"] == ["late"]

    async def test_one_that_has_just_ended_is_no_trouble(self, hub: GitHub, desk: Desk) -> None:
        run = hub.actions.begin("ending", COMMIT, "eng-2")

        def heard(line: str) -> None:
            if line.endswith("/cancel"):
                run.status, run.conclusion = "completed", "success"

        known = await desk.workflow.find(box(desk))
        hub.heard = heard
        await self.quieting(desk, known).until_none_runs(box(desk))
        assert any("completed" in line for line in desk.said.lines)

    async def test_one_that_never_ends_is_named_when_the_time_is_over(
        self, hub: GitHub, client: httpx.AsyncClient
    ) -> None:
        desk = Desk(hub.url, client, cancel_after="1h")
        hub.actions.begin("stubborn", COMMIT, "eng-2").stubborn = True
        known = await desk.workflow.find(box(desk))
        with pytest.raises(CiError, match=r"run 412 of eng-2 \(stubborn\), commit 61616161"):
            await self.quieting(desk, known).until_none_runs(box(desk, 60.0))

    async def test_what_is_spared_goes_on(self, hub: GitHub, desk: Desk) -> None:
        ours = hub.actions.begin("ours", "ab" * 20, "warroom")
        hub.actions.begin("theirs", COMMIT, "eng-2")
        known = await desk.workflow.find(box(desk))
        await self.quieting(desk, known).until_none_runs(
            box(desk), spare=lambda run: run.head_sha == ours.head_sha
        )
        assert (ours.status, len(hub.orders)) == ("in_progress", 1)


class TestTheJudge:
    """The description is what judges: it finds what is wrong."""

    def test_wrong_requests(self) -> None:
        headers = {
            "authorization": "Bearer x",
            "user-agent": "x",
            "accept": "application/vnd.github+json",
            "x-github-api-version": "2022-11-28",
        }
        root = "/repos/o/r/actions"
        judged = published.wrong_request
        assert judged("PUT", f"{root}/workflows/1/disable", "", headers, b"") == []
        assert judged("POST", f"{root}/workflows/1/disable", "", headers, b"")
        assert judged("PUT", f"{root}/workflows/1/disable", "", headers, b"{}")
        assert judged("PUT", f"{root}/workflows/1/disable", "", {}, b"")
        assert judged("GET", f"{root}/workflows/1/runs", "status=running", headers, b"")
        assert judged("GET", f"{root}/workflows/1/runs", "state=queued", headers, b"")
        assert judged("POST", f"{root}/runs/abc/cancel", "", headers, b"")
        assert judged("POST", f"{root}/workflows/1/dispatches", "", headers, b'{"branch": "main"}')

    def test_wrong_answers(self) -> None:
        path = "/repos/o/r/actions/workflows/1"
        assert published.wrong_answer("GET", path, 200, b'{"id": 1}')
        assert published.wrong_answer("PUT", f"{path}/disable", 200, b"{}")
        assert published.wrong_answer("GET", f"{path}/runs", 200, b'{"total_count": 1}')


async def test_looks_side_by_side_do_not_disturb_each_other(hub: GitHub, desk: Desk) -> None:
    """One client serves the whole engine."""
    found = await asyncio.gather(*(desk.workflow.find(box(desk)) for _ in range(8)))
    assert {known.id for known in found} == {7001}
