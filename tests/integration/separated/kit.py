"""A separated environment: an engine under an account of its own, and consoles under others."""

import os
import pwd
import signal
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

import console
from console.config.paths import BUNDLED
from console.store.layout import Layout
from tests.conftest import require
from tests.integration.drill.kit import Opener, within

GROUP = 61000
"""The engine's, and that of whoever may look and ask."""
CANARY = "canary-7f3a"
"""The secret, wherever it shows."""
SMALL = Path(__file__).parents[2] / "unit" / "strategies" / "small.yaml"
CHANGES = (
    ("localhost:8080", "127.0.0.1:9"),
    ("env:DSN", "file:secret"),
    # Nothing answers there, which is not to open an incident by itself.
    ("mandatory: health_check_failures > 3", "warn: health_check_failures > 3"),
    ("mandatory: database_unavailable", "warn: database_unavailable"),
)
"""What is different in this environment."""
LIMIT_S = 60.0


@dataclass(frozen=True)
class Account:
    """One of the machine; `setpriv` makes a process its own."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    @property
    def before(self) -> tuple[str, ...]:
        """Words in front of a command."""
        groups = f"--groups={','.join(map(str, self.groups))}" if self.groups else "--clear-groups"
        return ("setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", groups, "--")


def _uid(name: str) -> int:
    """Of an account that every machine has and nobody uses: ssh-keygen wants one with a name."""
    return pwd.getpwnam(name).pw_uid


ENGINE = Account(_uid("daemon"), GROUP)
MEMBER = Account(_uid("bin"), 61002, (GROUP,))
OTHER = Account(_uid("games"), 61003, (GROUP,))
STRANGER = Account(_uid("lp"), 61004)


@dataclass(frozen=True)
class House:
    """The files of the environment, and ways to run something in it under any account."""

    folder: Path
    python: str
    environ: dict[str, str]

    @property
    def layout(self) -> Layout:
        """What the engine's account owns."""
        return Layout(self.folder / "state")

    @property
    def secret(self) -> Path:
        """Readable for the engine alone."""
        return self.folder / "secret"

    def argv(self, account: Account | None, *words: str, actor: str = "eng-1") -> list[str]:
        """`warroom`, under that account; None: whoever runs the tests."""
        where = ("--strategy", str(self.folder / "strategy.yaml"), "--as", actor)
        return [*(account.before if account else ()), self.python, "-m", "console", *words, *where]

    def run(
        self, account: Account | None, *words: str, actor: str = "eng-1"
    ) -> subprocess.CompletedProcess[str]:
        """`warroom` under that account, to its end."""
        return self._run(self.argv(account, *words, actor=actor))

    def python_as(self, account: Account, code: str) -> list[str]:
        """The command of a program, with the state folder as its argument."""
        return [*account.before, self.python, "-c", code, str(self.layout.state)]

    def does(self, account: Account, code: str) -> str:
        """What a program prints under that account."""
        done = self._run(self.python_as(account, code))
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _run(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv, env=self.environ, cwd="/", capture_output=True, text=True, check=False, timeout=LIMIT_S
        )

    @contextmanager
    def engine(self) -> "Iterator[subprocess.Popen[str]]":
        """One that runs, started as a service manager starts it; ended, if it was not yet, at the end."""
        log = self.folder / "engine.log"
        with (
            log.open("a") as told,
            subprocess.Popen(
                self.argv(ENGINE, "engine"),
                env=self.environ,
                cwd="/",
                stdout=told,
                stderr=told,
                text=True,
                umask=0o077,  # which must not close what is to be open
            ) as process,
        ):
            try:
                assert within(LIMIT_S, lambda: process.poll() is not None or self._hears(process.pid))
                assert process.poll() is None, log.read_text()
                yield process
            finally:
                process.terminate()
                process.wait(LIMIT_S)

    def _hears(self, pid: int) -> bool:
        return self.layout.live.exists() and msgspec.json.decode(self.layout.live.read_bytes())["pid"] == pid

    def json(self, account: Account, *words: str) -> Any:
        """What a subcommand answers with --json."""
        done = self.run(account, *words, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        return msgspec.json.decode(done.stdout)

    def kinds(self, account: Account) -> list[str]:
        """The kinds of all events, as that account reads them."""
        done = self.run(account, "timeline", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        return [msgspec.json.decode(line)["kind"] for line in done.stdout.splitlines()]


def end(engine: "subprocess.Popen[str]", number: signal.Signals) -> None:
    """Send the signal and wait for the end."""
    engine.send_signal(number)
    engine.wait(LIMIT_S)


def one_line(done: subprocess.CompletedProcess[str], code: int, words: str) -> None:
    """Refused with that code, in a line that says why."""
    assert words in done.stderr, done.stderr
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (code, 1, ""), done.stderr
    assert "fault" not in done.stderr


@contextmanager
def interpreter() -> Iterator[tuple[str, dict[str, str]]]:
    """A Python that every account can run, with Warroom in it; and the environment that it needs."""
    require("becoming other accounts needs root", found=os.geteuid() == 0)
    with tempfile.TemporaryDirectory(prefix="warroom-") as name:
        Path(name).chmod(0o755)
        opener = Opener(ENGINE.before, Path(name) / "open")
        python, libraries = opener.interpreter()
        modules = (Path(console.__file__).parent.parent, Path(sysconfig.get_paths()["purelib"]))
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "PYTHONPATH": ":".join(str(opener.folder(path)) for path in modules),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LD_LIBRARY_PATH": str(libraries),
        }
        yield str(python), environ


@contextmanager
def house(python: str, environ: dict[str, str]) -> Iterator[House]:
    """The files, in a folder that every account can enter; the state folder as an administrator makes it."""
    with tempfile.TemporaryDirectory(prefix="warroom-") as name:
        Path(name).chmod(0o755)
        _write(Path(name))
        yield House(Path(name), python, environ)


def _write(folder: Path) -> None:
    text = SMALL.read_text()
    for old, new in CHANGES:
        assert old in text
        text = text.replace(old, new)
    state = f"    engine: external\n    state: {folder / 'state'}\n    backups: {{folder: backups}}\n"
    (folder / "strategy.yaml").write_text(text.replace("    expected: 10m\n", f"    expected: 10m\n{state}"))
    for name in ("roster.yaml", "revoked_keys"):
        (folder / name).write_bytes((BUNDLED / name).read_bytes())
    (folder / "secret").write_text(f"postgresql://app:{CANARY}@127.0.0.1:9/app\n")
    (folder / "secret").chmod(0o600)
    for name in ("state", "backups"):
        (folder / name).mkdir(mode=0o700)
    for name in ("state", "backups", "secret"):
        os.chown(folder / name, ENGINE.uid, ENGINE.gid)
    for name in ("strategy.yaml", "roster.yaml", "revoked_keys"):
        (folder / name).chmod(0o644)
