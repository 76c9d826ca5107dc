"""The drill's own strategy and roster: the bundled ones, pointed at the world, with windows of seconds."""

import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from console.config.loader import load_strategy
from console.config.paths import BUNDLED
from console.config.roster import load_roster
from console.drill.automatic import rehearse_automatic
from console.drill.ci_world import REQUESTS, rehearsed
from console.drill.contained import ContainedAt
from console.drill.env_file import env_rules
from console.drill.keyring import Keyring
from console.drill.pager import PAGES
from console.drill.place import Place
from console.drill.rehearsed import additions
from console.drill.setting import Setting
from console.drill.world import ArchiveAt, World
from console.engine.spawn import EngineWanted

ACTOR = "eng-1"
"""Who plays, and who the crew of a headless drill is; an engineer of the bundled roster."""
NOTE = "windows are seconds, not minutes"
"""What the screen says about the strategy of a drill."""
BEFORE = {"15m": "3s", "1h": "6s"}
"""How long before the onset the recovery point lies, where data can go back; by what it is in the field."""
LOSS_WITH_BULK = 100_000
"""Rows that a yes signs away where much data takes minutes to restore, in which users write on."""
AGAIN, DEPUTY_AFTER, LEVEL = "30s", "75s", "45s"
"""How long silence lasts before people are asked again, and deputies are; how long a level has."""
NOTE_OF_DATA = "seconds, not minutes; data: {before} before the onset"
_MINUTES = re.compile(r"\b(\d+)m\b")
SUITES = {"validate": "walletconnect.validate", "integration": "walletconnect.integration"}
"""Modules of the releases, by the strategy's names of the commands."""
_EVERY, _LIMIT = "250ms", "2s"
_SETTLE = "500ms"
"""Half a minute, at a minute a second."""
_AT_LEAST = 5


def write_files(folder: Path, world: World) -> Setting:
    """Write strategy.yaml and roster.yaml into the drill's folder, and return the setting they make.

    The strategy holds the environment that is rehearsed alone, so that no command needs to be told which.
    """
    name = world.wanted.environment
    yaml = YAML()
    document = yaml.load(BUNDLED / "strategy.yaml")
    for other in set(document["environments"]) - {name}:
        del document["environments"][other]
    _rehearse(document["environments"][name], folder, world)
    strategy, roster = folder / "strategy.yaml", folder / "roster.yaml"
    with strategy.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)
    _write_roster(roster, folder)
    environment = load_strategy(strategy).strategy.environments[name]
    state = folder / "state"
    wanted = EngineWanted(strategy, roster, name, state, with_pid=world.keeper_pid)
    people = load_roster(roster).roster
    return Setting(folder, world.wanted.story, name, environment, ACTOR, people, wanted)


def _write_roster(path: Path, folder: Path) -> None:
    """The bundled people, each with a contact and a key of the drill's, of which none is revoked."""
    yaml, keys = YAML(), Keyring(folder)
    document = yaml.load(BUNDLED / "roster.yaml")
    keys.make(person["handle"] for person in document["people"])
    for person in document["people"]:
        person["keys"] = [keys.public(person["handle"])]
        person["contact"] = f"{person['handle']} in this drill"
    (path.parent / document["revoked"]).touch()
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)


def set_aside(folder: Path) -> None:
    """Move the state of the world before this one to `last`; that of the one before it goes."""
    state, last = folder / "state", folder / "last"
    if state.exists():
        if last.exists():
            shutil.rmtree(last)
        state.rename(last)
        for told in (PAGES, REQUESTS):
            with suppress(FileNotFoundError):  # nobody was paged, no CI was told anything
                (folder / told).rename(last / told)


def _rehearse(environment: Any, folder: Path, world: World) -> None:
    """Point every target at the world, and make a minute of the rules a second."""
    environment["drill"] = NOTE
    environment["state"] = str(folder / "state")
    environment["repository"] |= {
        "remote": world.remote,
        "migrations": ["migrations"],
        "version": "VERSION",
        "config": ["config"],
    }
    environment["settle"] = _SETTLE
    environment["releases"]["file"] = world.releases
    environment["deploy"] = {"kind": "keeper", "socket": world.socket}
    if world.wanted.docker:
        environment["deploy"] = ContainedAt.of(Place(folder), world.wanted.docker).rules()
    if world.ci is not None:
        environment["ci"] = rehearsed(world.ci, folder / "secrets")
    health = f"{world.service_url}/health"
    environment["service"] |= {"url": world.service_url, "health": health, "commit": "commit"}
    if world.instances:
        environment["service"]["instances"] = {name: f"{url}/health" for name, url in world.instances.items()}
    _rehearse_env_file(environment, folder, world)
    dsn = f"file:{folder / 'secrets' / 'postgres.dsn'}"
    environment["data"] |= {
        "dsn": dsn,
        "admin": f"file:{folder / 'secrets' / 'postgres-admin.dsn'}",
        "programs": world.postgres.bin,
    }
    if world.postgres.archive is not None:
        _rehearse_data(environment, folder, world, world.postgres.archive)
    sources = environment["sources"]
    sources["metrics"]["url"] = f"{world.service_url}/metrics"
    sources["health"]["url"] = health
    sources["database"]["dsn"] = dsn
    sources["front_page"]["url"] = f"{world.service_url}/metrics"  # it has no other page
    for metric in environment["metrics"].values():
        _hasten(metric)
    for block, added in additions(world.wanted.story.scenario, folder, world).items():
        environment.setdefault(block, {}).update(added)
    for source in sources.values():
        source |= {"every": _EVERY, "limit": _LIMIT}
    environment["health"] |= {"every": "200ms", "limit": "1s"}
    for step in environment["runbook"]:
        step["expected"] = "1s"
    if "paging" in environment["authorisation"]:
        _rehearse_paging(environment["authorisation"], folder)
    _validate_the_release(environment)
    _try_the_release(environment)
    rehearse_automatic(environment, world)


def _rehearse_paging(rule: Any, folder: Path) -> None:
    """People are paged through a stand-in, and are not waited for as long as in the field."""
    command = [sys.executable, "-m", "console.drill.pager", str(folder), "{handle}", "{contact}"]
    rule["paging"] |= {"command": command, "again": AGAIN, "deputy_after": DEPUTY_AFTER}
    rule["escalation"]["every"] = LEVEL


def _rehearse_data(environment: Any, folder: Path, world: World, archive: ArchiveAt) -> None:
    """Point everything that keeps and restores data at the world, with a recovery point of seconds."""
    before = BEFORE[environment["recovery"]["before"]]
    environment["drill"] = NOTE_OF_DATA.format(before=before)
    environment["cache"]["url"] = f"file:{folder / 'secrets' / 'redis.url'}"
    environment["backups"]["folder"] = str(folder / "backups")
    environment["archive"] |= {"wal": archive.wal, "bases": archive.bases}
    environment["recovery"]["before"] = before
    if world.wanted.bulk:
        environment["recovery"]["loss_at_most"] = LOSS_WITH_BULK


def _rehearse_env_file(environment: Any, folder: Path, world: World) -> None:
    """Point at the environment file, where the service starts with one."""
    story = world.wanted.story
    if story.env is not None:
        rules = env_rules(Place(folder), story, story.env, world.started.utc_us)
        environment["environment_file"] |= rules


def _hasten(metric: Any) -> None:
    """Windows of minutes become windows of seconds, with less to see in each; the thresholds stay."""
    if "at_least" in metric:
        metric["at_least"] = _AT_LEAST
    if "over" in metric.get("measure", {}):
        metric["measure"]["over"] = _seconds(metric["measure"]["over"])
    for rung, condition in metric["rungs"].items():
        metric["rungs"][rung] = _seconds(condition)


def _seconds(text: str) -> str:
    return _MINUTES.sub(r"\1s", text)


def _validate_the_release(environment: Any) -> None:
    """The world's release brings the suites that the runbook asks for, and no other of the commands."""
    asked = [step["with"]["command"] for step in environment["runbook"] if step["action"] == "run-command"]
    environment["commands"] = {name: environment["commands"][name] for name in asked}
    for name, command in environment["commands"].items():
        command["argv"] = [sys.executable, "-m", SUITES[name], "{service_url}"]


def _try_the_release(environment: Any) -> None:
    """The world's releases bring migrations, and a suite that writes: both run on a scratch database."""
    rules = environment["schema"]
    for name, module in (("build", "console.drill.build_schema"), ("rehearse", "console.drill.rehearse")):
        rules[name]["argv"] = [sys.executable, "-m", module]
