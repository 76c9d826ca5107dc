"""The environment file: whether it can be read and swapped, and which backups of it can be used."""

import asyncio
import os
from collections.abc import Iterator

from console.core.checked import Remark, good, lack, warn
from console.core.env_file import EnvFile
from console.core.env_rules import EnvironmentFile
from console.core.format import count
from console.core.secret_names import guards, names_secret
from console.engine.checks.case import Case
from console.targets.env_file import EnvError, EnvFiles

TARGET = "environment file"


async def env_file(case: Case) -> list[Remark]:
    """What there is; nothing where the strategy names none."""
    rules = case.environment.environment_file
    if rules is None:
        return []
    return await asyncio.to_thread(lambda: list(_looked_at(case, rules)))


def _looked_at(case: Case, rules: EnvironmentFile) -> Iterator[Remark]:
    try:
        files = EnvFiles(rules, case.means.folder, lambda key, value: _keep_out(case, key, value))
        found = files.parsed(files.current().raw, files.path)
    except EnvError as error:
        yield lack(TARGET, str(error), "name it in `environment_file.path`, or take the block out")
        return
    yield good(TARGET, f"{files.path}: {count(len(found.settings), 'key')}")
    if not os.access(files.path.parent, os.W_OK | os.X_OK):
        yield lack(TARGET, f"{files.path.parent} is not ours to write to", "have its owner let us")
    yield from _rotations(rules, found)
    yield _backups(files)


def _keep_out(case: Case, key: str, value: str) -> None:
    if names_secret(key) and guards(value):
        case.secrets.register(value)


def _rotations(rules: EnvironmentFile, found: EnvFile) -> Iterator[Remark]:
    for key in rules.rotations:
        if key not in found.settings:
            words = f"`rotated` names {key}, which the file does not set"
            yield warn(TARGET, words, "look whether it is spelt so")


def _backups(files: EnvFiles) -> Remark:
    backups = files.backups()
    known = [one for one in backups if one.manifest is not None]
    if known:
        return good(TARGET, f"{count(len(known), 'backup')} with a manifest, of {len(backups)}")
    words = f"no backup with a manifest matches {files.rules.backups}"
    return lack(TARGET, words, "`warroom env save` makes one; have the deploy pipeline call it")
