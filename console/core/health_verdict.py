"""Whether a service is healthy, judged by several answers in a row: how it is asked, and the verdict."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from console.core.errors import StatedError
from console.core.exits import Exit
from console.core.strategy import Environment
from console.core.watched import Probe


class HealthRuleError(StatedError):
    """The strategy does not say what healthy means."""

    exit = Exit.USAGE


class HealthRule(Struct, frozen=True):
    """How one health endpoint is asked, and what counts as a good answer."""

    url: str
    status: int = 200
    body: Mapping[str, str] = {}
    """Dotted paths of the JSON answer, and the words that they must hold."""
    version: str | None = "version"
    """Dotted path of the version that the service says it runs."""
    commit: str | None = None
    """Dotted path of the commit id."""
    limit_s: float = 4.0
    """How long one answer may take."""
    tries: int = 5
    every_s: float = 2.0
    in_a_row: int = 3
    components: Mapping[str, str] = {}
    """Dotted paths of the versions of its components, by name; they are to be that of the service."""
    instances: Mapping[str, str] = {}
    """Addresses of the health endpoints of all instances, by name; empty: `url` is asked alone."""


def rule_of(environment: Environment) -> HealthRule:
    """As the strategy says: the health endpoint, judged as the source of that address is.

    Raises HealthRuleError where no source asks it.
    """
    service, check = environment.service, environment.health
    sources = environment.sources.values()
    probe = next((s for s in sources if isinstance(s, Probe) and s.url == service.health), None)
    if probe is None:
        raise HealthRuleError(
            f"no http source asks {service.health}: the strategy must say what healthy means"
        )
    return HealthRule(
        url=service.health,
        status=probe.status,
        body=probe.body,
        version=service.version,
        commit=service.commit,
        limit_s=check.limit,
        tries=check.tries,
        every_s=check.every,
        in_a_row=check.in_a_row,
        components=service.components,
        instances=service.instances,
    )


class Answer(StrEnum):
    """What one probe brought."""

    GOOD = "good"
    BAD = "bad"
    """The service answered something else, or nothing, or refused the connection."""
    UNREACHED = "unreached"
    """The question did not get there, or nobody proved to be the service: that says nothing about it."""


class Verdict(StrEnum):
    """What several probes say together."""

    HEALTHY = "healthy"
    SICK = "sick"
    UNKNOWN = "unknown"


def verdict(answers: Sequence[Answer], *, in_a_row: int, tries: int) -> Verdict | None:
    """What the answers so far say, oldest first; None while another probe is due.

    Healthy as soon as the last `in_a_row` are good. A service that has just been deployed may be sick for
    a while: so it is called that only when all tries are used up, and the last `in_a_row` were bad.
    Anything else, such as good ones among bad ones or a question that did not get there, is unknown.
    """
    last = set(answers[-in_a_row:]) if len(answers) >= in_a_row else set()
    if last == {Answer.GOOD}:
        return Verdict.HEALTHY
    if len(answers) < tries:
        return None
    return Verdict.SICK if last == {Answer.BAD} else Verdict.UNKNOWN
