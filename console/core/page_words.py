"""What a page says to somebody who is asked for a yes; and what is said of whoever was asked."""

from collections.abc import Iterator

from console.core.clock import Stamp
from console.core.format import clock, plain, short
from console.core.moments import written
from console.core.plan import Plan
from console.core.plan_words import code_words, data_words
from console.core.state import Asked, Incident
from console.core.strategy import Environment
from console.core.summons import silence, wanting
from console.core.words import duration


def page_words(
    incident: Incident, plan: Plan, environment: Environment, person: str, asked: Asked, now: Stamp
) -> str:
    """The page's text, a line for each thing, with a line break at its end: all to begin with, no secret."""
    return "".join(f"{plain(line)}\n" for line in _lines(incident, plan, environment, person, asked, now))


def _lines(
    incident: Incident, plan: Plan, environment: Environment, person: str, asked: Asked, now: Stamp
) -> Iterator[str]:
    name, roles = plan.environment, ", ".join(asked.roles)
    severity = incident.severity or environment.severity.otherwise
    yield f"{name.upper()}: {severity} {incident.id}, {environment.title}"
    yield f"commander: {incident.commander or 'nobody yet'}; sick since {clock(incident.onset)}Z"
    missing = wanting(incident, now)
    if asked.why == "escalation" or not set(missing) & set(asked.roles):
        yield f"{person}, you are told as {roles}: {', '.join(missing)} did not say yes yet"
    else:
        again = f" (asked {asked.times} times)" if asked.times > 1 else ""
        yield f"{person}, your yes or no is waited for, as {roles}{again}"
    if person in incident.voided:
        yield "your yes to the plan before is void: this is a new one, things are not as that one found them"
    yield f"plan {short(incident.plan_hash or '')}: {code_words(plan.code)}"
    yield f"data {data_words(plan)}"
    yield from _how(plan, name, person)
    yield f"until: {_until(incident, environment)}"


def _how(plan: Plan, name: str, person: str) -> Iterator[str]:
    if plan.proof == "claim":
        yield f"say yes: warroom go {plan.incident} --env {name} --as {person}"
        return
    yield f"read it: warroom request {person} --env {name}"
    yield f"sign it: warroom sign --env {name} --as {person} --approve"
    yield f'refuse:  warroom sign --env {name} --as {person} --approve --no "because ..."'


def _until(incident: Incident, environment: Environment) -> str:
    within = environment.authorisation.within
    if not within or incident.planned is None:
        return "there is no limit, and every minute counts"
    over = written(incident.planned.utc_us + round(within * 1e6))
    return f"{over}; then the escalation path is told" if environment.authorisation.escalation else over


def state_words(asked: Asked, now: Stamp) -> str:
    """Where somebody is who was asked and has not answered: `asked 14:03:10 x2, silent 02:10`."""
    if asked.seen is not None:
        return f"seen {clock(asked.seen)}, reading {duration(silence(asked, now))}"
    times = f" x{asked.times}" if asked.times > 1 else ""
    since = f"{'told' if asked.why == 'escalation' else 'asked'} {clock(asked.first)}{times}"
    if asked.delivered is False:
        return f"page failed: {asked.words}; {since}"
    return f"{since}, silent {duration(silence(asked, now))}"
