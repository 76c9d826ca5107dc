"""The drill's environment file, with a backup for each good release: the bad one runs with another."""

import secrets
import time
from pathlib import Path
from typing import Any

from console.core.env_backups import EnvManifest
from console.core.env_file import parse
from console.core.env_rules import EnvironmentFile
from console.drill.story import Story
from console.targets.env_file import EnvFiles, digest

_HOUR_US = 3_600_000_000
_GAS = {"good": 21_000, "bad": 9}


def write_env_file(environment: Any, folder: Path, name: str, story: Story) -> None:
    """Put them where the strategy of the drill says, once; nothing where it names none."""
    if "environment_file" not in environment:
        return
    files = EnvFiles(EnvironmentFile.model_validate(environment["environment_file"]), folder, _unheard)
    if files.path.exists():
        return
    secret = secrets.token_hex(16)
    files.path.touch(mode=0o600)
    files.path.write_text(_text("bad", secret), encoding="utf-8")
    for verdict in story.verdicts:
        if verdict.verdict == "good":
            text = _text("good", secret)
            files.save(verdict.tag, _manifest(name, verdict.tag, text), text.encode())


def _text(kind: str, secret: str) -> str:
    return f"# made by the drill\nGAS_LIMIT={_GAS[kind]}\nJWT_SECRET={secret}\nLOG_LEVEL=info\n"


def _manifest(name: str, tag: str, text: str) -> EnvManifest:
    return EnvManifest(
        environment=name,
        sha256=digest(text.encode()),
        bytes=len(text),
        mode="0600",
        taken=time.time_ns() // 1000 - _HOUR_US,
        keys=tuple(sorted(parse(text).settings)),
        release=tag,
    )


def _unheard(_key: str, _value: str) -> None:
    """The drill writes nothing of it anywhere else."""
