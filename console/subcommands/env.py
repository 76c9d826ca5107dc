"""The environment file: its backups, what differs by name, and the acts about it; no value is printed."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from msgspec import Struct

from console.config.secrets import Secrets
from console.core.env_backups import Judged, Rules, choose
from console.core.env_file import differences
from console.core.errors import StatedError
from console.core.exits import Exit
from console.core.format import count, plain, short
from console.core.moments import written
from console.core.protocols import Snapshot
from console.core.requests import Errand, Replan
from console.core.verbs import SAVE_ENV
from console.core.wishes import SWAP_ENV_BACK
from console.engine.env_files import env_files
from console.store.clock import SystemClock
from console.subcommands.act import do
from console.subcommands.diff import comparison_here
from console.subcommands.follow import run_errand
from console.subcommands.room import enter
from console.subcommands.tell import document
from console.subcommands.where import Place, Where, find
from console.targets.env_file import EnvFiles

HERE = Where()
env = App(name="env", help="The environment file and its backups: names of keys, never a value.")
Json = Annotated[bool, Parameter(help="One document on stdout.")]


class UnknownBackupError(StatedError):
    """There is no such backup, or no environment file at all."""

    exit = Exit.USAGE


class Item(Struct, frozen=True, kw_only=True):
    """A backup."""

    name: str
    path: str
    taken: str | None
    release: str | None
    keys: tuple[str, ...]
    sha256: str | None
    fits: bool
    """Whether a rollback now could use it."""
    why: str
    keeps: tuple[str, ...]
    """Keys that would keep today's values."""


class Listing(Struct, frozen=True, kw_only=True):
    """All of them, newest first; with `--json`, printed as it stands here."""

    schema: Literal["warroom.env/1"] = "warroom.env/1"
    environment: str
    path: str
    onset: str
    """What a backup that names no release must end before: the incident's, or now."""
    chosen: str | None
    backups: tuple[Item, ...]


class Diff(Struct, frozen=True, kw_only=True):
    """Keys that would change; with `--json`, printed as it stands here."""

    schema: Literal["warroom.env-diff/1"] = "warroom.env-diff/1"
    environment: str
    backup: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


@env.command(name="list")
def list_(*, json: Json = False, where: Where = HERE) -> None:
    """All backups, newest first: which one a rollback would use, and why not the others."""
    place = find(where)
    snapshot, files = enter(place).snapshot(), _files(place)
    rules = _rules(place, snapshot, files)
    chosen, judged = choose(files.backups(), rules)
    told = Listing(
        environment=place.name,
        path=str(files.path),
        onset=written(rules.onset),
        chosen=chosen.backup.name if chosen else None,
        backups=tuple(map(_item, judged)),
    )
    print(document(told) if json else "\n".join(map(plain, _lines(told))))


@env.command
def diff(backup: str | None = None, *, json: Json = False, where: Where = HERE) -> None:
    """Which keys would be set otherwise by a backup, by name alone.

    Parameters
    ----------
    backup
        Its name, as `warroom env list` has it; the one that a rollback would use, if none is named.
    """
    place = find(where)
    files = _files(place)
    judged = _wanted(place, files, backup)
    manifest = judged.backup.manifest
    if manifest is None:
        raise UnknownBackupError(f"{judged.backup.name}: {judged.why}")
    today = files.parsed(files.current().raw, files.path)
    path = Path(judged.backup.path)
    apart = differences(today, files.parsed(files.read(path, manifest.sha256), path))
    told = Diff(
        environment=place.name,
        backup=judged.backup.name,
        added=apart.added,
        removed=apart.removed,
        changed=apart.changed,
    )
    print(document(told) if json else plain(f"{judged.backup.name}: {apart.words}"))


@env.command
def save(*, json: Json = False, where: Where = HERE) -> int:
    """Save the file as it is, with a manifest that names what runs; for a pipeline before it deploys."""
    place = find(where)
    running = enter(place).snapshot().state.running
    named = {"tag": running.release, "commit": running.commit or ""} if running else {}
    ended = asyncio.run(run_errand(enter(place), Errand(SAVE_ENV, named), SAVE_ENV))
    print(document(ended) if json else f"{ended.id} {ended.outcome}: {plain(ended.words)}")
    return ended.exit


@env.command
def swap_back(*, where: Where = HERE) -> None:
    """Put back what the file held before this incident swapped it; through the gate, as any plan."""
    do(find(where), Replan(SWAP_ENV_BACK))


def _files(place: Place) -> EnvFiles:
    files = env_files(place.loaded, place.environment, Secrets(os.environ, place.strategy.parent))
    if files is None:
        raise UnknownBackupError(f"the strategy names no `environment_file` of {place.name}")
    return files


def _rules(place: Place, snapshot: Snapshot, files: EnvFiles) -> Rules:
    """As a plan would judge them: by the plan that there is, else by what runs."""
    incident = snapshot.state.open_incident
    code = incident.plan.code if incident and incident.plan else None
    known = comparison_here(place, snapshot).releases().known
    return Rules(
        target=code.target if code else None,
        running=code.running if code else None,
        onset=incident.onset.utc_us if incident else SystemClock().now().utc_us,
        rotated=files.rules.rotations,
        older=files.rules.older,
        bad=frozenset(one.tag for one in known if one.verdict == "bad"),
    )


def _wanted(place: Place, files: EnvFiles, name: str | None) -> Judged:
    chosen, judged = choose(files.backups(), _rules(place, enter(place).snapshot(), files))
    found = chosen if name is None else next((one for one in judged if one.backup.name == name), None)
    if found is None:
        there_are = ", ".join(one.backup.name for one in judged) or "none"
        which = "that a rollback could use" if name is None else name
        raise UnknownBackupError(f"no backup {which}; there are {there_are}")
    return found


def _item(judged: Judged) -> Item:
    backup, manifest = judged.backup, judged.backup.manifest
    return Item(
        name=backup.name,
        path=backup.path,
        taken=written(manifest.taken) if manifest else None,
        release=(manifest.release or None) if manifest else None,
        keys=manifest.keys if manifest else (),
        sha256=manifest.sha256 if manifest else None,
        fits=judged.fits,
        why=judged.why,
        keeps=judged.keeps,
    )


def _lines(told: Listing) -> Iterator[str]:
    yield f"{told.path}: {count(len(told.backups), 'backup')}, newest first"
    width = max((len(one.name) for one in told.backups), default=0)
    for one in told.backups:
        sign = ">" if one.name == told.chosen else " "
        facts = f"{one.taken or '-':20}  {one.release or '-':10}  {short(one.sha256 or '-'):8}"
        yield f"{sign} {one.name:<{width}}  {facts}  {one.why}"
