"""What a page says to somebody who is asked to take command of a suspected incident. Pure."""

from collections.abc import Iterator

from console.core.calling import FIRST
from console.core.clock import Stamp
from console.core.format import clock, plain
from console.core.impact_words import impact_words
from console.core.live import Impact
from console.core.state import Called, Incident, RunningRelease
from console.core.strategy import Environment
from console.core.words import duration


def command_words(
    incident: Incident,
    environment: Environment,
    name: str,
    *,
    severity: str,
    person: str,
    called: Called,
    impact: Impact | None,
    running: RunningRelease | None,
    following: str | None,
    now: Stamp,
) -> str:
    """The page's text, a line for each thing, with a line break at its end; it holds no secret.

    `name` is the environment's, `severity` what its rule makes of it so far, `following` whom else they
    could ask.
    """
    lines = (
        f"{name.upper()}: {severity} suspected, {incident.id}, {environment.title}",
        *_what(incident, environment, impact, running, now),
        *_whom(person, called),
        *_how(incident, name, person, following),
    )
    return "".join(f"{plain(line)}\n" for line in lines)


def _what(
    incident: Incident,
    environment: Environment,
    impact: Impact | None,
    running: RunningRelease | None,
    now: Stamp,
) -> Iterator[str]:
    since = f"since {clock(incident.onset)}Z, for {duration(now.seconds_since(incident.onset))}"
    yield f"fires: {', '.join(incident.triggers)}; {since}"
    yield f"impact: {impact_words(impact, environment)}"
    if running is not None:
        yield f"running: {running.release}, seen since {clock(running.since)}Z"


def _whom(person: str, called: Called) -> Iterator[str]:
    again = f" (asked {called.times} times)" if called.times > 1 else ""
    if called.role == FIRST:
        yield f"{person}, you are on call, and nobody has taken command yet{again}"
    else:
        yield f"{person}, you are asked as {called.role}: nobody has taken command yet{again}"


def _how(incident: Incident, name: str, person: str, following: str | None) -> Iterator[str]:
    yield f"take command: warroom go {incident.id} --env {name} --as {person}"
    if following is not None:
        yield f"pass it on:   warroom page {following} --env {name} --as {person}"
    yield f'false alarm:  warroom resolve "false alarm" --note "because ..." --env {name} --as {person}'


def state_words(called: Called, now: Stamp) -> str:
    """Where somebody is who was asked and has not taken command: `asked 14:03:10 x2, silent 02:10`."""
    if called.passed is not None:
        return f"asked somebody else {clock(called.passed)}"
    times = f" x{called.times}" if called.times > 1 else ""
    since = f"asked {clock(called.first)}{times}"
    if called.delivered is False:
        return f"page failed: {called.words}; {since}"
    return f"{since}, silent {duration(now.seconds_since(called.first))}"
