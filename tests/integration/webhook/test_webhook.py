"""The webhook over a real socket: what it takes, what it leads to, and everything that it refuses."""

import asyncio
import json
import socket
from contextlib import suppress

import httpx
import pytest

from console.config.secrets import Secrets
from console.core import events as ev
from console.core.alerts import OLDEST_S
from console.engine.alarms import MAPPED as RATE
from console.engine.alarms import UNMAPPED
from console.engine.webhook import endpoint, listener
from tests.integration.webhook.kit import LIMIT_S, SECRET, Hut, alert, message, signed, until
from tests.servers import LOOPBACK

HEAD = (
    f"POST /alerts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SECRET}\r\n"
    "content-type: application/json\r\n"
).encode()


class TestWhatItLeadsTo:
    async def test_a_firing_alert_that_means_something_opens_a_suspected_incident(self) -> None:
        """The onset is the alert's; the words are the strategy's, with no id that would raise a trigger."""
        hut = Hut()
        async with hut.open() as listens:
            answer = await hut.post(message(alert("KeysOut", ago_s=90)))
            assert (answer.status_code, answer.json()) == (200, {"alerts": 1, "news": 1})
            assert listens.now.taken == 1
        suspected, fired = hut.bodies()
        assert isinstance(suspected, ev.IncidentSuspected)
        assert suspected.triggers == ("alert KeysOut (private keys exposed)",)
        assert hut.clock.now().seconds_since(suspected.onset) == pytest.approx(90, abs=15)
        assert isinstance(fired, ev.AlertFired)
        assert (fired.alert, fired.means, fired.words) == ("KeysOut", "keys_exposed", "nobody can sign")
        assert hut.book.state.open_incident is not None
        assert not set(hut.book.state.open_incident.triggers) & set(hut.environment.triggers)

    async def test_while_an_incident_is_open_it_is_noted_there(self) -> None:
        hut = Hut()
        async with hut.open():
            await hut.post(message(alert()))
            await hut.post(message(alert("KeysOut")))
        assert [body.kind for body in hut.bodies()] == ["incident.suspected", "alert.fired", "alert.fired"]
        assert len({event.incident for event in hut.journal.read(0, 9)}) == 1

    async def test_what_is_told_again_is_no_news(self) -> None:
        """As Alertmanager does every `repeat_interval`, and two of them at once."""
        another = alert("Another")
        hut, body = Hut(), message(alert(ago_s=-600), another, another)
        async with hut.open():
            assert (await hut.post(body)).json()["news"] == 2
            assert (await hut.post(body)).json()["news"] == 0

    async def test_an_end_is_recorded_once_and_the_same_alert_may_fire_anew(self) -> None:
        hut, fires = Hut(), alert(ago_s=60)
        ended = message({**fires, "status": "resolved"}, status="resolved")
        async with hut.open():
            assert (await hut.post(ended)).json()["news"] == 0, "what never fired does not end"
            await hut.post(message(fires))
            assert (await hut.post(ended)).json()["news"] == 1
            assert (await hut.post(ended)).json()["news"] == 0
            assert (await hut.post(message(fires))).json()["news"] == 0, "late, of before it ended"
            assert (await hut.post(message(alert(ago_s=1)))).json()["news"] == 1
        kinds = ["incident.suspected", "alert.fired", "alert.ended", "alert.fired"]
        assert [body.kind for body in hut.bodies()] == kinds

    async def test_what_is_not_mapped_or_only_to_be_considered_is_noted(self) -> None:
        hut = Hut()
        async with hut.open():
            await hut.post(message(alert("Unheard"), alert("Consider")))
        assert [body.kind for body in hut.bodies()] == ["alert.fired", "alert.fired"]
        assert hut.book.state.open_incident is None

    @pytest.mark.parametrize(("ago_s", "believed_s"), [(-3600.0, 0.0), (40 * OLDEST_S, OLDEST_S)])
    async def test_an_onset_in_the_future_or_long_past_is_bounded(
        self, ago_s: float, believed_s: float
    ) -> None:
        hut = Hut()
        async with hut.open():
            await hut.post(message(alert(ago_s=ago_s)))
        suspected = hut.bodies()[0]
        assert isinstance(suspected, ev.IncidentSuspected)
        assert hut.clock.now().seconds_since(suspected.onset) == pytest.approx(believed_s, abs=15)

    async def test_what_began_before_the_last_incident_was_resolved_opens_none(self) -> None:
        hut = Hut()
        async with hut.open():
            await hut.post(message(alert()))
            hut.book.say(ev.IncidentResolved("false alarm", "as told", ""))
            await hut.post(message(alert("KeysOut")))
            assert hut.book.state.open_incident is None
            await hut.post(message(alert("KeysOut", ago_s=-5)))
            assert hut.book.state.open_incident is not None

    async def test_too_many_are_counted_and_a_suspicion_is_never_among_what_is_left_out(self) -> None:
        hut = Hut()
        flood = [alert("Noise", fingerprint=f"noise{n}") for n in range(100)]
        async with hut.open() as listens:
            assert (await hut.post(message(*flood))).json()["news"] == 100
            kept = UNMAPPED.at_once
            assert len(hut.bodies()) == kept
            assert listens.now.dropped == 100 - kept
            await hut.post(message(*[alert(fingerprint=f"sick{n}") for n in range(RATE.at_once)]))
            hut.book.say(ev.IncidentResolved("false alarm", "as told", ""))
            await hut.post(message(*[alert(fingerprint=f"later{n}", ago_s=-5) for n in range(9)]))
            assert hut.book.state.open_incident is not None

    async def test_what_an_alert_says_is_cut_and_made_plain(self) -> None:
        hut, evil = Hut(), "\x1b[2J\u202e[bold]" + "x" * 5000
        labels = {"alertname": evil}
        async with hut.open():
            await hut.post(message(alert(labels=labels, annotations={"summary": evil})))
        (fired,) = hut.bodies()
        assert isinstance(fired, ev.AlertFired)
        assert len(fired.alert) == 100
        assert len(fired.words) == 200
        assert fired.words.startswith("\\x1b[2J\\u202e[bold]xxx")


class TestWhatItRefuses:
    async def refused(self, hut: Hut, answer: httpx.Response, status: int) -> None:
        assert answer.status_code == status, answer.text
        assert hut.bodies() == []
        assert "server" not in answer.headers
        assert "location" not in answer.headers

    @pytest.mark.parametrize(
        "given",
        ["", "Bearer", "Bearer another secret", f"Basic {SECRET}", SECRET, f"Bearer {SECRET}x"],
    )
    async def test_whoever_does_not_know_the_secret(self, given: str) -> None:
        hut = Hut()
        async with hut.open() as listens:
            await self.refused(hut, await hut.post(message(alert()), authorization=given), 401)
            assert listens.now.refused == 1

    async def test_two_tokens_of_which_one_is_right(self) -> None:
        hut, body = Hut(), message(alert())
        async with hut.open():
            twice = b"authorization: Bearer nonsense\r\ncontent-length: %d\r\n\r\n" % len(body)
            assert (await hut.raw(HEAD + twice + body)).startswith(b"HTTP/1.1 401 ")
        assert hut.bodies() == []

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/alerts", 405),
            ("PUT", "/alerts", 405),
            ("HEAD", "/alerts", 405),
            ("POST", "/alerts/", 404),
            ("POST", "/", 404),
            ("POST", "/alerts/../alerts2", 404),
            ("GET", "/docs", 404),
        ],
    )
    async def test_other_methods_and_paths_without_sending_anybody_elsewhere(
        self, method: str, path: str, status: int
    ) -> None:
        hut = Hut()
        async with hut.open(), httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{hut.port}") as client:
            headers = {"authorization": f"Bearer {SECRET}", "content-type": "application/json"}
            answer = await client.request(method, path, content=message(alert()), headers=headers)
            await self.refused(hut, answer, status)

    @pytest.mark.parametrize(
        "headers",
        [
            {"content_type": "text/plain"},
            {"content_type": "application/x-www-form-urlencoded"},
            {"content_encoding": "gzip"},
        ],
    )
    async def test_other_kinds_of_content(self, headers: dict[str, str]) -> None:
        hut = Hut()
        async with hut.open():
            await self.refused(hut, await hut.post(message(alert()), **headers), 415)

    async def test_more_than_it_takes_is_refused_by_its_length_and_while_it_comes(self) -> None:
        """A length that is too large before a byte of it; one that is not told, at the first too many."""
        hut = Hut()
        async with hut.open():
            told = await hut.raw(HEAD + b"content-length: 99999999\r\n\r\n")
            assert told.startswith(b"HTTP/1.1 413 ")
            piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
            pieces = [piece] * (endpoint.MOST_BYTES // 65536 + 1)
            came = await hut.raw(HEAD + b"transfer-encoding: chunked\r\n\r\n", *pieces)
            assert came.startswith(b"HTTP/1.1 413 ")
        assert hut.bodies() == []

    async def test_a_message_in_chunks_is_a_message(self) -> None:
        hut, body = Hut(), message(alert())
        async with hut.open():
            chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            answer = await hut.raw(HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunks)
            assert answer.startswith(b"HTTP/1.1 200 ")
        assert len(hut.bodies()) == 2

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b"", "no message of Alertmanager"),
            (b"{", "no message of Alertmanager"),
            (b"null", "Expected `object`"),
            (b"\xff\xfe", "no message of Alertmanager"),
            (b"[" * 100_000, "no message of Alertmanager"),
            (message(version="3"), "version 3 of Alertmanager's messages, not 4"),
            (message({"status": "firing"}), "missing required field"),
            (message(alert(startsAt="yesterday")), "Invalid RFC3339"),
            (message(alert(startsAt="2026-03-01T12:00:00")), "Expected `datetime` with a timezone"),
            (message(alert(status="suspicious")), "Invalid enum value"),
            (message(alert(labels={"alertname": 3})), "Expected `str`"),
        ],
    )
    async def test_what_is_no_message(self, body: bytes, words: str) -> None:
        hut = Hut()
        async with hut.open() as listens:
            answer = await hut.post(body)
            await self.refused(hut, answer, 400)
            assert words in answer.text
            assert listens.now.last_refused

    async def test_whoever_is_slow_is_cut_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In the middle of the headers, of the body, and before a word; and the next one is heard."""
        monkeypatch.setattr(listener, "CONNECTION_S", 1.0)
        monkeypatch.setattr(endpoint, "BODY_S", 0.3)
        hut = Hut()
        async with hut.open():
            silent, half, slow = await asyncio.gather(
                hut.raw(b""), hut.raw(HEAD[:40]), hut.raw(HEAD + b"content-length: 50\r\n\r\n{")
            )
            assert (silent, half) == (b"", b"")
            assert slow.startswith(b"HTTP/1.1 408 ")
            assert (await hut.post(message(alert()))).status_code == 200

    async def test_whoever_holds_connections_open_keeps_nobody_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With one more than there may be the oldest is cut; the others stay."""
        monkeypatch.setattr(listener, "AT_ONCE", 3)
        hut = Hut()
        async with hut.open():
            idle = [await asyncio.open_connection(LOOPBACK, hut.port) for _ in range(3)]
            assert (await hut.post(message(alert()))).status_code == 200
            async with asyncio.timeout(LIMIT_S):
                with suppress(ConnectionError):
                    assert await idle[0][0].read() == b""
            idle[2][1].write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert (await idle[2][0].read()).startswith(b"HTTP/1.1 404 ")
            for _, writer in idle:
                writer.close()

    async def test_headers_without_end(self) -> None:
        hut = Hut()
        async with hut.open():
            answer = await hut.raw(HEAD + b"x: " + b"y" * (2 * listener.HEAD_BYTES))
            assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
            assert (await hut.post(message(alert()))).status_code == 200

    async def test_each_connection_carries_one_message(self) -> None:
        """A second one behind the first, on the same connection, is not even read."""
        hut, body = Hut(), message(alert("One"))
        once = HEAD + b"content-length: %d\r\n\r\n" % len(body) + body
        async with hut.open():
            answer = await hut.raw(once + once.replace(b'"One"', b'"Two"'))
            assert answer.count(b"HTTP/1.1 ") == 1
            assert b"connection: close" in answer.lower()
        assert len(hut.bodies()) == 1


class TestSigned:
    async def test_a_signed_message_is_taken_once(self) -> None:
        hut, body = Hut(proof="hmac"), message(alert())
        async with hut.open() as listens:
            headers = signed(body)
            assert (await hut.post(body, **headers)).status_code == 200
            assert (await hut.post(body, **headers)).status_code == 401
            assert listens.now.last_refused == "the same message again"
            now = hut.clock.now().utc_us // 1_000_000
            assert (await hut.post(body, **signed(body, at=now - 2))).status_code == 200

    @pytest.mark.parametrize("off", [-301, 302, -86_400])
    async def test_a_time_outside_of_the_window(self, off: int) -> None:
        hut, body = Hut(proof="hmac", window="5m"), message(alert())
        async with hut.open():
            at = hut.clock.now().utc_us // 1_000_000 + off
            assert (await hut.post(body, **signed(body, at=at))).status_code == 401
        assert hut.bodies() == []

    @pytest.mark.parametrize(
        "changes",
        [
            {"x_warroom_signature": "sha256="},
            {"x_warroom_signature": "sha256=zz"},
            {"x_warroom_signature": "sha256=" + "0" * 64},
            {"x_warroom_signature": "md5=" + "0" * 32},
            {"x_warroom_timestamp": "now"},
            {"x_warroom_timestamp": "-1"},
            {"x_warroom_timestamp": "9" * 40},
        ],
    )
    async def test_signatures_that_are_none(self, changes: dict[str, str]) -> None:
        hut, body = Hut(proof="hmac"), message(alert())
        async with hut.open():
            assert (await hut.post(body, **{**signed(body), **changes})).status_code == 401
        assert hut.bodies() == []

    async def test_another_secret_another_body_and_the_secret_itself(self) -> None:
        """Where a signature is asked for, the secret as a token opens nothing."""
        hut, body = Hut(proof="hmac"), message(alert())
        async with hut.open():
            assert (await hut.post(body, **signed(body, secret="x" * 20))).status_code == 401
            assert (await hut.post(body + b" ", **signed(body))).status_code == 401
            assert (await hut.post(body)).status_code == 401
        assert hut.bodies() == []


class TestHowItStands:
    async def test_a_port_in_use_is_told_and_tried_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(listener, "AGAIN_S", 0.05)
        with socket.socket() as other:
            other.bind((LOOPBACK, 0))
            other.listen()
            hut = Hut(other.getsockname()[1])
            async with hut.open(listens=False) as listens:
                assert "in use" in listens.trouble["webhook"]
                await until(lambda: any(live.webhook and live.webhook.why_not for live in hut.board))
                other.close()
                await until(lambda: not listens.trouble)
                assert (await hut.post(message(alert()))).status_code == 200

    @pytest.mark.parametrize(
        ("environ", "words"),
        [
            ({}, "env:HOOK: the variable is not set"),
            ({"HOOK": "short"}, "at least 16 printable ASCII characters"),
        ],
    )
    async def test_without_a_secret_it_does_not_listen_and_says_so(
        self, environ: dict[str, str], words: str
    ) -> None:
        hut = Hut()
        hut.secrets = Secrets(environ)
        async with hut.open(listens=False) as listens:
            assert words in listens.trouble["webhook"]
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(LOOPBACK, hut.port)

    async def test_the_secret_is_in_nothing_that_is_shown(self) -> None:
        hut = Hut()
        async with hut.open() as listens:
            await hut.post(json.dumps({"version": SECRET, "alerts": []}).encode())
            assert "version" in listens.now.last_refused
            assert SECRET not in listens.now.last_refused
