"""`warroom check` in a shell of its own, and its remarks as tests want them."""

import asyncio
import io
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import msgspec

from console.core.checked import Sign
from console.core.exits import Exit
from console.subcommands.check import check

LIMIT_S = 60.0
SMALL = Path(__file__).parents[2] / "unit" / "strategies" / "small.yaml"


class Said(NamedTuple):
    """One remark."""

    target: str
    sign: str
    words: str
    to_do: str


def run(
    path: Path, *words: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`warroom check` on a strategy file, with a home of its own, and without our secrets."""
    argv = [sys.executable, "-m", "console", "check", str(path), *words]
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, env=_environ(path, environ), timeout=LIMIT_S
    )
    assert "Traceback" not in done.stderr
    return done


def said(path: Path, *, offline: bool = False, environ: Mapping[str, str] | None = None) -> list[Said]:
    """Every remark about the one environment of that file; in this process, which spares a second each."""
    out = io.StringIO()
    with mock.patch.dict(os.environ, _environ(path, environ), clear=True), redirect_stdout(out):
        assert asyncio.run(check(path, offline=offline, json=True)) == Exit.DONE
    (told,) = msgspec.json.decode(out.getvalue())["environments"].values()
    return [Said(**remark) for remark in told["remarks"]]


def _environ(path: Path, more: Mapping[str, str] | None) -> dict[str, str]:
    return {"HOME": str(path.parent / "home"), "PATH": os.environ["PATH"], **(more or {})}


def about(remarks: list[Said], target: str, *signs: Sign) -> list[str]:
    """What is said of a target, with those signs or with any."""
    return [each.words for each in remarks if each.target == target and (not signs or each.sign in signs)]


def wrong(remarks: list[Said]) -> list[Said]:
    """What is not as it should be."""
    return [each for each in remarks if each.sign in (Sign.LACK, Sign.WARN)]


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one document on stdout."""
    return msgspec.json.decode(done.stdout, type=dict[str, Any])
