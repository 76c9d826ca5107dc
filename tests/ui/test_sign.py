"""The dialog of signatures: who has said what, and a place for what was signed somewhere else."""

import pytest
from textual.events import Paste

from console.core import events as ev
from console.core.plan import Need
from console.core.requests import Approve
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
