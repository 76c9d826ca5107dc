"""Standing authorisations against adversaries: what none of the right people signed never comes into force.

Real journal and ssh-keygen, time moved by hand; every attack leaves a refusal or an event that says why.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from console.authority.ssh import NAMESPACE, STANDING
from console.config.roster import LoadedRoster
from console.core import events as ev
from console.core import requests as rq
from console.core.events import Body
from console.core.keys import public_key
from console.core.roster import Roster
from console.core.standing_authorisation import StandingAuthorisation, Terms, make, not_in_force, parse
from console.core.state import Standing
from console.core.statement import split
from console.drill.keyring import Keyring
from tests.integration.authority.gatehouse import COMMANDER, NAME, SIX, Gatehouse, without

DAY_S = 86_400.0
FIVE = without(SIX, "sec-1")


class Registry:
    """A gatehouse without an incident, and one standing authorisation that is to be signed."""

    def __init__(self, house: Gatehouse) -> None:
        self.house = house

    @property
    def terms(self) -> Terms:
        """By the files that the engine has loaded."""
        house = self.house
        return Terms(NAME, house.environment, house.strategy_sha256, house.roster.sha256)

    def made(self, **how: Any) -> StandingAuthorisation:
        """What is to be signed from now on."""
        return make(self.terms, self.house.clock.now(), **how)

    def ask(
        self, person: str, text: str, *, key: str | None = None, namespace: str = STANDING
    ) -> rq.SignStanding:
        """What that person hands in, signed with plain ssh-keygen."""
        return rq.SignStanding(person, text, self.house.signature(text, key or person, namespace))

    async def sign(self, text: str, *people: str) -> str:
        """They sign it, and it is taken; its id."""
        for person in people:
            body = await self.house.ask(self.ask(person, text))
            assert isinstance(body, ev.StandingSigned), body
        return parse(text).id

    def row(self, person: str, text: str, **how: Any) -> ev.StandingSigned:
        """The row that an engine would write; it is written nowhere."""
        ask = self.ask(person, text, **how)
        key = public_key(self.house.keys.public(how.get("key", person))).fingerprint
        roles = self.house.roster.roster.roles_of(person)
        return ev.StandingSigned(parse(text).id, person, roles, key, text, ask.signature)

    async def refused(self, ask: rq.SignStanding | rq.RevokeStanding, why: str, actor: str = "") -> None:
        """It is refused for that reason, on one line, and nothing is in force."""
        body = await self.house.ask(ask, actor or COMMANDER)
        assert isinstance(body, ev.RequestRefused), body
        assert why in body.reason
        assert "\n" not in body.reason
        assert not self.in_force()

    def known(self) -> dict[str, Standing]:
        """What the journal knows."""
        return self.house.said.state.standing

    def in_force(self) -> list[str]:
        """Ids of those that count now."""
        now = self.house.clock.now()
        return [name for name, one in self.known().items() if not not_in_force(one, self.terms, now)]

    def ended(self) -> list[tuple[str, str]]:
        """How the journal says that something ended: `disarmed` or `expired`, and why."""
        bodies = (event.body for event in self.house.events())
        return [(body.why, body.reason) for body in bodies if isinstance(body, ev.StandingEnded)]

    async def disarmed(self, why: str) -> None:
        """The engine has found out, and says why; nothing is in force."""
        await self.house.quiet()
        assert not self.in_force()
        assert [how for how, _ in self.ended()] == ["disarmed"]
        assert why in self.ended()[-1][1]


@pytest.fixture
def registry(house: Gatehouse) -> Registry:
    return Registry(house)


@asynccontextmanager
async def signed(registry: Registry, *people: str) -> AsyncIterator[str]:
    """An engine, and a text that those people have signed."""
    async with registry.house.engine():
        text = registry.made().text
        await registry.sign(text, *(people or SIX))
        yield text


# -- as it should be -----------------------------------------------------------------------------------


async def test_six_people_with_six_keys_bring_it_into_force(registry: Registry) -> None:
    """The commander of some incident among them: nobody asks for an automatic rollback."""
    async with signed(registry, *FIVE) as text:
        assert COMMANDER in FIVE
        assert not registry.in_force()
        (waiting,) = registry.known().values()
        why = not_in_force(waiting, registry.terms, registry.house.clock.now())
        assert why == "short of 1 security-lead"
        made = await registry.sign(text, "sec-1")
        assert registry.in_force() == [made]
        await registry.house.quiet()
        assert registry.ended() == []


async def test_it_outlives_the_engine_and_is_verified_by_the_next(registry: Registry) -> None:
    async with signed(registry):
        (made,) = registry.in_force()
    before = registry.house.programs.ran
    async with registry.house.engine():
        await registry.house.quiet()
        assert registry.in_force() == [made]
        assert registry.house.programs.ran == before + len(SIX), "each signature once"


async def test_it_expires_and_the_journal_says_so_once(registry: Registry) -> None:
    async with signed(registry):
        registry.house.clock.pass_by(30 * DAY_S - 1)
        await registry.house.quiet()
        assert registry.in_force()
        registry.house.clock.pass_by(1)
        await registry.house.quiet()
        assert not registry.in_force()
        assert [how for how, _ in registry.ended()] == ["expired"]


async def test_one_that_still_waits_expires_too(registry: Registry) -> None:
    """Nobody can complete it after its time."""
    async with signed(registry, *FIVE) as text:
        registry.house.clock.pass_by(30 * DAY_S)
        await registry.house.quiet()
        assert [how for how, _ in registry.ended()] == ["expired"]
        await registry.refused(registry.ask("sec-1", text), "it has expired")


async def test_a_wall_clock_that_stands_still_buys_no_time(registry: Registry) -> None:
    async with signed(registry):
        registry.house.clock.boot_s += 30 * DAY_S
        await registry.house.quiet()
        assert not registry.in_force()
        assert [how for how, _ in registry.ended()] == ["expired"]


async def test_a_wall_clock_that_is_behind_after_a_reboot_ends_nothing(registry: Registry) -> None:
    """It does not count before its time, and does again when the clock has been put right."""
    async with signed(registry):
        pass
    clock = registry.house.clock
    clock.boot, clock.wall_s = "another boot", -DAY_S
    async with registry.house.engine():
        await registry.house.quiet()
        assert not registry.in_force()
        assert registry.ended() == []
        clock.wall_s = DAY_S
        assert registry.in_force()


# -- texts and signatures ------------------------------------------------------------------------------

EDITED: dict[str, tuple[Callable[[StandingAuthorisation], StandingAuthorisation], str]] = {
    "another environment": (
        lambda made: replace(made, environment="testnet"),
        "it is about testnet, and this is production",
    ),
    "another strategy": (
        lambda made: replace(made, strategy="ab" * 32),
        "the strategy was edited: it was signed for abababab, and this is 55555555",
    ),
    "another roster": (
        lambda made: replace(made, roster="cd" * 32),
        "the roster was edited: it was signed for cdcdcdcd, and this is ",
    ),
    "a lower threshold": (
        lambda made: replace(made, triggers=tuple(one.replace("> 10%", "> 1%") for one in made.triggers)),
        "its triggers are not the rules of the strategy",
    ),
    "another metric": (
        lambda made: replace(made, triggers=("response_time_p99: response_time_p99 > 2s",)),
        "its triggers are not the rules of the strategy",
    ),
    "no trigger": (
        lambda made: replace(made, triggers=()),
        "its triggers are not the rules of the strategy",
    ),
    "a longer life": (
        lambda made: replace(made, expires=made.expires + 1_000_000),
        "it would count for longer than this environment allows",
    ),
    "a time to come": (
        lambda made: replace(made, issued=made.issued + 60_000_000, expires=made.expires + 60_000_000),
        "it was issued at a time that has not come yet",
    ),
}


@pytest.mark.parametrize("how", EDITED)
async def test_a_text_that_is_not_about_what_is_loaded(registry: Registry, how: str) -> None:
    """However well it is signed."""
    edit, why = EDITED[how]
    async with registry.house.engine():
        text = edit(registry.made()).text
        for person in SIX:
            await registry.refused(registry.ask(person, text), why)
        assert registry.known() == {}


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("code only: data is kept", "code and data", "not as Warroom writes it"),
        ("newest good release", "newest release", "not as Warroom writes it"),
        ("trigger: error", "Trigger: error", "not as Warroom writes it"),
        ("warroom standing 1", "warroom approval 1", "begins with `warroom standing 1`"),
        ("environment: ", "environment:", "is not `name: value`"),
    ],
)
async def test_a_text_with_other_words_is_none(registry: Registry, old: str, new: str, why: str) -> None:
    async with registry.house.engine():
        text = registry.made().text.replace(old, new, 1)
        assert text != registry.made().text
        await registry.refused(registry.ask("sec-1", text), why)


async def test_a_text_edited_after_it_was_signed(registry: Registry) -> None:
    """Six signed for one metric; somebody puts all of them in."""
    async with registry.house.engine():
        small, all_ = registry.made(metrics=("error_rate",)).text, registry.made().text
        assert small != all_
        for person in SIX:
            ask = rq.SignStanding(person, all_, registry.ask(person, small).signature)
            await registry.refused(ask, f"the signature of {person} does not hold")


@pytest.mark.parametrize("namespace", [NAMESPACE, "git", "file"])
async def test_a_signature_made_for_something_else(registry: Registry, namespace: str) -> None:
    async with registry.house.engine():
        text = registry.made().text
        for person in SIX:
            ask = registry.ask(person, text, namespace=namespace)
            await registry.refused(ask, f"the signature of {person} does not hold")


async def test_a_yes_at_the_gate_is_not_signed_as_a_standing_authorisation(registry: Registry) -> None:
    """The other way round: the right statement, by the right person, for the other purpose."""
    house = registry.house
    async with house.at_gate():
        await house.sign(*FIVE)
        text = house.statement("sec-1").text
        signature = house.signature(text, "sec-1", STANDING)
        await house.foils(f"{text}{signature}", "the signature of sec-1 does not hold")
        pretended = await house.ask(rq.SignStanding("sec-1", text, signature))
        assert isinstance(pretended, ev.RequestRefused)
        await house.foils(f"{text}{signature}", "the signature of sec-1 does not hold")


async def test_a_row_at_the_gate_with_a_signature_for_a_standing_authorisation(registry: Registry) -> None:
    house = registry.house
    async with house.at_gate():
        await house.sign(*FIVE)
        right = house.made("sec-1")
    house.forge(replace(right, signature=house.signature(right.text, "sec-1", STANDING)))
    async with house.engine():
        await house.stays_closed("the signature of sec-1 does not hold")


async def test_a_document_is_taken_by_its_own_door_alone(registry: Registry) -> None:
    house = registry.house
    async with house.at_gate():
        text = registry.made().text
        answer = await house.ask(rq.Approve(text, house.signature(text, "sec-1")))
        assert isinstance(answer, ev.RequestRefused)
        assert "begins with `warroom approval 1`" in answer.reason
        await registry.refused(
            registry.ask("sec-1", split(house.signed("sec-1"))[0]), "begins with `warroom standing 1`"
        )


# -- people and keys -----------------------------------------------------------------------------------


async def test_whoever_may_not_sign_is_told_why(registry: Registry) -> None:
    """A stranger, somebody without a seat, a foreign key, and the key of another person."""
    house = registry.house
    roster = house.roster.roster.model_dump(by_alias=True)
    roster["people"].append({"handle": "obs-1", "roles": ["observer"], "keys": [house.keys.public("lead-1")]})
    for person in roster["people"]:
        if person["handle"] == "lead-1":
            person["keys"] = []
    house.roster = LoadedRoster(
        Roster.model_validate(roster), house.roster.path, house.roster.raw, house.roster.sha256
    )
    async with house.engine():
        text = registry.made().text
        stranger = registry.ask("nobody", text, key="stranger")
        await registry.refused(stranger, "nobody is not in the roster")
        seatless = registry.ask("obs-1", text, key="lead-1")
        await registry.refused(seatless, "obs-1 is observer; engineer or ")
        await registry.refused(seatless, " must sign")
        keyless = registry.ask("lead-1", text, key="stranger")
        await registry.refused(keyless, "the roster has no key of lead-1")
        foreign = "which the roster does not have for sec-1"
        await registry.refused(registry.ask("sec-1", text, key="stranger"), foreign)
        await registry.refused(registry.ask("sec-1", text, key="pm-1"), foreign)


async def test_one_person_counts_once(tmp_path: Path, keys: Keyring) -> None:
    """Also with two keys."""
    registry = Registry(Gatehouse(tmp_path, keys, {"eng-1": ["eng-1", "sec-1-b"]}))
    async with signed(registry, *without(SIX, "eng-2")) as text:
        for key in ("eng-1", "sec-1-b"):
            await registry.refused(registry.ask("eng-1", text, key=key), "eng-1 has signed ")


async def test_two_people_with_one_key_count_for_one(registry: Registry) -> None:
    """Even if such a roster came past the check."""
    house = registry.house
    document = house.roster.roster.model_dump(by_alias=True)
    of = {person["handle"]: person for person in document["people"]}
    of["pm-1"]["keys"] = of["sec-1"]["keys"]
    loaded = house.roster
    house.roster = LoadedRoster(Roster.model_validate(document), loaded.path, loaded.raw, loaded.sha256)
    async with signed(registry, *without(SIX, "pm-1")) as text:
        again = registry.ask("pm-1", text, key="sec-1")
        await registry.refused(again, "sec-1 has signed with that key already")


async def test_a_key_that_is_revoked_before_disarms_nothing_and_signs_nothing(registry: Registry) -> None:
    async with signed(registry, *FIVE) as text:
        registry.house.revoke("sec-1")
        await registry.refused(registry.ask("sec-1", text), "the signature of sec-1 does not hold")
        assert registry.ended() == []


async def test_a_key_that_is_revoked_afterwards_disarms_what_it_signed(registry: Registry) -> None:
    """While the engine runs; and for good, whatever becomes of the list."""
    async with signed(registry) as text:
        assert registry.in_force()
        registry.house.revoke("stranger", "sec-1")
        await registry.disarmed("signed by sec-1, and the signature of sec-1 does not hold")
        registry.house.revoke()
        await registry.refused(registry.ask("sec-1", text), "has ended, disarmed: signed by sec-1")


async def test_another_key_that_is_revoked_disarms_nothing(registry: Registry) -> None:
    async with signed(registry):
        registry.house.revoke("stranger", "lead-1")
        await registry.house.quiet()
        assert registry.in_force()


async def test_a_key_that_is_revoked_while_no_engine_runs(registry: Registry) -> None:
    async with signed(registry):
        pass
    registry.house.revoke("ops-1")
    async with registry.house.engine():
        await registry.disarmed("signed by ops-1")


async def test_an_engine_does_nothing_before_it_has_verified_what_was_signed(registry: Registry) -> None:
    """A request that has waited is answered afterwards, however long the verifying takes."""
    house = registry.house
    async with signed(registry):
        pass
    house.revoke("ops-1")
    house.programs.go_on.clear()
    request = house.put(rq.Note("is anybody there?"))
    async with house.engine():
        await house.programs.under_way(len(SIX))
        house.programs.go_on.set()
        await house.answer(request)
        events = house.events()
    ended = next(event.seq for event in events if isinstance(event.body, ev.StandingEnded))
    answered = next(event.seq for event in events if event.request == request)
    assert ended < answered


async def test_without_a_revocation_file_nothing_is_signed(registry: Registry) -> None:
    registry.house.revoked.unlink()
    async with registry.house.engine():
        text = registry.made().text
        why = "cannot be read, and without it no signature counts"
        for person in SIX:
            await registry.refused(registry.ask(person, text), why)


async def test_a_revocation_file_that_is_removed_disarms(registry: Registry) -> None:
    async with signed(registry):
        registry.house.revoked.unlink()
        await registry.disarmed("cannot be read, and without it no signature counts")


# -- what is loaded ------------------------------------------------------------------------------------


async def test_an_edited_strategy_disarms_when_an_engine_loads_it(registry: Registry) -> None:
    """And putting the old one back arms nothing."""
    house = registry.house
    async with signed(registry):
        assert registry.in_force()
    house.strategy_sha256 = "6" * 64
    why = "the strategy was edited: it was signed for 55555555, and this is 66666666"
    async with house.engine():
        await registry.disarmed(why)
        assert registry.ended() == [("disarmed", why)], "told by itself, and not as somebody's signature"
    house.strategy_sha256 = "5" * 64
    async with house.engine():
        await registry.disarmed(why)


async def test_an_edit_disarms_what_still_waits(registry: Registry) -> None:
    async with signed(registry, *FIVE) as text:
        pass
    registry.house.strategy_sha256 = "6" * 64
    async with registry.house.engine():
        await registry.disarmed("the strategy was edited")
        await registry.refused(registry.ask("sec-1", text), "the strategy was edited")


async def test_a_swapped_roster_disarms(registry: Registry) -> None:
    """Though the people who signed are in it, with the same keys."""
    house = registry.house
    async with signed(registry):
        pass
    house.roster = house.make_roster({"pm-1": ["stranger"]}, "swapped.yaml")
    async with house.engine(house.roster):
        await registry.disarmed("the roster was edited: it was signed for ")


# -- rows written by hand ------------------------------------------------------------------------------

FORGED: dict[str, tuple[Callable[[Registry, ev.StandingSigned], Body], str]] = {
    "no signature": (lambda _, row: replace(row, signature=""), "marks of an SSH SIGNATURE"),
    "a foreign key's": (
        lambda r, row: replace(row, signature=r.house.signature(row.text, "stranger", STANDING)),
        "which the roster does not have for sec-1",
    ),
    "a signature for a gate": (
        lambda r, row: replace(row, signature=r.house.signature(row.text, "sec-1", NAMESPACE)),
        "the signature of sec-1 does not hold",
    ),
    "another fingerprint": (
        lambda _, row: replace(row, key=f"SHA256:{'A' * 43}"),
        "and it was signed with SHA256:",
    ),
    "more roles": (
        lambda _, row: replace(row, roles=(*row.roles, "product-manager")),
        "the journal says that they signed what they did not sign",
    ),
    "another person's name": (
        lambda _, row: replace(row, person="lead-1", roles=("team-lead", "security-lead")),
        "the journal says that they signed what they did not sign",
    ),
    "a stranger's name": (
        lambda _, row: replace(row, person="sec-9"),
        "sec-9 is nobody",
    ),
}


@pytest.mark.parametrize("how", FORGED)
async def test_a_row_that_somebody_wrote_by_hand(registry: Registry, how: str) -> None:
    """The sixth is missing, and is written down: the next engine looks at it, and says whose it was not."""
    forge, why = FORGED[how]
    async with signed(registry, *FIVE) as text:
        right = registry.row("sec-1", text)
    row = forge(registry, right)
    registry.house.forge(row)
    async with registry.house.engine():
        await registry.disarmed(why)
        assert isinstance(row, ev.StandingSigned)
        assert f"signed by {row.person}, and " in registry.ended()[-1][1]


async def test_rows_of_all_six(registry: Registry) -> None:
    """Nobody has signed anything."""
    text = registry.made().text
    rows = [registry.row(who, text, key="stranger") for who in SIX]
    true = [public_key(registry.house.keys.public(who)).fingerprint for who in SIX]
    registry.house.forge(*(replace(row, key=key) for row, key in zip(rows, true, strict=True)))
    async with registry.house.engine():
        await registry.disarmed("which the roster does not have for ")


async def test_a_row_under_another_id(registry: Registry) -> None:
    """The small text's id on the large text: it is not what was read out to the signers."""
    text = registry.made().text
    small = registry.made(metrics=("error_rate",)).id
    registry.house.forge(*(replace(registry.row(who, text), id=small) for who in SIX))
    async with registry.house.engine():
        await registry.disarmed("the journal says that they signed what they did not sign")


async def test_a_row_with_another_text_joins_nothing(registry: Registry) -> None:
    async with signed(registry, *FIVE):
        other = registry.made(metrics=("error_rate",)).text
        (known,) = registry.known()
        row = replace(registry.row("sec-1", other), id=known)
    registry.house.forge(row)
    async with registry.house.engine():
        await registry.house.quiet()
        assert not registry.in_force()
        assert {yes.person for yes in registry.known()[known].signed} == set(FIVE)


# -- taken back ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["sec-1", "lead-1"])
async def test_what_was_taken_back_does_not_come_back(registry: Registry, who: str) -> None:
    """By a signer, and by somebody who has not signed and holds a role that is asked. Then it is replayed."""
    house = registry.house
    async with signed(registry) as text:
        (known,) = registry.in_force()
        body = await house.ask(rq.RevokeStanding(known, "the on-call changed"), who)
        assert isinstance(body, ev.StandingRevoked)
        assert not registry.in_force()
        for person in SIX:
            await registry.refused(
                registry.ask(person, text), f"has ended, revoked by {who}: the on-call changed"
            )
        again = rq.RevokeStanding(known, "once more")
        await registry.refused(again, f"has ended already: revoked by {who}")
        row = registry.row("sec-1", text)
    house.forge(*(replace(row, person=person) for person in SIX))
    async with house.engine():
        await house.quiet()
        assert not registry.in_force()
        assert registry.ended() == []


async def test_whoever_has_no_part_in_it_takes_nothing_back(registry: Registry) -> None:
    house = registry.house
    roster = house.roster.roster.model_dump(by_alias=True)
    roster["people"].append({"handle": "obs-1", "roles": ["observer"]})
    house.roster = LoadedRoster(
        Roster.model_validate(roster), house.roster.path, house.roster.raw, house.roster.sha256
    )
    async with signed(registry):
        (known,) = registry.in_force()
        for actor, asked, why in (
            ("obs-1", rq.RevokeStanding(known, "because"), "obs-1 is observer; engineer or "),
            ("sec-1", rq.RevokeStanding(known, " "), "with a reason"),
            ("sec-1", rq.RevokeStanding("0" * 12, "because"), f"no standing authorisation {'0' * 12}"),
            ("nobody", rq.RevokeStanding(known, "because"), "nobody is not in the roster"),
        ):
            body = await house.ask(asked, actor)
            assert isinstance(body, ev.RequestRefused)
            assert why in body.reason
        assert registry.in_force() == [known]


async def test_somebody_signs_while_another_takes_it_back(registry: Registry) -> None:
    """It is judged by the state in which the signature is verified."""
    house = registry.house
    async with signed(registry, *FIVE) as text:
        (known,) = registry.known()
        house.programs.go_on.clear()
        request = house.put(registry.ask("sec-1", text), "sec-1")
        await house.programs.under_way(1)
        body = await house.ask(rq.RevokeStanding(known, "no"), "eng-2")
        assert isinstance(body, ev.StandingRevoked)
        house.programs.go_on.set()
        answer = await house.answer(request)
        assert isinstance(answer, ev.RequestRefused)
        assert "has ended, revoked by eng-2: no" in answer.reason
        assert not registry.in_force()


async def test_an_environment_without_them_has_none(registry: Registry) -> None:
    house = registry.house
    text = registry.made().text
    automatic = house.environment.automatic
    assert automatic is not None
    none = automatic.model_copy(update={"standing_for": None})
    house.environment = house.environment.model_copy(update={"automatic": none})
    async with house.engine():
        await registry.refused(registry.ask("sec-1", text), "production has no standing authorisations")
