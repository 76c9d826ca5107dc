"""What changed, in lines: deploys with the onset among them, settings, migrations, commits, files. Pure."""

from collections.abc import Sequence

from console.core.changes import Between, Changes, Committed
from console.core.changes_words import (
    SIGN,
    apart_words,
    branch_words,
    folders_words,
    heading,
    how_words,
    is_expected,
    landing_words,
    no_commits,
    no_migrations,
    no_settings,
    remote_words,
)
from console.core.deploys import (
    Attribution,
    Landing,
    attributed,
    line_of_deploys,
    onset_index,
    onset_words,
)
from console.core.format import short
from console.core.plan_words import moment
from console.core.presence import Presence, presence
from console.core.protocols import Snapshot
from console.core.state import Incident
from console.core.strategy import Environment
from console.core.words import age
from screens.lines import Line, Role, blank, cell, fit, flush, line, rule, span, wrap

DEPLOYS = 8
"""Landings that are shown; those before them are counted."""
_AGE_CELLS, _AUTHOR_CELLS, _RELEASE_CELLS, _ID_CELLS, _WHAT_CELLS = 9, 14, 20, 8, 7
_VERDICT = {"good": ("✓", Role.GOOD), "bad": ("✗", Role.BAD)}


def diff_view(snapshot: Snapshot, environment: Environment, width: int) -> list[Line]:
    """Everything that the screen says, in lines of `width` cells."""
    changes = snapshot.live.changes if snapshot.live else None
    if changes is None:
        return wrap("No engine has looked yet what changed.", width, Role.WARN)
    deploys = line_of_deploys(changes.releases, snapshot.state.landed)
    incident = snapshot.state.open_incident
    found = attributed(environment, deploys, incident.onset.utc_us) if incident else None
    lines = wrap(heading(changes.between), width, Role.STRONG) if changes.between else []
    lines += wrap(found.words, width, _role(found)) if found else []
    lines += _trouble(snapshot, changes, width)
    lines += _deploys(snapshot, deploys, incident, found, width)
    return [*lines, *(_between(snapshot, changes.between, width) if changes.between else ())]


def _role(found: Attribution) -> Role:
    return Role.WARN if found.may_help is False or found.landing is None else Role.STRONG


def _trouble(snapshot: Snapshot, changes: Changes, width: int) -> list[Line]:
    """How old it is, where the branch stands, and why it may not be complete."""
    incident, between = snapshot.state.open_incident, changes.between
    lines: list[Line] = []
    if presence(snapshot) is not Presence.ALIVE:
        old = age(max(0.0, snapshot.at.seconds_since(changes.at)))
        lines += wrap(f"no engine looks now: so it was {old} ago", width, Role.WARN)
    for words in changes.trouble:
        lines += wrap(words, width, Role.WARN)
    read = remote_words(changes, snapshot.at.utc_us)
    branch = branch_words(between, incident) if between else ""
    expected = between is None or between.branch is None or is_expected(between.branch, incident)
    together = " · ".join(filter(None, (branch, read)))
    return [*lines, *wrap(together, width, Role.DIM if expected else Role.WARN)]


# -- the line of deploys ----------------------------------------------------------------------------


def _deploys(
    snapshot: Snapshot,
    deploys: Sequence[Landing],
    incident: Incident | None,
    found: Attribution | None,
    width: int,
) -> list[Line]:
    """Newest first, as everything else that is listed; what landed before the onset is right below it."""
    lines = [rule(width, span("DEPLOYS", Role.STRONG))]
    onset = onset_index(deploys, incident.onset.utc_us) if incident else None
    first = max(0, min(len(deploys) - DEPLOYS, onset - 1 if onset is not None else len(deploys)))
    for index in range(len(deploys), first, -1):
        if index == onset:
            lines.append(_onset(snapshot, incident, found, width))
        lines.append(_landing(snapshot, deploys[index - 1], width))
    if onset == first:
        lines.append(_onset(snapshot, incident, found, width))
    if first:
        lines += wrap(f"and {first} before", width, Role.DIM)
    return lines if deploys else [*lines, *wrap("none is known", width, Role.DIM)]


def _onset(snapshot: Snapshot, incident: Incident | None, found: Attribution | None, width: int) -> Line:
    at = moment(incident.onset.utc_us, snapshot.at.utc_us) if incident else ""
    after = onset_words(found) if found else ""
    return rule(width, span(f"onset {', '.join(filter(None, (at, after)))}", Role.BAD))


def _landing(snapshot: Snapshot, landing: Landing, width: int) -> Line:
    sign, role = _VERDICT.get(landing.verdict, ("·", Role.PLAIN))
    running = snapshot.state.running
    runs = running is not None and running.release == landing.release
    left = line(
        " ",
        span(sign, role),
        " ",
        *_when(snapshot, landing.at),
        blank(2),
        *cell(span(landing.release, Role.STRONG if runs else Role.PLAIN), _cells(landing)),
        blank(2),
        span(landing_words(landing, snapshot.state.open_incident), role),
    )
    return flush(left, line(blank(1), span(how_words(landing), Role.DIM)), width)


def _cells(landing: Landing) -> int:
    return min(_RELEASE_CELLS, max(8, span(landing.release).cells))


def _when(snapshot: Snapshot, at: int) -> Line:
    """`14:05:10Z`, or of another day `02-22 14:05Z`, and how long ago that is."""
    told = moment(at, snapshot.at.utc_us)
    told = told if " " not in told else f"{told[: told.rindex(':')]}Z"
    old = age(max(0, snapshot.at.utc_us - at) / 1e6)
    return (*cell(span(told), 12), *cell(span(old, Role.DIM), _AGE_CELLS, right=True))


# -- between the two --------------------------------------------------------------------------------


def _between(snapshot: Snapshot, between: Between, width: int) -> list[Line]:
    return [
        *_settings(between, width),
        *_migrations(between, width),
        *_commits(snapshot, between, width),
        rule(width, span("FILES", Role.STRONG), span(f" {between.files}")),
        *wrap(folders_words(between), width),
    ]


def _settings(between: Between, width: int) -> list[Line]:
    """By name, never by value."""
    keys = between.keys or ()
    lines = [_head("SETTINGS", len(keys) + between.more_keys, width)]
    lines += wrap(no_settings(between), width, Role.DIM) if no_settings(between) else []
    for one in keys:
        what = line(" ", span(SIGN[one.what], Role.ACT), " ", *cell(span(one.what), _WHAT_CELLS), blank(2))
        file = span(f" {one.file}", Role.DIM)
        lines.append(
            flush((*what, span(one.key, Role.STRONG)), (file,) if file.cells < width // 2 else (), width)
        )
    lines += _more(between.more_keys, width)
    for words in between.unread:
        lines += wrap(words, width, Role.WARN)
    return lines


def _migrations(between: Between, width: int) -> list[Line]:
    files = between.migrations or ()
    lines = [_head("MIGRATIONS", len(files) + between.more_migrations, width)]
    if words := no_migrations(between):
        return [*lines, *wrap(words, width, Role.DIM)]
    lines += [fit(line("   ", span(path, Role.WARN)), width) for path in files]
    return [*lines, *_more(between.more_migrations, width)]


def _commits(snapshot: Snapshot, between: Between, width: int) -> list[Line]:
    commits = between.commits
    lines = [_head("COMMITS", len(commits) + between.more_commits, width)]
    if words := no_commits(between):
        lines += wrap(words, width, Role.DIM)
    author = min(_AUTHOR_CELLS, max((span(one.author).cells for one in commits), default=0))
    lines += [_commit(snapshot, one, author, width) for one in commits]
    lines += _more(between.more_commits, width)
    return [*lines, *(wrap(apart_words(between), width, Role.WARN) if between.apart else ())]


def _commit(snapshot: Snapshot, one: Committed, author: int, width: int) -> Line:
    old = age(max(0, snapshot.at.utc_us - one.at) / 1e6)
    left = line(
        *cell(span(short(one.id), Role.DIM), _ID_CELLS),
        *cell(span(old), _AGE_CELLS, right=True),
        blank(2),
        *cell(span(one.author), author),
        blank(2),
        one.summary,
    )
    tags = " ".join(one.tags)
    return flush(left, line(span(f" {tags}", Role.STRONG)) if tags else (), width)


def _head(name: str, number: int, width: int) -> Line:
    return rule(width, span(name, Role.STRONG), span(f" {number}" if number else ""))


def _more(number: int, width: int) -> list[Line]:
    return wrap(f"and {number:,} more", width, Role.DIM) if number else []
