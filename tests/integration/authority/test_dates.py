"""A signature counts only on the days on which its signer and their key do, to the day's last moment."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from console.authority.office import Office
from console.authority.ssh import STANDING, SignatureError, sign
from console.core.asking import asked
from console.core.protocols import Head
from console.core.roster import Roster
from console.core.state import Signed
from console.core.statement import Statement
from console.drill.keyring import Keyring
from console.targets.process import Programs
from tests.unit.core.kit import Story, at


def utc(text: str) -> int:
    """A moment, UTC microseconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1e6)


DAY = utc("2025-10-09T09:00:00")
LAST = utc("2025-10-09T23:59:59")
NEXT = utc("2025-10-10T00:00:00")


class House:
    """sec-1, an office, and a statement of theirs."""

    def __init__(self, folder: Path, keys: Keyring) -> None:
        self.keys = keys
        self.folder = folder
        self.programs = Programs({"PATH": os.environ["PATH"]}, tag=folder)
        (folder / "revoked").touch()
        story = Story()
        story.declare()
        story.freeze(proof="signature")
        plan = story.incident.plan
        assert plan is not None
        self.statement: Statement = asked(
            story.incident,
            plan,
            "sec-1",
            ("security-lead",),
            head=Head(3, bytes(32)),
            now=at(3),
            within_s=0.0,
        )

    def office(self, *, key: dict[str, str] | None = None, **person: str) -> Office:
        """An office whose roster has sec-1 and their key with those dates."""
        held: Any = {"key": self.keys.public("sec-1"), **(key or {})}
        people = [{"handle": "sec-1", "roles": ["security-lead"], "keys": [held], **person}]
        roster = {"schema": "warroom.roster/1", "people": people, "revoked": "revoked"}
        return Office(self.programs, Roster.model_validate(roster), "6" * 64, self.folder)

    async def signature(self) -> str:
        return await sign(self.programs, self.statement.text, self.keys.private("sec-1"))

    async def refused(self, office: Office, moment: int) -> str:
        with pytest.raises(SignatureError) as caught:
            await office.key_of("sec-1", self.statement.text, await self.signature(), moment)
        return str(caught.value)


@pytest.fixture
def dated(tmp_path: Path, keys: Keyring) -> House:
    return House(tmp_path, keys)


async def test_of_somebody_who_does_not_count_any_more(dated: House) -> None:
    office = dated.office(valid_until="2025-10-09")
    assert await office.key_of("sec-1", dated.statement.text, await dated.signature(), LAST)
    said = await dated.refused(office, NEXT)
    assert said == "sec-1 counted only until 2025-10-09, says the roster"


async def test_of_somebody_who_does_not_count_yet(dated: House) -> None:
    said = await dated.refused(dated.office(valid_from="2025-10-10"), DAY)
    assert said == "sec-1 counts only from 2025-10-10 on, says the roster"


async def test_with_a_key_that_does_not_count_any_more(dated: House) -> None:
    """Its owner still does, with another one."""
    office = dated.office(key={"valid_until": "2025-10-08"})
    said = await dated.refused(office, DAY)
    assert said.endswith("of sec-1 counted only until 2025-10-08, says the roster")
    assert said.startswith("key SHA256:")


@pytest.mark.parametrize("of", ["person", "key"])
async def test_what_held_yesterday_is_looked_at_again_today(dated: House, of: str) -> None:
    """Between a signature and the gate, midnight may pass."""
    dates = {"valid_until": "2025-10-09"}
    office = dated.office(**dates) if of == "person" else dated.office(key=dates)
    signature = await dated.signature()
    key = await office.key_of("sec-1", dated.statement.text, signature, DAY)
    signed = Signed(key.fingerprint, 0, dated.statement.text, signature)
    assert office.holds(signed, LAST)
    assert not office.holds(signed, NEXT)


async def test_what_holds_for_one_purpose_does_not_hold_for_the_other(dated: House) -> None:
    """Also of the same words: what was verified is remembered with what it was made for."""
    office = dated.office()
    text = dated.statement.text
    signature = await sign(dated.programs, text, dated.keys.private("sec-1"), STANDING)
    key = await office.key_of("sec-1", text, signature, DAY, STANDING)
    signed = Signed(key.fingerprint, 0, text, signature)
    assert office.holds(signed, DAY, STANDING)
    assert not office.holds(signed, DAY)
