"""The dialog of signatures: who has said what, and a place for what was signed somewhere else."""

from typing import Any

import pytest
from textual.events import Paste

from console.core import events as ev
from console.core.plan import Need
from console.core.requests import Approve, Page, Seen
from console.core.roster import Roster
from screens.sign import SignDialog
from tests.ui import place
from tests.ui.fake_room import FakeRoom
from tests.ui.seat import Seat, seat
from tests.ui.test_pictures import at_the_gate, contains, suspected

SIZES = pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
TEXT = "warroom approval 1\nenvironment: production\nperson: sec-1\n"
SIGNATURE = "-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQ==\n-----END SSH SIGNATURE-----\n"
NEEDS = (Need("engineer", 2), Need("security-lead", 1), Need("product-manager", 1))


def waiting() -> FakeRoom:
    """A production whose plan is prepared; two of the four have signed, and one of them long ago."""
    room = suspected(risk="critical")
    room.name = "production"
    room.wait(14)
    room.declare()
    room.freeze(proof="signature", needs=NEEDS)
    room.prepare()
    sign(room, "eng-2", "engineer", minutes=2)
    room.wait(150)
    sign(room, "sec-1", "security-lead", "executive")
    return room


def sign(room: FakeRoom, person: str, *roles: str, minutes: int = 30, because: str = "") -> None:
    """That person's signature was verified, and counts for so long."""
    expires = room.now.utc_us + minutes * 60_000_000
    key = f"SHA256:{person.replace('-', '') * 9}"
    row = ev.GateSigned(room.plan_hash, person, roles, key, because, expires, TEXT, SIGNATURE)
    room.say(row)


async def paste(here: Seat, words: str) -> None:
    """Paste words as a terminal does, go on to the button, and press it."""
    here.app.post_message(Paste(words))
    await here.pilot.pause()
    await here.press("tab", "enter")


@SIZES
async def test_the_rows_tell_who_signed_who_ran_out_and_who_is_missing(width: int, height: int) -> None:
    """Each with its key, and for how long it counts."""
    async with seat(waiting(), width, height) as here:
        screen = await here.press("A")
        contains(
            screen,
            "Signatures · production · INC-7QK2",
            "✓ sec-1, security-lead, executive: key SHA256:sec1sec1se",
            "counts for 30",
            "! eng-2: expired, sign again",
            "… engineer: nobody yet",
            "… product-manager: nobody yet",
            "warroom sign --as HANDLE --env production --approve",
        )
        assert screen.count("… engineer: nobody yet") == 2


@SIZES
async def test_what_does_not_stand_any_more_is_told_with_its_reason(width: int, height: int) -> None:
    """The engine has said that it ran out; the row says so until they have signed again."""
    room = waiting()
    room.say(ev.GateWithdrawn("eng-2", "it has expired: sign again"))
    async with seat(room, width, height) as here:
        contains(await here.press("A"), "! eng-2: it has expired: sign again", "… engineer: nobody yet")
        sign(room, "eng-2", "engineer")
        screen = await here.look()
        contains(screen, "✓ eng-2, engineer")
        assert "! eng-2" not in screen


async def test_a_no_is_told_with_its_reason() -> None:
    """Whatever stands in it is text."""
    room = waiting()
    sign(room, "pm-1", "product-manager", because="[red]the audit[/] \x1b[2J has not passed")
    async with seat(room, 120, 40) as here:
        screen = await here.press("A")
        contains(screen, "✗ pm-1 said no at ", "[red]the audit[/]", "has not passed")


@SIZES
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["as it was", "CRLF", "as tmux pastes"])
async def test_what_is_pasted_is_handed_in_as_it_was_signed(width: int, height: int, end: str) -> None:
    """Text and signature apart, with the line ends that were signed; and the dialog is closed."""
    room = waiting()
    async with seat(room, width, height) as here:
        await here.press("A")
        await paste(here, f"\n{TEXT}{SIGNATURE}\n".replace("\n", end))
        await here.look()
        assert room.asked == [Approve(TEXT, SIGNATURE)]
        assert not isinstance(here.app.screen, SignDialog)


@SIZES
@pytest.mark.parametrize("words", ["", "yes, do it", TEXT, "[/]\x1b[2J\nx\ny"])
async def test_what_is_no_signature_complains_in_one_line(width: int, height: int, words: str) -> None:
    """Nothing is asked, what was pasted stays, and the dialog too."""
    room = waiting()
    async with seat(room, width, height) as here:
        before = await here.press("A")
        await paste(here, words)
        screen = await here.look()
        contains(screen, "there is no signature in it: it ends with -----BEGIN SSH SIGN")
        assert len(screen.splitlines()) == len(before.splitlines())
        assert room.asked == []
        assert isinstance(here.app.screen, SignDialog)


async def test_what_is_pasted_after_a_complaint_takes_its_place() -> None:
    room = waiting()
    async with seat(room) as here:
        await here.press("A")
        await paste(here, "oops")
        assert here.app.focused is not None
        assert here.app.focused.id == "paste", "the field has the focus again"
        await paste(here, TEXT + SIGNATURE)
        assert room.asked == [Approve(TEXT, SIGNATURE)]


async def test_who_signs_meanwhile_is_seen_and_what_was_typed_stays() -> None:
    room = waiting()
    async with seat(room, 120, 40) as here:
        await here.press("A")
        await here.press("w", "a", "r")
        sign(room, "pm-1", "product-manager")
        screen = await here.look()
        contains(screen, "✓ pm-1, product-manager", "war")
        assert "product-manager: nobody yet" not in screen


async def test_escape_hands_in_nothing() -> None:
    room = waiting()
    async with seat(room) as here:
        await here.press("A")
        await here.press("x", "escape")
        assert room.asked == []
        assert not isinstance(here.app.screen, SignDialog)


async def test_where_a_typed_name_is_asked_for_it_says_so() -> None:
    """And where signatures are, the typed name does."""
    async with seat(at_the_gate()) as here:
        assert "not for signatures: g" in await here.press("A")
    room = FakeRoom(place.environment())
    async with seat(room) as here:
        await here.press("A")
        assert not isinstance(here.app.screen, SignDialog)
    async with seat(waiting()) as here:
        assert "not for a typed name: A" in await here.press("g")


# -- who was asked ------------------------------------------------------------------------------------

PEOPLE: tuple[dict[str, Any], ...] = (
    {"handle": "eng-1", "roles": ["engineer"]},
    {"handle": "eng-2", "roles": ["engineer"]},
    {"handle": "sec-1", "roles": ["security-lead"]},
    {"handle": "pm-1", "roles": ["product-manager"]},
    {"handle": "pm-2", "roles": [], "deputy_for": ["product-manager"]},
    {"handle": "oncall-1", "roles": ["on-call-engineer"]},
)
ROSTER = Roster.model_validate({"schema": "warroom.roster/1", "people": list(PEOPLE)})


def asked(*, actor: str = "eng-1") -> FakeRoom:
    """A production that pages: each of those who are waited for is in another state."""
    rule = {
        "approvers": [{"role": need.role, "count": need.count} for need in NEEDS],
        "proof": "signature",
        "within": "30m",
        "initiator_may_approve": "always",
        "paging": {"limit": "5s", "again": "2m", "deputy_after": "5m"},
        "escalation": {"roles": ["on-call-engineer"], "every": "5m"},
    }
    room = suspected(risk="critical", authorisation=rule)
    room.name, room.actor = "production", actor
    room.wait(14)
    room.declare()
    room.freeze(proof="signature", needs=NEEDS)
    for person, role in (("eng-1", "engineer"), ("eng-2", "engineer"), ("pm-1", "product-manager")):
        room.say(ev.GateAsked(room.plan_hash, person, (role,), "role"))
    room.say(ev.GatePaged("eng-2", delivered=False, words="no such host"))
    room.prepare()
    room.wait(60)
    room.say(ev.GateSeen(room.plan_hash), actor="eng-1")
    room.wait(64)
    for person, roles, why in (("pm-1", "product-manager", "again"), ("pm-2", "product-manager", "deputy")):
        room.say(ev.GateAsked(room.plan_hash, person, (roles,), why))  # type: ignore[arg-type]
    return room


@SIZES
async def test_each_who_was_asked_has_a_line_that_says_where_they_are(width: int, height: int) -> None:
    """Also the role for which nobody was asked, and when the path is told."""
    async with seat(asked(), width, height, roster=ROSTER) as here:
        contains(
            await here.press("A"),
            "… eng-1, engineer: seen 14:11:37, reading 01:04",
            "! eng-2, engineer: page failed: no such host; asked 14:10:31",
            "… pm-1, product-manager: asked 14:10:31 x2, silent 02:10",
            "… pm-2, deputy for product-manager: asked 14:12:41, silent 00:00",
            "… security-lead: nobody yet",
            "· the escalation path is told in 27:50",
        )


async def test_the_level_that_was_told_stands_there_with_its_time() -> None:
    room = asked()
    room.wait(1800)
    missing = ("engineer", "security-lead", "product-manager")
    room.say(ev.GateEscalated(room.plan_hash, 1, "on-call-engineer", ("oncall-1",), missing))
    room.say(ev.GateAsked(room.plan_hash, "oncall-1", ("on-call-engineer",), "escalation"))
    async with seat(room, 120, 40, roster=ROSTER) as here:
        screen = await here.press("A")
        contains(
            screen,
            "! level 1, on-call-engineer (oncall-1), told at 14:42:41",
            "… oncall-1, on-call-engineer: told 14:42:41, silent 00:00",
        )
        assert "level 1 told" in await here.press("escape")


async def test_the_gate_says_whom_it_waits_for_and_when_it_escalates() -> None:
    async with seat(asked(), 120, 40, roster=ROSTER) as here:
        contains(
            await here.look(),
            "GATE (A)",
            "0 of 4, escalates 27:50",
            "… 2 engineer: eng-1, eng-2",
            "reads",
            "… product-manager: pm-1, pm-2",
            "x2 02:10",
            "… security-lead",
        )


@pytest.mark.parametrize(("actor", "looks"), [("pm-1", 1), ("eng-1", 0), ("sec-1", 0)])
async def test_who_was_asked_and_opens_the_text_has_seen_it(actor: str, looks: int) -> None:
    """Once: not who has seen it already, nor whom nobody has asked."""
    room = asked(actor=actor)
    async with seat(room, roster=ROSTER) as here:
        await here.press("A")
        assert room.asked == [Seen(room.plan_hash)] * looks


async def test_p_pages_whom_next_names() -> None:
    """A deputy who was asked already is not named; whoever is silent for longest is asked."""
    room = asked(actor="oncall-1")
    async with seat(room, roster=ROSTER) as here:
        assert "NEXT" in await here.press("p")
        assert room.asked == [Page("eng-2")]
        room.wait(121)
        room.pending.clear()
        contains(await here.look(), "page eng-2 again")


async def test_p_says_why_nobody_is_paged() -> None:
    room = asked(actor="oncall-1")
    for person in ("eng-1", "eng-2"):
        room.say(ev.GateAsked(room.plan_hash, person, ("engineer",), "again"))
    async with seat(room, roster=ROSTER) as here:
        assert "everybody was asked just now" in await here.press("p")
    async with seat(room) as here:
        assert "the roster cannot be read here" in await here.press("p")
    assert room.asked == []
    async with seat(at_the_gate()) as here:
        assert "the strategy names no `paging` of this environment" in await here.press("p")
