"""What changed, for the command line: from the engine where one runs, else worked out from the clone here."""

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from cyclopts import Parameter
from msgspec import Struct

from console.config.secrets import Secrets, child_environment
from console.core.changes import Between, Changes
from console.core.changes_words import (
    SIGN,
    apart_words,
    branch_words,
    folders_words,
    heading,
    how_words,
    landing_words,
    no_commits,
    no_migrations,
    no_settings,
    remote_words,
)
from console.core.deploys import Attribution, Landing, attributed, line_of_deploys, onset_index, onset_words
from console.core.exits import Exit
from console.core.format import plain, short
from console.core.moments import written
from console.core.presence import Presence, presence
from console.core.protocols import Snapshot
from console.core.state import Incident
from console.core.words import age
from console.engine.comparison import Comparison
from console.engine.ledger import Ledger
from console.store.layout import Layout
from console.subcommands.room import enter
from console.subcommands.tell import document
from console.subcommands.where import Place, Where, find
from console.targets.git import Clone, remote_at
from console.targets.process import Programs

HERE = Where()


class Report(Struct, frozen=True, kw_only=True):
    """What changed; with `--json`, printed as it stands here. Moments within are UTC microseconds."""

    schema: Literal["warroom.diff/1"] = "warroom.diff/1"
    environment: str
    told_by: Literal["engine", "clone"]
    incident: str | None
    onset: str | None
    """Of the open incident."""
    attribution: Attribution | None
    """None where no incident is open."""
    deploys: tuple[Landing, ...]
    """Oldest first."""
    remote_read: str | None
    """When the remote was last read; None: never."""
    between: Between | None
    """None where one of the two releases is not known."""
    trouble: tuple[str, ...]
    """Why it may not be complete; empty when it is."""


def diff(
    *, json: Annotated[bool, Parameter(help="One document on stdout.")] = False, where: Where = HERE
) -> int:
    """What changed: deploys with the onset, commits, settings by name, migrations; 1 if it cannot be told.

    Without an engine it is worked out from what was fetched before; the remote is not asked.
    """
    place = find(where)
    snapshot = enter(place).snapshot()
    told_by, changes = _changes(place, snapshot)
    report = _report(place, snapshot, told_by, changes)
    for words in changes.trouble:
        print(plain(words), file=sys.stderr)
    print(document(report) if json else "\n".join(_lines(snapshot, changes, report)))
    return Exit.DONE if changes.between else Exit.FAILED


def _changes(place: Place, snapshot: Snapshot) -> tuple[Literal["engine", "clone"], Changes]:
    told = snapshot.live.changes if snapshot.live else None
    if told is not None and presence(snapshot) is Presence.ALIVE:
        return "engine", told
    return "clone", comparison_here(place, snapshot).made(snapshot.state, snapshot.at)


def comparison_here(place: Place, snapshot: Snapshot) -> Comparison:
    """What compares releases without an engine: by the clone that is here, and the journal."""
    base, repository = place.strategy.parent, place.environment.repository
    programs = Programs(child_environment(os.environ), tag=place.state)
    clone = Clone(Layout(place.state).clone, remote_at(repository.remote, base), programs)
    ledger = Ledger(place.environment.releases, base, clone, lambda: snapshot.state)
    return Comparison(clone, repository, ledger.read, Secrets(os.environ, base).redact)


def _report(
    place: Place, snapshot: Snapshot, told_by: Literal["engine", "clone"], changes: Changes
) -> Report:
    incident = snapshot.state.open_incident
    deploys = line_of_deploys(changes.releases, snapshot.state.landed)
    return Report(
        environment=place.name,
        told_by=told_by,
        incident=incident.id if incident else None,
        onset=written(incident.onset.utc_us) if incident else None,
        attribution=attributed(place.environment, deploys, incident.onset.utc_us) if incident else None,
        deploys=deploys,
        remote_read=None if changes.remote is None else written(changes.remote),
        between=changes.between,
        trouble=changes.trouble,
    )


# -- to lines ---------------------------------------------------------------------------------------


def _lines(snapshot: Snapshot, changes: Changes, report: Report) -> Iterator[str]:
    incident, now = snapshot.state.open_incident, snapshot.at.utc_us
    if changes.between:
        yield plain(heading(changes.between))
    if report.attribution:
        yield plain(report.attribution.words)
    branch = branch_words(changes.between, incident) if changes.between else ""
    yield plain(" · ".join(filter(None, (branch, remote_words(changes, now)))))
    yield "deploys, newest first"
    yield from map(plain, _deploys(report, incident, now))
    if changes.between:
        yield from map(plain, _between(changes.between, now))


def _deploys(report: Report, incident: Incident | None, now: int) -> Iterator[str]:
    deploys = report.deploys
    index = onset_index(deploys, incident.onset.utc_us) if incident else None
    cells = max((len(one.release) for one in deploys), default=0)
    for number in range(len(deploys), -1, -1):
        if number == index and report.attribution is not None:
            yield f"-- onset {', '.join(filter(None, (report.onset, onset_words(report.attribution))))} --"
        if number:
            one = deploys[number - 1]
            told = f"{landing_words(one, incident)}, {how_words(one)}"
            yield f"  {written(one.at)}  {_age(one.at, now):>10}  {one.release:<{cells}}  {told}"


def _between(between: Between, now: int) -> Iterator[str]:
    yield from _section("settings", no_settings(between), between.more_keys, _settings(between))
    yield from (f"  {words}" for words in between.unread)
    files = tuple(f"  {path}" for path in between.migrations or ())
    yield from _section("migrations", no_migrations(between), between.more_migrations, files)
    yield from _section("commits", no_commits(between), between.more_commits, _commits(between, now))
    if between.apart:
        yield f"  {apart_words(between)}"
    yield f"files: {between.files}"
    yield f"  {folders_words(between)}"


def _section(name: str, none: str, more: int, lines: Sequence[str]) -> Iterator[str]:
    yield f"{name}: {none or len(lines) + more}"
    yield from lines
    if more:
        yield f"  and {more:,} more"


def _settings(between: Between) -> tuple[str, ...]:
    """By name, never by value."""
    return tuple(f"  {SIGN[one.what]} {one.what:<7}  {one.key}  {one.file}" for one in between.keys or ())


def _commits(between: Between, now: int) -> tuple[str, ...]:
    author = max((len(one.author) for one in between.commits), default=0)
    return tuple(
        "  ".join(
            filter(
                None,
                (
                    f"  {short(one.id)}",
                    f"{_age(one.at, now):>10}",
                    f"{one.author:<{author}}",
                    one.summary,
                    " ".join(one.tags),
                ),
            )
        )
        for one in between.commits
    )


def _age(at: int, now: int) -> str:
    return age(max(0, now - at) / 1e6)
