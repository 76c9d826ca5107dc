"""The commands of the strategy and the programs of this machine: which of them are there."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from console.core.checked import Remark, good, lack, note, warn
from console.core.errors import StatedError
from console.core.naming import nearest, quoted
from console.core.strategy import Command
from console.core.watched import Containers, Program
from console.engine.checks.case import Case
from console.targets.docker.engine import Docker
from console.targets.git import GitError
from console.targets.process import ProgramError

SIGNS_SINCE = (8, 7)
"""The first OpenSSH whose `ssh-keygen -Y verify` can be told the time that a signature is of."""
_OPENSSH = re.compile(r"OpenSSH_(\d+)\.(\d+)")
_PACKAGE = "package.json"
_MOST = 1 << 20
_LOOK_S = 8.0
_SCRIPTS = {"test": "test", "start": "start", "t": "test"}
"""What npm runs under a word of its own."""

Content = Callable[[str], bytes | None]
"""What a file of the release's tree holds; None where it has none of that name."""


async def commands(case: Case) -> list[Remark]:
    """Whether each command of the strategy can be started, and its script is in the tree."""
    target, tree = "commands", _tree(case)
    run = {step.with_.get("command") for step in case.environment.runbook}
    remarks, there = [], []
    for name, command in case.environment.commands.items():
        if wrong := _wrong(command, tree):
            make = lack if command.gate and name in run else warn
            remarks.append(make(target, f"{name}: {wrong[0]}", wrong[1]))
        else:
            there.append(name)
    if there:
        remarks.append(good(target, f"can be started: {', '.join(there)}"))
    if tree is None and any(_script(command) for command in case.environment.commands.values()):
        remarks.append(
            note(target, "whether their scripts are there shows when the engine has fetched the repository")
        )
    return remarks


def _wrong(command: Command, tree: Content | None) -> tuple[str, str] | None:
    """What keeps a command from running, and what to do; None where nothing does, as far as can be told."""
    program = command.argv[0]
    if "/" in program and not program.startswith("/"):
        if tree is not None and tree(program) is None:
            return f"the release has no file {quoted(program)}", "name the right one in `commands`"
        return None
    if shutil.which(program) is None:
        return f"{quoted(program)} is not on PATH", f"install {program} on the engine's machine"
    script = _script(command)
    if script is None or tree is None:
        return None
    package = tree(_PACKAGE)
    if package is None:
        return f"the release has no {_PACKAGE}", "name another command in `commands`, or take it out"
    try:
        scripts = dict(json.loads(package).get("scripts", {}))
    except (ValueError, TypeError, AttributeError):
        return f"its {_PACKAGE} cannot be read", f"put {_PACKAGE} right"
    if script in scripts:
        return None
    close = nearest(script, scripts)
    near = f": did you mean {quoted(close)}?" if close else ""
    return (
        f"{_PACKAGE} has no script {quoted(script)}{near}",
        "name another in `commands`, take it out, or add the script",
    )


def _script(command: Command) -> str | None:
    """The script of package.json that a command runs; None where it runs none."""
    words = [word for word in command.argv if not word.startswith("-")]
    if words[0] not in ("npm", "pnpm", "yarn") or len(words) < 2:
        return None
    if words[1] in ("run", "run-script"):
        return words[2] if len(words) > 2 else None
    return _SCRIPTS.get(words[1])


def _tree(case: Case) -> Content | None:
    """The tree of the deployed branch: in the engine's clone, or the checkout that the remote is."""
    clone, branch = case.clone(), case.environment.repository.branch
    try:
        commit = clone.branch(branch)
    except GitError:
        checkout = Path(clone.remote)
        return (lambda path: _in_checkout(checkout, path)) if (checkout / ".git").exists() else None

    def content(path: str) -> bytes | None:
        return clone.content(commit, path, _MOST)

    return content


def _in_checkout(checkout: Path, path: str) -> bytes | None:
    try:
        return (checkout / path).read_bytes()
    except OSError:
        return None


async def containers(case: Case) -> list[Remark]:
    """Whether Docker answers and has the containers that the strategy names; nothing where it names none."""
    named = list(dict.fromkeys(_containers(case)))
    if not named:
        return []
    return [await _container(case.docker, name) for name in named]


async def _container(docker: Docker, name: str) -> Remark:
    try:
        await docker.container(name)
    except StatedError as error:
        return lack("containers", str(error))
    return good("containers", f"{name} runs")


def _containers(case: Case) -> Iterator[str]:
    environment = case.environment
    holders = (environment.data, environment.cache)
    yield from (one.container for one in holders if one is not None and one.container)
    for source in environment.sources.values():
        if isinstance(source, Containers):
            yield from source.names


async def needed(case: Case) -> list[Remark]:
    """Programs of this machine that the strategy needs, beside the database's own."""
    target, environment = "programs", case.environment
    remarks = [*_on_path(case)]
    if environment.authorisation.proof == "signature":
        remarks.append(await _signer(case))
    if shutil.which("tmux") is None:
        remarks.append(note(target, "no tmux: a console cannot be shared by it", "install tmux"))
    return remarks


def _on_path(case: Case) -> Iterator[Remark]:
    """git, the paging command, and those of sources that take their time."""
    target, environment = "programs", case.environment
    wanted = {"git": "everything about code", "setpriv": "every program that is started"}
    paging = environment.authorisation.paging
    if paging is not None and paging.command is not None:
        wanted[paging.command[0]] = "paging"
    for name, source in environment.sources.items():
        if isinstance(source, Program):
            wanted[source.argv[0]] = f"source {name}"
    gone = [each for each in wanted if not (shutil.which(each) or (case.means.folder / each).exists())]
    for program in gone:
        words = f"{quoted(program)} is not on PATH: {wanted[program]} needs it"
        yield lack(target, words, f"install {program}")
    if there := [program for program in wanted if program not in gone]:
        yield good(target, f"{', '.join(there)} can be started")
    if paging is not None and paging.command is None:
        yield note(target, "no paging command: people are asked on the screen alone", "name one in `paging`")


async def _signer(case: Case) -> Remark:
    """OpenSSH, without which no signature counts."""
    target = "programs"
    if shutil.which("ssh-keygen") is None:
        return lack(target, "no ssh-keygen, and only signatures open the gate", "install OpenSSH's client")
    try:
        told = await case.means.programs.run(("ssh", "-V"), limit_s=_LOOK_S)
    except ProgramError as error:
        return warn(target, f"which version ssh-keygen is of, nobody says: {error}")
    version = _OPENSSH.search(told.err + told.out)
    if version is None:
        return warn(target, "which version ssh-keygen is of, nobody says", "8.7 or newer is needed")
    if (int(version[1]), int(version[2])) < SIGNS_SINCE:
        words = f"OpenSSH {version[1]}.{version[2]} cannot verify a signature as of its time"
        return lack(target, words, "install 8.7 or newer")
    return good(target, f"ssh-keygen of OpenSSH {version[1]}.{version[2]}")
