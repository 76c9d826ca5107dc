"""What is signed beforehand for automatic rollback: one short text, the same for everybody who signs it.

It is made from the environment, the strategy and the roster, and checked by making it again: of another
strategy or roster, or with a single other character, it is another text, and nobody has signed that.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct

from console.core.clock import Stamp
from console.core.format import plain, short
from console.core.moments import from_written, written
from console.core.seats import unfilled
from console.core.state import Standing
from console.core.statement import (
    Field,
    StatementError,
    as_text,
    as_written,
    fields_of,
    out_of_time,
    reading,
)
from console.core.strategy import Environment
from console.core.words import age

TITLE = "warroom standing 1"
TARGET = "newest good release"
DOES = (
    "rolls back without being asked, when a trigger fires",
    "code only: data is kept, and never restored",
    "only where the schema is safe for the release that is gone back to",
    "at most once an incident, and never away from a release that it has just put there",
)
ID_DIGITS = 12


class StandingAuthorisation(Struct, frozen=True, kw_only=True):
    """What its signers agree to."""

    environment: str
    triggers: tuple[str, ...]
    """`error_rate: error_rate > 10% for 5m`: the metric, and the rule of its automatic rung."""
    strategy: str
    """SHA-256 of the strategy, 64 hex digits."""
    roster: str
    """SHA-256 of the roster, 64 hex digits."""
    issued: int
    """UTC microseconds, whole seconds."""
    expires: int

    @property
    def text(self) -> str:
        """As it is signed, with a line break at its end."""
        return as_text(TITLE, _fields(self))

    @property
    def id(self) -> str:
        """The first 12 hex digits of the SHA-256 of its text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:ID_DIGITS]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Whose triggers they are."""
        return tuple(trigger.partition(": ")[0] for trigger in self.triggers)


class Terms(Struct, frozen=True):
    """What a standing authorisation must be about to count."""

    name: str
    """The environment's."""
    environment: Environment
    strategy: str
    """SHA-256 of the strategy that is loaded, in hex."""
    roster: str
    """SHA-256 of the roster that is loaded, in hex."""

    @property
    def longest_s(self) -> float:
        """The longest time that one may count; 0 where there are none."""
        automatic = self.environment.automatic
        return (automatic.standing_for if automatic else None) or 0.0

    @property
    def none_here(self) -> str:
        """Why there are no standing authorisations in this environment; empty where there may be some."""
        if self.longest_s:
            return ""
        return f"{self.name} has no standing authorisations: its `automatic` section has no `standing_for`"


def _fields(made: StandingAuthorisation) -> Iterator[Field]:
    yield "environment", made.environment
    yield from (("trigger", trigger) for trigger in made.triggers)
    yield "target", TARGET
    yield from (("does", words) for words in DOES)
    yield "strategy", made.strategy
    yield "roster", made.roster
    yield "issued", written(made.issued)
    yield "expires", written(made.expires)


def parse(text: str) -> StandingAuthorisation:
    """The standing authorisation in a text; StatementError with what is wrong."""
    given = fields_of(text, TITLE)
    by_name = dict(given)
    with reading():
        found = StandingAuthorisation(
            **{name: by_name[name] for name in ("environment", "strategy", "roster")},
            triggers=tuple(value for name, value in given if name == "trigger"),
            issued=from_written(by_name["issued"]),
            expires=from_written(by_name["expires"]),
        )
    as_written(text, found.text)
    return found


def rules(environment: Environment) -> Mapping[str, str]:
    """The rules of all automatic rungs, by metric, in the strategy's words and on one line each."""
    return {
        name: plain(" ".join(metric.rungs.automatic.text.split()))
        for name, metric in environment.metrics.items()
        if metric.rungs.automatic
    }


def make(
    terms: Terms, now: Stamp, for_s: float | None = None, metrics: Collection[str] = ()
) -> StandingAuthorisation:
    """What is to be signed, from `now` on; StatementError when these terms allow none.

    `for_s`: how long it counts, as long as it may if nothing is said; `metrics`: whose triggers, else all.
    """
    if terms.none_here:
        raise StatementError(terms.none_here)
    wanted_s = terms.longest_s if for_s is None else for_s
    if not 1 <= wanted_s <= terms.longest_s:
        raise StatementError(
            f"in {terms.name} it counts for a second at least, and for {age(terms.longest_s)} at most"
        )
    known = rules(terms.environment)
    if unknown := sorted(set(metrics) - known.keys()):
        raise StatementError(
            f"{', '.join(unknown)} has no automatic rung in {terms.name}; {', '.join(known) or 'nothing'} has"
        )
    issued = now.utc_us // 1_000_000 * 1_000_000
    return StandingAuthorisation(
        environment=terms.name,
        triggers=_triggers(known, metrics or known),
        strategy=terms.strategy,
        roster=terms.roster,
        issued=issued,
        expires=issued + int(wanted_s) * 1_000_000,
    )


def _triggers(known: Mapping[str, str], metrics: Collection[str]) -> tuple[str, ...]:
    return tuple(f"{metric}: {rule}" for metric, rule in known.items() if metric in metrics)


def unlike(found: StandingAuthorisation, terms: Terms) -> str:
    """Why it is about something else than these terms; empty when it is not."""
    if found.environment != terms.name:
        return f"it is about {found.environment}, and this is {terms.name}"
    for what, signed, loaded in (
        ("strategy", found.strategy, terms.strategy),
        ("roster", found.roster, terms.roster),
    ):
        if signed != loaded:
            return f"the {what} was edited: it was signed for {short(signed)}, and this is {short(loaded)}"
    triggers = _triggers(rules(terms.environment), found.metrics)
    return "" if triggers and triggers == found.triggers else "its triggers are not the rules of the strategy"


def unfit(found: StandingAuthorisation, terms: Terms, now: Stamp) -> str:
    """Why nobody could sign it now, whoever they are; empty when somebody could."""
    return (
        unlike(found, terms)
        or terms.none_here
        or out_of_time(found.issued, found.expires, now.utc_us, terms.longest_s)
    )


def has_run_out(standing: Standing, found: StandingAuthorisation, now: Stamp) -> bool:
    """Whether its time is over, by the wall clock or, if that was moved, by the time that went by."""
    since = standing.since
    by_now = since is not None and now.seconds_since(since) >= (found.expires - since.utc_us) / 1e6
    return by_now or now.utc_us >= found.expires


def short_of(standing: Standing, environment: Environment) -> tuple[str, ...]:
    """The roles that have yet to sign it, each as often as one is missing.

    People count once, and so do keys. Who may not say yes to a plan because they asked for it may sign here:
    nobody asks for an automatic rollback, and so it has no initiator.
    """
    people: dict[str, tuple[str, ...]] = {}
    keys: set[str] = set()
    for yes in standing.signed:
        if yes.signed is not None and yes.signed.key not in keys:
            keys.add(yes.signed.key)
            people[yes.person] = yes.roles
    seats = [rule.role for rule in environment.authorisation.approvers for _ in range(rule.count)]
    return unfilled(seats, people)


def not_in_force(standing: Standing, terms: Terms, now: Stamp) -> str:
    """Why it does not count now, on one line; empty when it is in force.

    Judges what the journal says. That the signatures hold is the engine's to see (engine.standing_orders).
    The rule about initiators does not apply: see `short_of`.
    """
    if standing.ended:
        return standing.ended
    try:
        found = parse(standing.text)
    except StatementError as error:
        return str(error)
    if has_run_out(standing, found, now):
        return f"it counted until {written(found.expires)}"
    return unfit(found, terms, now) or lacking(standing, terms.environment)


def in_force_until(known: Iterable[Standing], terms: Terms, now: Stamp) -> str:
    """Until when the one of them counts that counts longest; empty when none is in force now."""
    counting = (parse(one.text).expires for one in known if not not_in_force(one, terms, now))
    longest = max(counting, default=0)
    return written(longest) if longest else ""


def lacking(standing: Standing, environment: Environment) -> str:
    """`short of 1 security-lead, 2 engineer`; empty when everybody has signed."""
    roles = Counter(short_of(standing, environment))
    return f"short of {', '.join(f'{count} {role}' for role, count in roles.items())}" if roles else ""
