"""Strategy and roster: written to start from, checked each by itself and together, and summed up."""

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from console.config.examined import Examined
from console.config.loader import LoadedStrategy, examine_strategy
from console.config.mistakes import ConfigError, Mistake
from console.config.paths import BUNDLED
from console.config.roster import examine_roster
from console.core.clock import Stamp
from console.core.errors import StatedError
from console.core.exits import Exit
from console.core.format import count, short
from console.core.parts import Finding
from console.core.roster import Roster
from console.core.roster_check import unmet
from console.core.strategy import Document, Environment, Strategy
from console.core.words import duration

M = TypeVar("M", bound=BaseModel)

_OF_CI = ("freeze", "pass-commit", "unfreeze")
"""Actions whose steps a plan leaves out where the strategy names no CI."""
FILES = ("strategy.yaml", "roster.yaml", "revoked_keys")


class InitError(StatedError):
    """The files cannot be written; none was."""

    exit = Exit.USAGE


def init(directory: Path) -> list[Path]:
    """Write the files into `directory`, made where it is missing; returns their paths.

    Raises InitError when one of them exists already, or cannot be written; none is left behind then.
    """
    contents = {directory / name: (BUNDLED / name).read_bytes() for name in FILES}
    if existing := [path for path in contents if os.path.lexists(path)]:
        raise InitError(f"{existing[0]} exists already: nothing was written; name another folder")
    written: list[Path] = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path, content in contents.items():
            with path.open("xb") as file:
                written.append(path)
                file.write(content)
    except OSError as error:
        for path in written:
            with suppress(OSError):  # the reason that is told is the first one
                path.unlink()
        where = error.filename or directory
        raise InitError(f"{where}: cannot be written: {error.strerror}; nothing was written") from None
    return written


def check_files(
    strategy: Path, roster: Path | None, actions: Collection[str], today: str | None = None
) -> list[Mistake]:
    """Every mistake in a strategy file, in the roster, and between the two; sorted by file and place.

    `actions` are the names that runbooks may use. Without a roster nothing is said about roles. People and
    keys that do not count on the day `today` (`2026-11-23`) are no help; None: all of them are.
    """
    mistakes: list[Mistake] = []
    plans = _examined(lambda: examine_strategy(strategy, actions), mistakes)
    people = _examined(lambda: examine_roster(roster), mistakes) if roster else None
    if plans and people:
        lacking = unmet(plans.document.value, people.document.value, today)
        mistakes.extend(map(plans.document.located, lacking))
        mistakes.extend(map(people.document.located, _revocations(plans.model, people.model, roster)))
    return sorted(set(mistakes))


def _revocations(strategy: Strategy | None, roster: Roster | None, path: Path | None) -> Iterator[Finding]:
    """Signatures count only where a file says which keys do not count any more, even if it is empty."""
    if strategy is None or roster is None or path is None:
        return
    asking = ", ".join(signing(strategy))
    if not asking or not any(person.keys for person in roster.people):
        return
    if roster.revoked is None:
        yield Finding((), f"`revoked` is missing: {asking} asks for signatures, and without it none counts")
    elif not (path.parent / roster.revoked).is_file():
        yield Finding(
            ("revoked",), f"no such file, and without it no signature counts in {asking}: make it, if empty"
        )


def signing(strategy: Strategy) -> list[str]:
    """The environments whose gates ask for signatures."""
    rules = {name: environment.authorisation for name, environment in strategy.environments.items()}
    return [name for name, rule in rules.items() if rule.proof == "signature"]


def advice(strategy: Strategy, roster: Roster) -> list[str]:
    """What is no mistake of the files, but has to be done before they can be used: a line each."""
    asking = ", ".join(signing(strategy))
    if asking and not any(person.keys for person in roster.people):
        return [f"{asking}: signatures open the gate, and nobody in the roster has a key yet: add `keys`"]
    return []


def _examined(examine: Callable[[], Examined[M]], mistakes: list[Mistake]) -> Examined[M] | None:
    """What was examined, its mistakes noted; None for a file that cannot be read at all."""
    try:
        examined = examine()
    except ConfigError as error:
        mistakes.extend(error.mistakes)
        return None
    mistakes.extend(examined.mistakes)
    return examined


def summary(loaded: LoadedStrategy, now: Stamp) -> list[str]:
    """What a strategy holds, and what of it is not acted on: a line each, for people."""
    strategy = loaded.strategy
    size = count(len(strategy.environments), "environment")
    lines = [f"{loaded.path}: no mistake, {size}, SHA-256 {short(loaded.sha256)}"]
    lines.append(_origin(strategy.document, now))
    for name, environment in strategy.environments.items():
        lines.extend(f"{name}: {line}" for line in _environment(environment))
    return lines


def _origin(document: Document, now: Stamp) -> str:
    today = datetime.fromtimestamp(now.utc_us / 1e6, tz=UTC).date()
    days = (today - date.fromisoformat(document.updated)).days
    return (
        f"from {document.title}, version {document.version} of {document.updated}"
        f" ({count(days, 'day')} old), {document.status}, reviewed by {document.reviewed_by}"
    )


def _environment(environment: Environment) -> Iterator[str]:
    rule = environment.authorisation
    approvers = ", ".join(f"{approver.count} {approver.role}" for approver in rule.approvers)
    metrics, triggers = len(environment.metrics), len(environment.triggers)
    yield (
        f"{count(metrics, 'metric')}, {count(triggers, 'declared trigger')},"
        f" {count(len(environment.runbook), 'step')}; to approve: {approvers}, by {rule.proof};"
        f" recovered within {duration(environment.recover_within)}"
    )
    yield from _first_minute(environment)
    if idle := list(_idle(environment)):
        yield f"in the file, not acted on yet: {'; '.join(idle)}"


def _first_minute(environment: Environment) -> Iterator[str]:
    """Whose alerts are heard, who can reach that, and who says who is on call."""
    if (webhook := environment.webhook) is not None:
        reach = "" if webhook.is_loopback else ", which others than this machine can reach"
        clear = ", and where the secret can be read on the way" if webhook.proof == "bearer" else ""
        outside = f"{reach}{clear}" if reach else ""
        yield f"alerts are heard at {webhook.listen}{outside}; {count(len(webhook.alerts), 'alert')} mapped"
    if environment.on_call is not None:
        yield f"who is on call is asked of a {environment.on_call.kind}, and of the roster where that fails"


def _idle(environment: Environment) -> Iterator[str]:
    """What this version of the program carries without doing anything with it."""
    if environment.automatic and not environment.automatic.enabled:
        yield "automatic rollback, `enabled: false`"
    if environment.communication:
        yield f"communication clock ({count(len(environment.communication.clock), 'message')})"
    if environment.watch:
        yield f"watch of {duration(environment.watch.duration)} after the rollback"
    if critical := [name for name, metric in environment.metrics.items() if metric.critical]:
        yield f"critical values of {', '.join(critical)}"
    if environment.ci is None and (
        frozen := [step.id for step in environment.runbook if step.action in _OF_CI]
    ):
        yield f"steps that need a `ci`: {', '.join(frozen)}"
    run = {step.with_.get("command") for step in environment.runbook}
    if unused := [name for name in environment.commands if name not in run]:
        yield f"commands that no step runs: {', '.join(unused)}"
