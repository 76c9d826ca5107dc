"""What the tests of the actions share: a remote with a history, an operator who pushes, a world around it."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from actions.action import Action, Inputs, World
from actions.registry import ACTIONS
from console.config.releases import load_releases
from console.core.clock import Stamp
from console.core.plan import CodeChange, Release
from console.core.protocols import Head
from console.core.releases import OnRecord
from console.store.clock import SystemClock
from console.targets.deploy import Deployment, Running
from console.targets.git import Clone, commit_bytes
from console.targets.health import Health
from console.targets.postgres.rows import Rows
from console.targets.process import Finished, Programs
from tests.unit.engine.kit import ENV, environment

NOW = Stamp(1_760_000_400_000_000, "boot", 7_200_000_000)
BRANCH = "rollback/testnet-1760000400"
TOKEN = "INC-7QK2-12345678-step-1"  # noqa: S105 - the name of an attempt


class Operator:
    """Somebody with a working clone of the remote, who pushes when it is least convenient."""

    def __init__(self, folder: Path) -> None:
        self.remote = folder / "remote.git"
        self.work = folder / "work"
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **identity("eng-2")}

    def git(self, *words: str, cwd: Path | None = None) -> str:
        """Run git in the working clone; what it printed."""
        done = subprocess.run(
            ["git", *words],
            cwd=cwd or self.work,
            env=self._environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, message: str, files: Mapping[str, str] | None = None) -> str:
        """Commit those files (or nothing at all) on the branch checked out; its id."""
        for name, text in (files or {}).items():
            (self.work / name).write_text(text)
            self.git("add", name)
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def push(self, message: str, files: Mapping[str, str] | None = None) -> str:
        """Commit on top of what the remote's develop is now, and push; its id."""
        self.git("fetch", "--quiet", "origin")
        self.git("reset", "--quiet", "--hard", "origin/develop")
        commit = self.commit(message, files)
        self.git("push", "--quiet", "origin", "develop")
        return commit

    def delete(self, branch: str) -> None:
        """Take a branch off the remote, by whoever administers it."""
        self.git("update-ref", "-d", f"refs/heads/{branch}", cwd=self.remote)

    def on_remote(self, ref: str = "refs/heads/develop") -> str | None:
        """Full id that the remote has for the ref; None when it has none."""
        listed = self.git("ls-remote", str(self.remote), ref)
        return listed.split()[0] if listed else None

    def tree(self, revision: str) -> str:
        """Tree id of a revision on the remote."""
        return self.git("rev-parse", f"{revision}^{{tree}}", cwd=self.remote)


def identity(handle: str) -> dict[str, str]:
    """The environment in which git commits as that handle."""
    return {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", handle), ("EMAIL", f"{handle}@x.invalid"))
    }


def make_history(folder: Path) -> None:
    """A bare remote: v1.5.0 (good), a merge among the bad ones, v1.5.3 at the head of develop; and clones."""
    operator = Operator(folder)
    init = ("init", "--quiet", "--template=", "--bare", "--initial-branch=develop")
    operator.git(*init, str(operator.remote), cwd=folder)
    operator.git("clone", "--quiet", "--template=", str(operator.remote), str(operator.work), cwd=folder)
    operator.git("checkout", "--quiet", "-b", "develop")
    operator.commit(
        "Release v1.5.0", {"VERSION": "v1.5.0\n", "gas.toml": "cap = 9\n", ".gitignore": "*.log\n"}
    )
    operator.git("tag", "v1.5.0")
    operator.commit("Release v1.5.1", {"VERSION": "v1.5.1\n"})
    operator.git("tag", "v1.5.1")
    operator.git("checkout", "--quiet", "-b", "feature/gas-cap")
    operator.commit("Cap the gas", {"gas.toml": "cap = 1\n", "cap.txt": "new\n"})
    operator.git("checkout", "--quiet", "develop")
    operator.commit("Say more", {"README": "more\n"})
    operator.git("merge", "--quiet", "--no-ff", "-m", "Merge the cap", "feature/gas-cap")
    operator.git("tag", "--annotate", "-m", "worse", "v1.5.2")
    operator.commit("Release v1.5.3", {"VERSION": "v1.5.3\n", "gas.toml": "cap = 0\n"})
    operator.git("tag", "v1.5.3")
    operator.git("push", "--quiet", "--tags", "origin", "develop")
    clone = Clone(folder / "clone.git", str(operator.remote), Recorded(folder))
    operator.git("init", "--quiet", "--template=", "--bare", str(clone.folder), cwd=folder)
    operator.git("--git-dir", str(clone.folder), *clone.fetch_words(), cwd=folder)


def copy_history(source: Path, folder: Path) -> Operator:
    """The remote, the working clone and Warroom's own clone of `source`, for one test alone."""
    for name in ("remote.git", "work", "clone.git"):
        shutil.copytree(source / name, folder / name)
    operator = Operator(folder)
    operator.git("remote", "set-url", "origin", str(operator.remote))
    return operator


class Recorded(Programs):
    """Programs that remember every command line."""

    def __init__(self, folder: Path) -> None:
        super().__init__({"PATH": os.environ["PATH"], "HOME": str(folder)}, tag=folder)
        self.lines: list[tuple[str, ...]] = []

    async def run(self, argv: Sequence[str], **options: Any) -> Finished:
        self.lines.append(tuple(argv))
        return await super().run(argv, **options)


class FakeDeployer:
    """A deployer whose service is a variable."""

    def __init__(self) -> None:
        self.running = Running(None, None, "nobody knows")
        self.writes = True
        self.wishes: list[Deployment] = []
        self.fails: Exception | None = None
        self.lacks: list[str] = []

    def effect(self, release: Release, branch: str, _images: Mapping[str, str] | None = None) -> str:
        return f"run {release.tag} from {branch}"

    async def ready(self, wish: Deployment, progress: Callable[[str], None]) -> list[str]:
        progress(f"looking whether {wish.version} can run")
        return self.lacks

    async def settled(self) -> Running:
        if self.fails is not None:
            raise self.fails
        return self.running

    async def deploy(self, wish: Deployment, progress: Callable[[str], None]) -> None:
        self.wishes.append(wish)
        progress("starting it")
        if self.fails is not None:
            raise self.fails
        self.running = Running(wish.commit, wish.version, f"it runs {wish.commit[:8]}")

    def writers_effect(self, *, stop: bool) -> str:
        return f"{'stop' if stop else 'start'} the service"

    async def stop_writers(self, progress: Callable[[str], None], limit_s: float) -> None:
        progress(f"stopping it within {limit_s:g} s")
        self.writes = False

    async def start_writers(self, progress: Callable[[str], None], limit_s: float) -> None:
        progress(f"starting it within {limit_s:g} s")
        self.writes = True


def answer(version: str | None = "v1.5.0", commit: str | None = None, *, ok: bool = True) -> Health:
    """One answer of a service."""
    return Health(ok, "answers 200" if ok else "answers 503, not 200", version, commit, NOW)


class FakeHealth:
    """A service that gives these answers, the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[Health] = [answer()]
        self.asked = 0

    async def ask(self) -> Health:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


class Said:
    """What an action reports."""

    worsened = ""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.lines: list[str] = []
        self.counted: list[tuple[float | None, float | None, str]] = []
        self.left_s = 60.0
        self.stopping = False

    def __call__(
        self, words: str, *, done: float | None = None, total: float | None = None, unit: str = ""
    ) -> None:
        self.words.append(words)
        self.counted.append((done, total, unit))

    def line(self, text: str) -> None:
        self.lines.append(text)


def listed(path: Path) -> OnRecord:
    """What a file of releases has on record."""
    return OnRecord(load_releases(path), "file", path.name)


class Place:
    """A world in a folder: a real remote and clone, what the service is, and the actions of one plan."""

    def __init__(self, folder: Path, operator: Operator, rows: Rows | None = None, **changes: Any) -> None:
        self.folder = folder
        self.operator = operator
        self.programs = Recorded(folder)
        self.deployer = FakeDeployer()
        self.health = FakeHealth()
        repository = {
            "remote": str(operator.remote),
            "branch": "develop",
            "rollback_branch": "rollback/testnet-{epoch}",
            "recent": 4,
        }
        self.world = World(
            name=ENV,
            environment=environment(repository=repository, **changes),
            clock=SystemClock(),
            programs=self.programs,
            clone=Clone(folder / "clone.git", str(operator.remote), self.programs),
            deployer=self.deployer,
            health=self.health,  # type: ignore[arg-type]  # only its `ask` is used
            rows=rows or Rows(lambda: "", {}),
            stores=None,
            head=lambda: Head(0, bytes(32)),
            releases=lambda: listed(folder / "releases.yaml"),
            worktrees=folder / "worktrees",
            evidence=folder / "evidence",
            base=folder,
        )
        self.clone = self.world.clone

    async def ready(self) -> "Place":
        """The way back to v1.5.0 is worked out, as the planner does it."""
        running, target = self.clone.release(self.clone.branch("develop")), self.clone.release("v1.5.0")
        raw = commit_bytes(target.tree, running.commit, "eng-1", NOW, "Roll back to v1.5.0")
        self.inputs = Inputs(
            incident="INC-7QK2",
            author="eng-1",
            made=1_760_000_400,
            since=1_760_000_000,
            change=CodeChange(
                running=running,
                target=target,
                verdict="good",
                releases_back=3,
                way="restore tree",
                branch=BRANCH,
                restored=await self.clone.write_commit(raw, keep=False),
            ),
            commit=raw.decode(),
        )
        return self

    def action(self, name: str, **options: str) -> Action:
        """That action of the plan, as the runner makes it: from the params that its preview froze."""
        made = ACTIONS[name]
        preview = made.preview(replace(self.inputs, options=options), self.world)
        return made(preview.params, self.world, TOKEN)

    def effects(self, name: str, **options: str) -> tuple[str, ...]:
        """What the plan says that action does."""
        return ACTIONS[name].preview(replace(self.inputs, options=options), self.world).effects

    async def done(self, *names: str) -> None:
        """These actions, performed and proven."""
        for name in names:
            action = self.action(name)
            await action.perform(Said())
            await action.verify()

    @property
    def worktree(self) -> Path:
        """Where the rollback's worktree is."""
        return self.world.worktree(BRANCH)
