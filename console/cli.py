"""The command line: names of the subcommands, and what becomes of their errors. Everything else is lazy."""

import os
import sys
import traceback
from typing import TYPE_CHECKING, NoReturn

from console import __version__
from console.core.errors import StatedError
from console.core.exits import Exit

if TYPE_CHECKING:
    from cyclopts import App

SUBCOMMANDS = {
    "console": "console:console",
    "drill": "drill:drill",
    "init": "files:init",
    "check": "check:check",
    "status": "look:status",
    "timeline": "look:timeline",
    "plan": "look:plan",
    "steps": "look:steps",
    "diff": "diff:diff",
    "card": "card:card",
    "metrics": "metrics:metrics",
    "keys": "look:keys",
    "go": "act:go",
    "declare": "act:declare",
    "severity": "act:severity",
    "role": "staff:role",
    "handover": "staff:handover",
    "assign": "staff:assign",
    "task": "staff:task",
    "replan": "act:replan",
    "request": "authorise:request",
    "sign": "authorise:sign",
    "approve": "authorise:approve",
    "revoke": "authorise:revoke",
    "waive": "authorise:waive",
    "page": "page_people:page",
    "standing": "standing:standing",
    "automatic": "automatic:automatic",
    "review": "review:review",
    "note": "act:note",
    "tick": "act:tick",
    "allow": "act:allow",
    "run": "run:run",
    "pace": "run:pace",
    "undo": "run:undo",
    "abort": "act:abort",
    "mitigate": "mitigate:mitigate",
    "resume": "act:resume",
    "resolve": "act:resolve",
    "backup": "data:backup",
    "verify-backup": "data:verify_backup",
    "restore": "data:restore",
    "rows": "data:rows",
    "onset": "data:onset",
    "cache": "data:cache",
    "swap-back": "data:swap_back",
    "unfreeze": "data:unfreeze",
    "health": "health:health",
    "watch": "engine:watch",
    "engine": "engine:engine",
    "journal": "journal:journal",
    "host": "shared:host",
    "join": "shared:join",
    "observe": "shared:observe",
}
"""Name to `module:function` in console.subcommands, imported only when it is called."""

TRACE = "WARROOM_TRACE"
"""Environment variable that has a fault of ours shown with its traceback."""
OF_THE_PROGRAM = ("--help", "-h", "--version")
"""Options that are not the console's."""


def make_app() -> "App":
    """The application, with nothing of it imported yet."""
    from cyclopts import App

    app = App(name="warroom", version=__version__, help="Undo a bad release, with everybody watching.")
    for name, target in SUBCOMMANDS.items():
        app.command(f"console.subcommands.{target}", name=name)
    return app


def with_default(argv: list[str]) -> list[str]:
    """`argv` with the console put in where no subcommand is named."""
    if not argv or (argv[0].startswith("-") and argv[0] not in OF_THE_PROGRAM):
        return ["console", *argv]
    return argv


def main() -> NoReturn:
    """Run the command line; every error a user can cause is one line on stderr and an exit code."""
    if sys.argv[1:] == ["--version"]:  # answered before anything is imported that could take its time
        print(__version__)
        sys.exit(Exit.DONE)
    try:
        code = make_app()(with_default(sys.argv[1:]), result_action="return_value")
    except StatedError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has gone: nothing to say, and nobody to say it to
        sys.stderr.close()
        sys.exit(Exit.DONE)
    except Exception as error:  # a fault of ours: still one line, and the way to all of it
        if os.environ.get(TRACE):
            raise
        at = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__}: {error}, at {at.filename}:{at.lineno}"
        print(f"a fault in Warroom itself: {what}; {TRACE}=1 shows all of it", file=sys.stderr)
        sys.exit(Exit.FAILED)
    sys.exit(code if isinstance(code, int) else Exit.DONE)
