"""Keys that are revoked, shared, moved, or more than one; and rosters that say something else than before."""

import subprocess
from pathlib import Path

import pytest

from console.config.mistakes import ConfigError
from console.config.roster import LoadedRoster
from console.core import events as ev
from console.core.roster import Roster
from console.drill.keyring import Keyring
from tests.integration.authority.gatehouse import SIX, Gatehouse, without

FIVE = without(SIX, "sec-1")
REVOKED = "the signature of sec-1 does not hold"
NO_FILE = "cannot be read, and without it no signature counts"
SWAPPED = "the roster is not the one that was pinned when the incident was declared"


@pytest.mark.parametrize("form", ["public keys", "KRL"])
async def test_a_key_that_was_revoked_before(house: Gatehouse, form: str) -> None:
    house.revoke("stranger", "sec-1")
    if form == "KRL":
        keys = str(house.keys.private("sec-1").with_suffix(".pub"))
        subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(house.revoked), keys], check=True)
    async with house.at_gate():
        await house.sign(*FIVE)
        await house.foils(house.signed("sec-1"), REVOKED)
        house.revoke("stranger")
        await house.sign("sec-1")
        await house.opens()


async def test_a_key_that_is_revoked_between_its_signature_and_the_switch(house: Gatehouse) -> None:
    """It was counted, and does not count any more."""
    async with house.at_gate():
        await house.sign("sec-1", *without(FIVE, "pm-1"))
        house.revoke("sec-1")
        await house.sign("pm-1")
        await house.stays_closed(REVOKED)
        assert {yes.person for yes in house.incident.approvals} == set(FIVE)
        house.revoke()
        await house.sign("sec-1")
        await house.opens()


async def test_another_key_that_is_revoked_closes_nothing(house: Gatehouse) -> None:
    """All are looked at again, and hold."""
    async with house.at_gate():
        await house.sign(*FIVE)
        house.revoke("stranger", "lead-1")
        await house.sign("sec-1")
        await house.opens()
        assert house.reasons() == []


@pytest.mark.parametrize("spoil", ["missing", "a folder", "unnamed"])
async def test_without_a_revocation_file_nothing_counts(house: Gatehouse, spoil: str) -> None:
    """However many keys nobody has revoked."""
    why = NO_FILE
    if spoil == "unnamed":
        path = house.folder / "roster.yaml"
        path.write_text(path.read_text().replace("revoked: revoked_keys\n", ""))
        house.roster = house.reload()
        why = "the roster names no `revoked` file"
    else:
        house.revoked.unlink()
    if spoil == "a folder":
        house.revoked.mkdir()
    async with house.at_gate():
        for person in SIX:
            await house.foils(house.signed(person), why)


async def test_a_revocation_file_that_ssh_keygen_cannot_read_counts_as_none(house: Gatehouse) -> None:
    house.revoked.write_text("this is no key\n")
    async with house.at_gate():
        await house.foils(house.signed("sec-1"), REVOKED)


async def test_a_revocation_file_that_is_removed_later(house: Gatehouse) -> None:
    """Also what was verified against it does not count then."""
    async with house.at_gate():
        await house.sign(*without(SIX, "pm-1"))
        house.revoked.unlink()
        await house.foils(house.signed("pm-1"), NO_FILE)
        house.revoked.touch()
        await house.sign("pm-1")
        await house.opens()


async def test_a_revocation_file_that_is_removed_before_the_switch(house: Gatehouse) -> None:
    """Six have signed; the step before the gate takes a while, and then the file is gone."""
    async with house.at_gate():
        await house.sign(*FIVE)
        house.programs.go_on.clear()
        request = house.put_signed("sec-1")
        await house.programs.under_way(1)
        house.revoked.unlink()
        house.programs.go_on.set()
        assert isinstance(await house.answer(request), ev.GateSigned)
        await house.stays_closed(NO_FILE)
        assert house.incident.approvals == ()


async def test_a_key_that_was_moved_to_somebody_else(tmp_path: Path, keys: Keyring) -> None:
    """In the roster that counts, the security lead's key is the product manager's."""
    house = Gatehouse(tmp_path, keys, {"sec-1": ["sec-1-b"], "pm-1": ["sec-1"]})
    async with house.at_gate():
        await house.sign(*without(SIX, "sec-1", "pm-1"))
        await house.foils(house.signed("sec-1"), "which the roster does not have for sec-1")
        await house.foils(house.signed("pm-1"), "which the roster does not have for pm-1")
        await house.hand_in(house.signed("sec-1", key="sec-1-b"))
        await house.hand_in(house.signed("pm-1", key="sec-1"))
        await house.opens()


async def test_a_roster_that_is_swapped_after_the_incident_was_declared(house: Gatehouse) -> None:
    """A new engine reads it: nothing that was signed counts, and nothing that is signed now."""
    async with house.at_gate():
        await house.sign(*FIVE)
        kept = house.signed("sec-1")
    swapped = house.make_roster({"sec-1": ["stranger"]}, "swapped.yaml")
    async with house.engine(swapped):
        await house.foils(kept, "which the roster does not have for sec-1")
        await house.foils(house.signed("sec-1", key="stranger"), SWAPPED)
        told = house.statement("sec-1", roster=swapped.sha256).text
        await house.foils(house.sealed(told, "stranger"), SWAPPED)
        assert house.incident.roster == house.roster.sha256
    async with house.engine():
        await house.hand_in(kept)
        await house.opens()


async def test_six_who_signed_under_another_roster(house: Gatehouse) -> None:
    """The last one signed while the old engine ended: the new one withdraws them all."""
    async with house.at_gate():
        await house.sign(*FIVE)
        sixth = house.made("sec-1")
    house.forge(sixth)
    async with house.engine(house.make_roster({"sec-1": ["stranger"]}, "swapped.yaml")):
        await house.stays_closed(SWAPPED)
        assert house.incident.approvals == ()


@pytest.mark.parametrize("handle", ["*", "sec-?", "!sec-1", "eng-1,sec-1", "eng 1", "Sec-1", ""])
def test_a_roster_with_patterns_for_handles_is_refused(house: Gatehouse, handle: str) -> None:
    """In an allowed-signers file they would match more than one person."""
    path = house.folder / "roster.yaml"
    path.write_text(path.read_text().replace("handle: sec-1", f'handle: "{handle}"'))
    with pytest.raises(ConfigError, match="expected a name in lower case"):
        house.reload()


def test_a_roster_in_which_two_people_have_one_key_is_refused(house: Gatehouse) -> None:
    with pytest.raises(ConfigError, match="this key is eng-1's too: everybody signs with a key of their own"):
        house.make_roster({"sec-1": ["eng-1"]})


async def test_two_people_with_one_key_count_for_one(house: Gatehouse) -> None:
    """Even if such a roster came past the check."""
    document = house.roster.roster.model_dump(by_alias=True)
    of = {person["handle"]: person for person in document["people"]}
    of["pm-1"]["keys"] = of["sec-1"]["keys"]
    loaded = house.roster
    house.roster = LoadedRoster(Roster.model_validate(document), loaded.path, loaded.raw, loaded.sha256)
    async with house.at_gate():
        await house.sign(*without(SIX, "pm-1"))
        await house.foils(house.signed("pm-1", key="sec-1"), "sec-1 has signed with that key already")


async def test_one_person_with_two_keys_counts_once(tmp_path: Path, keys: Keyring) -> None:
    house = Gatehouse(tmp_path, keys, {"sec-1": ["sec-1", "sec-1-b"]})
    async with house.at_gate():
        await house.sign(*without(SIX, "pm-1"))
        await house.foils(house.signed("sec-1", key="sec-1-b"), "sec-1 has said yes to this plan already")
        await house.sign("pm-1")
        await house.opens()


async def test_somebody_without_a_key_cannot_sign(tmp_path: Path, keys: Keyring) -> None:
    house = Gatehouse(tmp_path, keys, {"sec-1": []})
    async with house.at_gate():
        await house.sign(*FIVE)
        await house.foils(house.signed("sec-1"), "the roster has no key of sec-1")
