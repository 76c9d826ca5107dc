"""The shared terminal: one makes it, others join it with their hands, or only with their eyes."""

import os
import sys
from collections.abc import Sequence
from shlex import join as quoted
from typing import Annotated

from cyclopts import Parameter

from console.core.exits import Exit
from console.store.layout import Layout, Runtime
from console.subcommands.console import console
from console.subcommands.where import Place, Where, find
from console.targets.tmux import SharedTerminal, TmuxError, Window

HERE = Where()
Over = Annotated[
    str | None, Parameter(help="A machine to do it on, as ssh names it: the session is there, you are here.")
]
Print = Annotated[bool, Parameter(name="--print", negative="", help="Only say what would be run.")]


def host(*, print_: Print = False, where: Where = HERE) -> int:
    """Make the shared terminal of an environment, and join it: the console, the engine's log, a shell.

    Where there is no tmux, this is the console by itself.
    """
    place = find(where)
    try:
        shared = _shared(place)
    except TmuxError as error:
        print(f"{error}; until then nobody shares this console", file=sys.stderr)
        console(where=where)
        return Exit.DONE
    if not shared.is_there:
        shared.make(_windows(place), _warroom(place, "status", "--line", "--follow"), _environ(place))
    return _enter(shared.attach(read_only=False), print_=print_)


def join(*, over: Over = None, print_: Print = False, where: Where = HERE) -> int:
    """Join the shared terminal: what you type, you type for everybody."""
    return _join("join", over, where, print_=print_)


def observe(*, over: Over = None, print_: Print = False, where: Where = HERE) -> int:
    """Look at the shared terminal: your keys do nothing, and your window's size counts for nothing."""
    return _join("observe", over, where, print_=print_)


def _join(how: str, over: str | None, where: Where, *, print_: bool) -> int:
    if over is not None:
        named = ["--env", where.env] if where.env else []
        return _enter(["ssh", "-t", over, "warroom", how, *named], print_=print_)
    place = find(where)
    shared = _shared(place)
    if not shared.is_there:
        print(
            f"nobody shares a terminal of {place.name} here: warroom host --env {place.name}", file=sys.stderr
        )
        return Exit.FAILED
    return _enter(shared.attach(read_only=how == "observe"), print_=print_)


def _shared(place: Place) -> SharedTerminal:
    return SharedTerminal(f"warroom-{place.name}", Runtime(place.runtime()).tmux)


def _windows(place: Place) -> list[Window]:
    log = Layout(place.state).log
    return [
        Window("console", _warroom(place, "console", "--as", place.actor)),
        Window("engine", ["tail", "-n", "200", "-F", str(log)]),
        Window("shell", []),
    ]


def _warroom(place: Place, *words: str) -> list[str]:
    files = ["--strategy", str(place.strategy), "--roster", str(place.roster), "--env", place.name]
    return [sys.executable, "-m", "console", *words, *files]


def _environ(place: Place) -> dict[str, str]:
    """So that in the shell `warroom` means this environment."""
    return {
        "WARROOM_STRATEGY": str(place.strategy),
        "WARROOM_ROSTER": str(place.roster),
        "WARROOM_ENV": place.name,
        "WARROOM_AS": place.actor,
    }


def _enter(argv: Sequence[str], *, print_: bool) -> int:
    """Become that command, where there is a terminal for it; else say what it is."""
    if print_ or not sys.stdin.isatty() or not sys.stdout.isatty():
        print(quoted(argv))
        return Exit.DONE
    if "TMUX" in os.environ and argv[0] != "ssh":
        print(f"this terminal is a tmux already: from another one, {quoted(argv)}", file=sys.stderr)
        return Exit.USAGE
    print(quoted(argv), file=sys.stderr)
    return os.execvp(argv[0], list(argv))  # noqa: S606 - it is to have the terminal, with nobody between
