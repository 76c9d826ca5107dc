"""`warroom drill`: the rehearsal world, played at the console or run through headless."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter
from msgspec.structs import replace
from platformdirs import user_state_path

from console.config.secrets import child_environment
from console.core.data import bytes_of
from console.core.errors import StatedError
from console.core.exits import Exit
from console.core.protocols import Snapshot
from console.core.words import duration, took
from console.drill.automatic import AUTOMATIC_IN
from console.drill.crew import CrewChoice
from console.drill.files import set_aside
from console.drill.place import DrillError
from console.drill.result import DrillResult
from console.drill.setting import Setting
from console.drill.story import SCENARIOS, STORIES
from console.drill.world import (
    SMALL,
    World,
    WorldWanted,
    keeper_of,
    start_keeper,
    stop_world,
    wait_until_ready,
)
from console.subcommands.tell import line, names_of
from console.subcommands.where import Look

EXITS = {"recovered": Exit.DONE, "mitigated": Exit.DONE, "incomplete": Exit.INCOMPLETE, "failed": Exit.FAILED}
Tell = Callable[[str], None]


class DrillUsageError(StatedError):
    """A combination of options that means nothing."""

    exit = Exit.USAGE


async def drill(
    *,
    env: Literal["testnet", "mainnet-staging", "production"] | None = None,
    scenario: Literal[
        "bad-config",
        "flag",
        "upstream",
        "tls",
        "schema-contract",
        "skew",
        "sick-target",
        "env-file",
        "data-corruption",
        "racing-deploy",
    ]
    | None = None,
    size: str | None = None,
    automatic: Annotated[bool, Parameter(negative="")] = False,
    deploy: Literal["process", "compose"] | None = None,
    headless: bool = False,
    json: bool = False,
    crew: CrewChoice = "auto",
    stop: bool = False,
    dir_: Annotated[Path | None, Parameter(name="--dir")] = None,
    look: Look = "dark",
) -> int:
    """Rehearse: builds a small world with real parts, breaks it, and lets you bring it back.

    Parameters
    ----------
    env
        The environment to rehearse: testnet, if neither it nor a scenario is named.
    scenario
        What goes wrong. In testnet: a bad configuration, if nothing is said; flag, a bad feature behind one;
        upstream, the chain's RPC is down; tls, a certificate has expired; schema-contract, a column was
        renamed; skew, two of six instances do not take the way back. In mainnet-staging: env-file, a wrong
        setting in the environment file. In production: corrupted data; racing-deploy, somebody else deploys
        meanwhile.
    size
        How much data the database begins with, such as 200MB or 1GB; a few thousand rows, if nothing is said.
        Only where the scenario is about data.
    automatic
        Let testnet roll back without being asked; nobody of the crew takes command before it is over.
    deploy
        How the service runs: as a process, if nothing is said; compose, in a container of an image made here,
        in the Docker engine that `docker` would ask.
    headless
        Run the whole rollback without a console; so it is where there is no terminal.
    json
        Print one document on stdout, and what happens on stderr. Headless only.
    crew
        auto: where signatures are asked for, the others sign after a while, each with a key of their own.
        manual: you sign as each of them, with `warroom sign --as HANDLE` and the keys in the drill's folder.
    stop
        End the drill of that folder, and everything that belongs to it.
    dir_
        The drill's folder; a running drill in it is entered again.
    """
    folder = (dir_ or user_state_path("warroom") / "drill").resolve()
    if stop:
        await stop_world(folder, _err)
        return Exit.DONE
    asked = wanted(env, scenario, size, automatic=automatic)
    if deploy == "compose":
        asked = await _in_compose(asked or SMALL)
    headless = headless or json or not _at_terminal()
    if headless and crew == "manual":
        raise DrillUsageError("--crew manual needs somebody to sign: at a terminal, without --headless")
    if headless:
        return await _headless(folder, asked or SMALL, json=json)
    return await _play(folder, asked, look, crew)


def wanted(
    env: str | None, scenario: str | None, size: str | None, *, automatic: bool = False
) -> WorldWanted | None:
    """The world that was asked for, None when nothing was; DrillUsageError when that does not go together."""
    if env is scenario is size is None and not automatic:
        return None
    known = SCENARIOS.get(scenario or "")
    name = env or (known.environment if known else "testnet")
    usual = STORIES[name]
    asked = WorldWanted(name, _bytes(size) if size else 0, "" if known in (None, usual) else scenario or "")
    try:
        story = asked.story
    except DrillError as error:
        raise DrillUsageError(str(error)) from error
    if size is not None and not story.archives:
        raise DrillUsageError(f"--size is for scenarios about data, and {story.scenario} is not")
    if automatic and (name != AUTOMATIC_IN or story != usual):
        usually = STORIES[AUTOMATIC_IN].scenario
        raise DrillUsageError(f"--automatic is rehearsed in {AUTOMATIC_IN}, with {usually}")
    return replace(asked, automatic=automatic)


async def _in_compose(asked: WorldWanted) -> WorldWanted:
    """That world with its service in a container; DrillUsageError where it cannot be."""
    from console.drill.contained import ready
    from console.targets.process import Programs

    if asked.automatic:
        raise DrillUsageError("--automatic is rehearsed with processes: leave out --deploy")
    if asked.story.instances > 1:
        raise DrillUsageError("several instances are rehearsed with processes: leave out --deploy")
    try:
        url = await ready(Programs(child_environment(os.environ), tag=Path("/")))
    except StatedError as error:
        raise DrillUsageError(f"--deploy compose needs Docker and Compose: {error}") from error
    return replace(asked, docker=url)


def _bytes(size: str) -> int:
    try:
        return bytes_of(size)
    except ValueError:
        raise DrillUsageError(f"--size is a size such as 200MB or 1GB, not {size!r}") from None


def _at_terminal() -> bool:
    """Whether a console can be opened: it reads stdin and draws on stderr."""
    return all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


async def _headless(folder: Path, asked: WorldWanted, *, json: bool) -> int:
    from console.drill.headless import Drill

    tell = _err if json else _out
    if keeper_of(folder) is not None:
        raise DrillUsageError(
            f"a drill runs in {folder}: enter it, end it with --stop, or name another --dir"
        )
    world = await _built(folder, asked, tell)
    setting = _setting(folder, world)
    result = await Drill(setting, world, tell, Lines(setting, tell).show).run()
    if json:
        print(msgspec.json.format(msgspec.json.encode(result)).decode())
    else:
        for text in summary(result):
            print(text)
    return EXITS[result.outcome]


async def _play(folder: Path, asked: WorldWanted | None, look: Look, crew: CrewChoice) -> int:
    """The console on the world; leaving it with q ends the drill, a killed console ends nothing."""
    from console.subcommands.play import play

    if keeper_of(folder) is not None:
        world = await wait_until_ready(folder, _out)
        if asked not in (None, world.wanted):
            raise DrillUsageError(
                f"another drill, of {world.wanted.environment}, runs in {folder}: enter it without options, "
                "end it with --stop, or name another --dir"
            )
    else:
        world = await _built(folder, asked or SMALL, _out)
    result = await play(_setting(folder, world), world, look, crew)
    if isinstance(result, str):
        _err(result)
        return Exit.FAILED
    for text in summary(result):
        print(text)
    return EXITS[result.outcome]


async def _built(folder: Path, asked: WorldWanted, tell: Tell) -> World:
    """A fresh world; what the drill before it left in the journal's folder is kept as `last`."""
    starting = await start_keeper(folder, asked)
    async for words in starting.progress():
        tell(words)
    set_aside(folder)
    return World.load(folder)


def _setting(folder: Path, world: World) -> Setting:
    from console.drill.files import write_files

    return write_files(folder, world)


class Lines:
    """Says what is new in a snapshot, as plain lines: every event once, and what a long step is doing."""

    def __init__(self, setting: Setting, tell: Tell) -> None:
        self._names = names_of(setting.environment)
        self._tell = tell
        self._seq = 0
        self._progress = ""

    def show(self, snapshot: Snapshot) -> None:
        """Tell what the last snapshot did not hold yet."""
        for event in snapshot.events:
            if event.seq > self._seq:
                self._tell(line(event, self._names))
                self._seq = event.seq
        doing = "; ".join(self._doing(snapshot))
        if doing and doing != self._progress:
            self._tell(f"         ... {doing}")
        self._progress = doing

    def _doing(self, snapshot: Snapshot) -> list[str]:
        """Steps that have been under way for a second, and how far they are."""
        steps = snapshot.live.steps.items() if snapshot.live else ()
        long = [(name, step) for name, step in steps if snapshot.at.seconds_since(step.since) >= 1]
        return [
            f"{self._names.get(name, name)}: {step.words}"
            + (
                f", {step.done:g} of {step.total:g} {step.unit}"
                if step.done is not None and step.total
                else ""
            )
            for name, step in long
        ]


def summary(result: DrillResult) -> list[str]:
    """The score, in a few lines."""
    clock, data, recovery = result.clock, result.data, result.recovery
    moments = (
        ("detected", clock.detected_s),
        ("declared", clock.declared_s),
        ("authorised", clock.authorised_s),
    )
    later = (("switched", clock.switch_s), ("healthy", clock.healthy_s), ("resolved", clock.resolved_s))
    told = "  ".join(f"{name} {at:.1f} s" for name, at in (*moments, *later) if at is not None)
    lines = [f"{result.outcome}: {result.reason}" if result.reason else result.outcome]
    lines.append(
        f"the service answers {result.release.running or 'nothing'}; target {result.release.target or 'none'}"
    )
    lines += [f"the rollback was held: {result.held}"] if result.held else []
    lines += [f"mitigation {one.name} {one.status}: {one.words}" for one in result.mitigations]
    lines.append(f"since the fault: {told or 'nothing was seen'}")
    if recovery.taken_s is not None:
        met = "met" if recovery.met else "missed"
        lines.append(
            f"gate to healthy: {recovery.taken_s:.1f} s, target {duration(recovery.target_s)}, {met}"
        )
    if data.rows_discarded is not None:
        rows = f"rows: {data.rows_before} at the switch, {data.rows_after} when healthy"
        lines.append(f"{rows}, {data.rows_discarded} lost")
    for stage in result.automatic.stages if result.automatic else ():
        late = "" if stage.met else ", LATE"
        lines.append(f"automatic {stage.id}: {took(stage.seconds)} of {took(stage.budget_s)}{late}")
    valid = "valid" if result.journal.valid else "NOT VALID"
    lines.append(f"journal: {result.journal.events} events, {valid}: {result.journal.path}")
    return lines


def _out(text: str) -> None:
    print(text, flush=True)


def _err(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
