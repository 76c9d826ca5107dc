"""People are paged by a real command: it fails, is slow, or cut off. The run waits for nobody."""

import asyncio
import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from console.core import events as ev
from console.core import requests as rq
from console.core.state import Asked
from console.core.strategy import Paging
from tests.integration.authority.gatehouse import SIX, Gatehouse, without

HOLDERS = ["eng-1", "eng-2", "lead-1", "sec-1", "ops-1", "exec-1", "pm-1"]
SCRIPT = """#!{python}
import json, os, sys, time
folder, handle, contact = sys.argv[1:]
text = sys.stdin.read()
count = lambda: len([name for name in os.listdir(folder) if name.endswith(".now")])
open(f"{{folder}}/{{handle}}.now", "w").close()
most = count()
{body}
os.remove(f"{{folder}}/{{handle}}.now")
with open(f"{{folder}}/pages", "a") as file:
    file.write(json.dumps([handle, contact, text, most]) + "\\n")
print("taken by the", "tower")
"""


def paged_by(house: Gatehouse, body: str = "", *, limit: str = "10s", contacts: bool = True) -> Path:
    """The house pages by a small script with that in its middle; the folder where it leaves its pages."""
    folder = house.folder / "pages"
    folder.mkdir()
    script = house.folder / "page"
    script.write_text(SCRIPT.format(python=sys.executable, body=body))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    command = ["./page", str(folder), "{handle}", "{contact}"]
    paging = Paging(command=command, limit=limit, again="2m", deputy_after="5m")  # type: ignore[arg-type]
    with_rules(house, paging=paging)
    if contacts:
        give_contacts(house)
    return folder


def with_rules(house: Gatehouse, **changes: Any) -> None:
    rule = house.environment.authorisation.model_copy(update=changes)
    house.environment = house.environment.model_copy(update={"authorisation": rule})


def give_contacts(house: Gatehouse) -> None:
    """Everybody can be reached, but for pm-1."""
    yaml, path = YAML(), house.folder / "roster.yaml"
    document = yaml.load(path)
    for person in document["people"]:
        if person["handle"] != "pm-1":
            person["contact"] = f"{person['handle']}@example.org; {{handle}}"
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)
    house.roster = house.reload()


def pages(folder: Path) -> list[list[Any]]:
    """Everything that the script was given."""
    file = folder / "pages"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def ended(*people: str) -> Callable[[Any], bool]:
    """Whether the pages of all of them have come to an end."""

    def holds(state: Any) -> bool:
        asked: dict[str, Asked] = state.open_incident.asked if state.open_incident else {}
        return all(person in asked and asked[person].delivered is not None for person in people)

    return holds


def askings(house: Gatehouse) -> list[tuple[str, str]]:
    """Who was asked, and why, in order."""
    bodies = (event.body for event in house.events())
    return [(body.person, body.why) for body in bodies if isinstance(body, ev.GateAsked)]


async def test_everybody_is_paged_with_what_to_say_on_standard_input(house: Gatehouse) -> None:
    folder = paged_by(house)
    async with house.at_gate():
        await house.until(ended(*HOLDERS))
        assert askings(house) == [(person, "role") for person in HOLDERS]
        said = {handle: (contact, text) for handle, contact, text, _ in pages(folder)}
        assert set(said) == set(without(HOLDERS, "pm-1"))
        contact, text = said["sec-1"]
        assert contact == "sec-1@example.org; {handle}", "what is put in is not looked at again"
        assert "PRODUCTION: SEV-1" in text
        assert "warroom sign --env production --as sec-1 --approve" in text
        assert house.incident.asked["sec-1"].words == "taken by the tower"
        assert house.incident.asked["sec-1"].delivered
        pm = house.incident.asked["pm-1"]
        assert (pm.delivered, pm.words) == (False, "the roster has no contact of pm-1")


async def test_without_a_command_people_are_asked_on_the_screen_alone(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.quiet()
        assert [person for person, _ in askings(house)] == HOLDERS
        assert all(asked.delivered is None for asked in house.incident.asked.values())


async def test_a_command_that_fails_is_journalled_and_the_gate_opens_all_the_same(house: Gatehouse) -> None:
    paged_by(house, "sys.exit('the tower does not answer')")
    async with house.at_gate():
        await house.until(ended("sec-1"))
        asked = house.incident.asked["sec-1"]
        assert (asked.delivered, asked.words) == (False, "the tower does not answer")
        await house.sign(*SIX)
        await house.opens()


async def test_what_a_command_says_is_kept_on_one_short_line_without_secrets(house: Gatehouse) -> None:
    paged_by(house, "sys.exit('wrong token hunter2\\x1b[2J ' + 'x' * 500)")
    house.redact = lambda words: words.replace("hunter2", "***")
    async with house.at_gate():
        await house.until(ended("sec-1"))
        words = house.incident.asked["sec-1"].words
        assert words.startswith("wrong token ***\\x1b[2J xxx")
        assert len(words) == 200


async def test_a_command_that_is_not_there(house: Gatehouse) -> None:
    paged_by(house)
    (house.folder / "page").unlink()
    async with house.at_gate():
        await house.until(ended("sec-1"))
        asked = house.incident.asked["sec-1"]
        assert not asked.delivered
        assert "./page" in asked.words


async def test_a_slow_command_is_ended_and_holds_nobody_up(house: Gatehouse) -> None:
    """At most four at once; meanwhile requests are answered, and the gate opens."""
    folder = paged_by(house, "time.sleep(60)", limit="1s")
    async with house.at_gate():
        await house.until(lambda _state: len(list(folder.glob("*.now"))) == 4)
        async with asyncio.timeout(0.9):
            assert isinstance(await house.ask(rq.Note("still here")), ev.NoteAdded)
        await house.until(ended(*HOLDERS))
        asked = house.incident.asked["eng-1"]
        assert (asked.delivered, asked.words) == (False, "`./page` took longer than 1 s and was ended")
        await house.sign(*SIX)
        await house.opens()


async def test_never_more_than_four_run_beside_each_other(house: Gatehouse) -> None:
    folder = paged_by(house, "time.sleep(0.2); most = max(most, count())")
    async with house.at_gate():
        await house.until(ended(*HOLDERS))
        assert 1 <= max(most for *_, most in pages(folder)) <= 4


async def test_a_page_that_was_cut_off_with_its_engine_is_sent_again_once(house: Gatehouse) -> None:
    """And no other: nobody is asked twice because an engine was killed."""
    paged_by(house, "time.sleep(60)")
    async with house.at_gate():
        await house.until(lambda state: "sec-1" in state.open_incident.asked)
    assert not any(isinstance(event.body, ev.GatePaged) for event in house.events())
    (house.folder / "page").write_text(SCRIPT.format(python=sys.executable, body=""))
    for _ in range(2):
        async with house.engine():
            await house.until(ended(*HOLDERS))
            await house.quiet()
    delivered = [handle for handle, *_ in pages(house.folder / "pages")]
    assert sorted(delivered) == sorted(without(HOLDERS, "pm-1"))
    assert askings(house) == [(person, "role") for person in HOLDERS]


async def test_who_has_signed_meanwhile_is_not_paged_by_the_next_engine(house: Gatehouse) -> None:
    paged_by(house, "time.sleep(60)")
    async with house.at_gate():
        await house.sign("sec-1")
    (house.folder / "page").write_text(SCRIPT.format(python=sys.executable, body=""))
    async with house.engine():
        await house.until(ended(*without(HOLDERS, "sec-1")))
        await house.quiet()
    assert "sec-1" not in [handle for handle, *_ in pages(house.folder / "pages")]


async def test_a_page_that_ends_after_its_plan_says_nothing_of_the_next(house: Gatehouse) -> None:
    folder = paged_by(house, "time.sleep(0 if os.path.exists(folder + '/go') else 1)")
    async with house.at_gate():
        await house.until(lambda _state: len(list(folder.glob("*.now"))) == 4)
        (folder / "go").touch()
        second = await house.freeze(recover_within_s=901.0)
        await house.until(ended(*HOLDERS))
        rows = [event.body for event in house.events() if isinstance(event.body, ev.GateAsked | ev.GatePaged)]
        asked = [body.person for body in rows if isinstance(body, ev.GateAsked) and body.plan_hash == second]
        assert asked == HOLDERS
        paged = [body.person for body in rows if isinstance(body, ev.GatePaged)]
        assert len(paged) == len(set(paged)), "an end for each asking of the second plan, none of the first"


async def test_by_time_again_then_deputies_then_the_path(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.sign(*without(SIX, "sec-1"))
        await house.quiet()
        seen = len(askings(house))
        house.clock.pass_by(120)
        await house.quiet()
        assert askings(house)[seen:] == [("sec-1", "again")]
        house.clock.pass_by(180)
        await house.quiet()
        assert askings(house)[-1] == ("sec-2", "deputy")
        house.clock.pass_by(1500)
        await house.quiet()
        assert ("oncall-1", "escalation") in askings(house)
        escalation = house.incident.escalated
        assert escalation is not None
        assert (escalation.level, escalation.role, escalation.people) == (
            1,
            "on-call-engineer",
            ("oncall-1",),
        )


async def test_by_hand_and_refused(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.quiet()
        refused = await house.ask(rq.Page("sec-1"))
        assert isinstance(refused, ev.RequestRefused)
        assert refused.reason == "sec-1 was asked 00:00 ago: wait 10 seconds"
        house.clock.pass_by(11)
        asked = await house.ask(rq.Page("sec-1"), "ops-1")
        assert isinstance(asked, ev.GateAsked)
        assert (asked.person, asked.why) == ("sec-1", "by hand")
        assert isinstance(await house.ask(rq.Page("sec-2")), ev.GateAsked), "a deputy, before their turn"


async def test_who_looks_is_said_once(house: Gatehouse) -> None:
    """A second look is answered by nothing; one at another plan, or by somebody nobody asked, is refused."""
    async with house.at_gate():
        await house.quiet()
        plan_hash = house.incident.plan_hash or ""
        assert isinstance(await house.ask(rq.Seen(plan_hash), "sec-1"), ev.GateSeen)
        house.put(rq.Seen(plan_hash), "sec-1")
        await house.quiet()
        assert sum(isinstance(event.body, ev.GateSeen) for event in house.events()) == 1
        assert list(house.layout.inbox.glob("r-*")) == [], "it is taken all the same"
        stale = await house.ask(rq.Seen("0" * 64), "sec-1")
        assert isinstance(stale, ev.RequestRefused)
        stranger = await house.ask(rq.Seen(plan_hash), "ceo-1")
        assert isinstance(stranger, ev.RequestRefused)
        assert stranger.reason == "nobody has asked ceo-1 for a yes"


async def test_when_the_gate_is_open_nobody_is_asked_any_more(house: Gatehouse) -> None:
    async with house.at_gate():
        await house.sign(*SIX)
        await house.opens()
        seen = len(askings(house))
        house.clock.pass_by(3600)
        await house.quiet()
        assert len(askings(house)) == seen
