"""`warroom check`: the files first, with line and column; then every target that the strategy names."""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from actions.registry import ACTIONS
from console.config.check import advice, check_files, summary
from console.config.loader import LoadedStrategy, load_strategy
from console.config.mistakes import Mistake
from console.config.paths import roster_path, state_path, strategy_path
from console.config.roster import load_roster
from console.config.secrets import Secrets, child_environment
from console.core.checked import Remark, Sign, count_of, to_begin_with
from console.core.clock import Clock
from console.core.exits import Exit
from console.core.format import count
from console.engine.checks.case import Case
from console.engine.checks.run import OFFLINE, PROBES
from console.engine.checks.run import check as ask
from console.engine.watchers import Means
from console.store.clock import SystemClock
from console.subcommands.tell import document
from console.subcommands.where import WhereError
from console.targets import web
from console.targets.process import Programs

SCHEMA = "warroom.check/1"
SIGNS = {Sign.GOOD: "✓", Sign.NOTE: "·", Sign.WARN: "!", Sign.LACK: "✗"}
_NARROW = 40
"""A terminal narrower than this is written to as if it were so wide."""


async def check(
    file: Path | None = None,
    *,
    env: str | None = None,
    roster: Path | None = None,
    offline: bool = False,
    json: bool = False,
) -> int:
    """Check the strategy and the roster beside it, then ask every target that the strategy names.

    Every mistake of the files is told at once, with file, line and column. Of files without one, each target
    is asked, all at once and for 14 s at most: whether it answers, which metric really exists and where it
    would stand, which table, command and program is there, how old the recovery window is, and what to do
    about each lack. Nothing is changed anywhere. What is lacking is advice: the exit code is the files'.

    Parameters
    ----------
    file
        The strategy file; the one that would be used, if none is named.
    env
        One environment; all of them, if none is named.
    offline
        Ask nobody: the files, the secrets, and the programs of this machine alone.
    """
    path, clock = strategy_path(file), SystemClock()
    now = clock.now()
    people = roster_path(path, roster)
    known = people if people.exists() or roster else None
    today = datetime.fromtimestamp(now.utc_us / 1e6, tz=UTC).date().isoformat()
    mistakes = check_files(path, known, ACTIONS, today)
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    if mistakes:
        if json:
            print(document(_document(path, mistakes=mistakes)))
        return Exit.USAGE
    loaded = load_strategy(path)
    width = max(_NARROW, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None
    names = _chosen(loaded, env)
    advised = advice(loaded.strategy, load_roster(known).roster) if known else []
    if not json:
        for line in (*summary(loaded, now), *advised):
            print(*_wrapped(line, "", width), sep="\n", flush=True)  # it need not wait for servers
    remarks = await _asked(loaded, names, clock, offline=offline)
    if json:
        print(document(_document(path, sha256=loaded.sha256, advised=advised, remarks=remarks)))
    else:
        for line in told(remarks, width):
            print(line)
    return Exit.DONE


def _chosen(loaded: LoadedStrategy, env: str | None) -> list[str]:
    environments = list(loaded.strategy.environments)
    if env is None:
        return environments
    if env not in environments:
        raise WhereError(f"{loaded.path}: no environment {env}; there are {', '.join(environments)}")
    return [env]


async def _asked(
    loaded: LoadedStrategy, names: Sequence[str], clock: Clock, *, offline: bool
) -> dict[str, list[Remark]]:
    """What the targets of those environments say."""
    base = loaded.path.absolute().parent
    secrets = Secrets(os.environ, base)
    programs = Programs(child_environment(os.environ), tag=base)
    async with web.new_client() as client:
        means = Means(client, secrets.resolve, clock, programs, base, secrets.redact)
        cases = []
        for name in names:
            environment = loaded.strategy.environments[name]
            state = Path(environment.state) if environment.state else state_path(name)
            cases.append(Case(name, environment, means, secrets, state))
        return await ask(cases, secrets.redact, OFFLINE if offline else PROBES)


def told(remarks: Mapping[str, Sequence[Remark]], width: int | None) -> Iterator[str]:
    """What is printed, wrapped to `width` where that is given: then what to begin with."""
    for name, found in remarks.items():
        yield ""
        yield f"{name}: {_sum(found)}"
        target = ""
        for remark in found:
            if remark.target != target:
                target = remark.target
                yield f"  {target}"
            yield from _wrapped(remark.words, f"    {SIGNS[remark.sign]} ", width)
            for number, line in enumerate(remark.to_do.splitlines()):
                # What belongs into a file is to be copied as it is.
                as_it_is = line.startswith(" ")
                yield from _wrapped(line, "      " if number else "      → ", None if as_it_is else width)
    yield ""
    yield from _wrapped(_first(remarks), "", width)


def _wrapped(text: str, before: str, width: int | None) -> list[str]:
    if width is None:
        return [before + text]
    after = " " * len(before)
    return textwrap.wrap(
        text, width, initial_indent=before, subsequent_indent=after, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _sum(found: Sequence[Remark]) -> str:
    lacks, warnings, fine = (count_of(found, sign) for sign in (Sign.LACK, Sign.WARN, Sign.GOOD))
    words = [count(lacks, "lack"), count(warnings, "warning")]
    told = [word for word in words if not word.startswith("0 ")]
    return f"{', '.join(told) or 'nothing is lacking'}, {fine} as they should be"


def _first(remarks: Mapping[str, Sequence[Remark]]) -> str:
    """The one thing to do first, of all environments."""
    for name, found in remarks.items():
        if (each := to_begin_with(found)) is not None:
            to_do = each.to_do.partition("\n")[0]
            advised = f"; {to_do}" if to_do else ""
            return f"begin with {name}, {each.target}: {each.words}{advised}"
    return "nothing to do: every target is as the strategy needs it"


def _document(
    path: Path,
    *,
    mistakes: Sequence[Mistake] = (),
    sha256: str | None = None,
    advised: Sequence[str] = (),
    remarks: Mapping[str, Sequence[Remark]] | None = None,
) -> dict[str, Any]:
    """What `--json` prints."""
    found = remarks or {}
    return {
        "schema": SCHEMA,
        "file": str(path),
        "sha256": sha256,
        "mistakes": [each._asdict() for each in mistakes],
        "advice": list(advised),
        "environments": {
            name: {
                "lacks": count_of(told, Sign.LACK),
                "warnings": count_of(told, Sign.WARN),
                "remarks": list(told),
            }
            for name, told in found.items()
        },
    }
