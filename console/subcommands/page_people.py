"""Paging: asking somebody for their yes now, and who was asked so far."""

import sys
from typing import Any, Literal

from console.core import calling_words
from console.core.exits import Exit
from console.core.format import plain
from console.core.moments import written
from console.core.page_words import state_words
from console.core.policy import refused, said_yes
from console.core.protocols import Snapshot
from console.core.requests import Page
from console.core.state import Asked, Called, Incident
from console.core.summons import silence
from console.subcommands.act import do
from console.subcommands.room import enter
from console.subcommands.tell import document
from console.subcommands.where import Where, find

HERE = Where()
Answer = Literal["yes", "no", "nothing"]


def page(person: str | None = None, *, json: bool = False, where: Where = HERE) -> int:
    """Ask somebody now: for their yes to the plan, or to take command of the suspected incident.

    Without a name, list who was asked and what came of it.

    Parameters
    ----------
    person
        Their handle. Of a plan: somebody whose yes is missing, or who is a level of the escalation path.
    """
    place = find(where)
    if person is not None:
        do(place, Page(person))
        return Exit.DONE
    snapshot = enter(place).snapshot()
    incident = snapshot.state.open_incident
    if incident is not None and incident.status == "suspected":
        _tell_called(place.name, snapshot, incident, json=json)
        return Exit.DONE
    if incident is None or incident.plan is None:
        print(f"there is no plan in {place.name} to say yes or no to", file=sys.stderr)
        return Exit.FAILED
    rows = [_row(snapshot, incident, handle, asked) for handle, asked in incident.asked.items()]
    if json:
        print(document(_document(place.name, incident, rows)))
    else:
        print("\n".join(_lines(snapshot, incident, rows)) or "nobody was asked")
    return Exit.DONE


def _tell_called(name: str, snapshot: Snapshot, incident: Incident, *, json: bool) -> None:
    """Who was asked to take command, and what came of it."""
    if json:
        rows = [_called_row(person, called) for person, called in incident.called.items()]
        of = {"environment": name, "incident": incident.id, "level": incident.level, "people": rows}
        print(document({"schema": "warroom.page/1", **of}))
        return
    for person, called in incident.called.items():
        print(plain(f"{person:10} {called.role:28} {calling_words.state_words(called, snapshot.at)}"))
    if not incident.called:
        print("nobody was asked")


def _called_row(person: str, called: Called) -> dict[str, Any]:
    return {
        "person": person,
        "roles": (called.role,),
        "asked": called.times,
        "first": written(called.first.utc_us),
        "last": written(called.last.utc_us),
        "passed": written(called.passed.utc_us) if called.passed else None,
        "delivered": called.delivered,
        "words": called.words,
    }


def _document(name: str, incident: Incident, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schema": "warroom.page/1",
        "environment": name,
        "incident": incident.id,
        "plan": incident.plan_hash,
        "escalated": incident.escalated,
        "people": rows,
    }


def _row(snapshot: Snapshot, incident: Incident, handle: str, asked: Asked) -> dict[str, Any]:
    """What is known of somebody who was asked; moments are in UTC, `silent_s` seconds without a sign."""
    said = _said(snapshot, incident, handle)
    return {
        "person": handle,
        "roles": asked.roles,
        "why": asked.why,
        "asked": asked.times,
        "first": written(asked.first.utc_us),
        "last": written(asked.last.utc_us),
        "seen": written(asked.seen.utc_us) if asked.seen else None,
        "delivered": asked.delivered,
        "words": asked.words,
        "said": said,
        "silent_s": silence(asked, snapshot.at) if said == "nothing" else None,
    }


def _said(snapshot: Snapshot, incident: Incident, handle: str) -> Answer:
    if any(no.person == handle for no in refused(incident)):
        return "no"
    return "yes" if any(yes.person == handle for yes in said_yes(incident, snapshot.at)) else "nothing"


def _lines(snapshot: Snapshot, incident: Incident, rows: list[dict[str, Any]]) -> list[str]:
    """A line for each: who, as what, and what came of it."""
    lines = []
    for row in rows:
        asked = incident.asked[row["person"]]
        came = f"said {row['said']}" if row["said"] != "nothing" else state_words(asked, snapshot.at)
        lines.append(plain(f"{row['person']:10} {', '.join(asked.roles):28} {came}"))
    if (level := incident.escalated) is not None:
        who = ", ".join(level.people) or "nobody holds it"
        lines.append(plain(f"level {level.level}: {level.role} ({who}) was told"))
    return lines
