"""The deployment's git repository: a clone of our own, read with GitPython, written with git itself.

GitPython's guards against options smuggled in as names have been bypassed many times; so every name from
outside is checked and resolved to a full commit id here before anything uses it, and whatever writes or
talks to the remote is a plain git command with hooks off, no prompt, and the `ext` protocol refused.
"""

import asyncio
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import git
import git.exc
from msgspec import Struct

from console.core.clock import Stamp
from console.core.errors import StatedError
from console.core.format import short, size
from console.core.plan import Release
from console.targets.process import Finished, ProgramError, Programs

_FULL_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SHORTEST_ID = 7
_NAME = re.compile(r"(?!.*\.\.)(?!.*@\{)[A-Za-z0-9][A-Za-z0-9._/+-]*")
_SAFE = (
    "core.hooksPath=/dev/null",
    "protocol.ext.allow=never",
    "gc.auto=0",
    "commit.gpgSign=false",
    "advice.detachedHead=false",
)
_SEEN = "refs/warroom/seen"
"""Where branches and tags stand as they were on the remote when it was last looked at."""
_LOOKED = "warroom-looked"
"""The file in the clone that is as old as the last look."""
_NEVER = Stamp(0, "", 0)
"""When commits are made that nobody keeps."""
_BINARY_WITHIN = 8_000
"""Bytes among which a zero makes a file one that is not text, as git has it."""
_PROTECTED = re.compile(
    r"GH006|GH013|protected branch|repository rule violations|pre-receive hook declined", re.IGNORECASE
)
"""Of a refused push, that it is not ours to make: GitHub's own words, and any host's hook."""
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_ADVICE": "0"}


class GitError(StatedError):
    """Git would not do it; the message is one line."""


class ProtectedError(GitError):
    """The remote does not let that branch be pushed to; nothing was moved."""


class Commit(Struct, frozen=True):
    """A commit as people want to read it."""

    id: str
    author: str
    committed_us: int
    """Microseconds since 1970, UTC."""
    summary: str
    tags: tuple[str, ...]
    parents: tuple[str, ...] = ()
    """Full ids; two or more of a merge."""


class Merged(Struct, frozen=True):
    """What a merge of three trees comes to."""

    tree: str
    """Full id of the tree, with marks of conflict in it where there are any."""
    conflicts: tuple[str, ...]
    """Paths that are not the one nor the other."""


class Update(Struct, frozen=True):
    """One ref to move on the remote, from where it must be now."""

    ref: str
    commit: str
    """Where it is moved to; empty: it is deleted."""
    expected: str | None
    """The full id that the ref must have now; None when it must not exist."""


def argv(*words: str) -> tuple[str, ...]:
    """A git command line with everything off that could run somebody else's code."""
    safe = tuple(word for setting in _SAFE for word in ("-c", setting))
    return ("git", *safe, *words)


class Clone:
    """Warroom's own bare clone of one remote; nobody works in it, and no one else's worktree is touched."""

    def __init__(self, folder: Path, remote: str, programs: Programs) -> None:
        self.folder = folder
        self.remote = remote
        self._programs = programs
        self._making = asyncio.Lock()

    def command(self, words: Sequence[str]) -> str:
        """The line that is run for those words on the clone, to be shown before it happens."""
        return shlex.join(self._argv(words, None))

    def fetch_words(self) -> tuple[str, ...]:
        """The exact fetch: every branch and every tag, as they are on the remote now."""
        refs = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
        return ("fetch", "--prune", "--progress", "--no-write-fetch-head", "--", self.remote, *refs)

    async def fetch(self, on_line: Callable[[str], None], limit_s: float) -> None:
        """Bring branches and tags of the remote here; makes the clone the first time."""
        await self._make(limit_s)
        await self._git(self.fetch_words(), limit_s=limit_s, on_line=on_line)

    async def look(self, limit_s: float) -> None:
        """Bring here what the remote has, to be read: no ref is moved that anything is planned from.

        It may run beside a fetch, and neither can stand in the other's way.
        """
        await self._make(limit_s)
        refs = (f"+refs/heads/*:{_SEEN}/heads/*", f"+refs/tags/*:{_SEEN}/tags/*")
        words = (
            "fetch",
            "--prune",
            "--no-tags",
            "--quiet",
            "--no-write-fetch-head",
            "--",
            self.remote,
            *refs,
        )
        await self._git(words, limit_s=limit_s)
        try:
            (self.folder / _LOOKED).touch()
        except OSError as error:
            raise GitError(f"{self.folder} cannot be written: {error.strerror}") from error

    def looked(self) -> int | None:
        """When the remote was last looked at, UTC microseconds; None: never."""
        try:
            return (self.folder / _LOOKED).stat().st_mtime_ns // 1000
        except FileNotFoundError:
            return None
        except OSError as error:
            raise GitError(f"{self.folder} cannot be read: {error.strerror}") from error

    async def _make(self, limit_s: float) -> None:
        async with self._making:
            if (self.folder / "HEAD").exists():
                return
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise GitError(f"no clone can be made at {self.folder}: {error.strerror}") from error
            await self._git(("init", "--bare", "--quiet"), limit_s=limit_s)

    def branch(self, name: str) -> str:
        """Full id of the remote's branch, as of the last fetch."""
        return self._resolve(f"refs/remotes/origin/{_checked(name)}", f"branch {name}")

    def seen_branch(self, name: str) -> str:
        """Full id of the remote's branch, as of the last look."""
        return self._resolve(f"{_SEEN}/heads/{_checked(name)}", f"branch {name}")

    def commit_told(self, told: str) -> str:
        """Full id of a commit as a service tells it, perhaps abbreviated."""
        if not re.fullmatch(rf"[0-9a-f]{{{_SHORTEST_ID},64}}", told):
            raise GitError(f"{told!r} is not a commit id")
        return self._resolve(told, f"commit {short(told)}")

    def commit_named(self, name: str) -> str:
        """Full id of a commit as people name it: by a tag, or by its id, perhaps abbreviated."""
        with suppress(GitError):
            return self._resolve(f"refs/tags/{_checked(name)}", f"tag {name}")
        return self.commit_told(name)

    def seen_tag(self, name: str) -> str:
        """Full id of the commit that the remote's tag is on, as of the last look."""
        return self._resolve(f"{_SEEN}/tags/{_checked(name)}", f"tag {name}")

    def commit_of(self, name: str) -> str:
        """Full commit id of a tag or of a full id; raises GitError when there is none."""
        if _FULL_ID.fullmatch(name):
            return self._resolve(name, f"commit {short(name)}")
        return self._resolve(f"refs/tags/{_checked(name)}", f"tag {name}")

    def tree_of(self, commit: str) -> str:
        """Full tree id of a commit; GitError when the clone does not have it."""
        with self._repository() as repo:
            return repo.commit(self.commit_of(commit)).tree.hexsha

    def release(self, name: str) -> Release:
        """A tag or commit as a release: by all its ids."""
        commit = self.commit_of(name)
        with self._repository() as repo:
            tags = _tags(repo).get(commit, ())
        tag = name if name in tags else next(iter(tags), short(commit))
        return Release(tag=tag, commit=commit, tree=self.tree_of(commit))

    def log(self, since: str | None, until: str, limit: int) -> tuple[Commit, ...]:
        """Up to `limit` commits that `until` has and `since` has not, newest first."""
        span = until if since is None else f"{since}..{until}"
        with self._repository() as repo:
            tags = _tags(repo)
            return tuple(_told(commit, tags) for commit in repo.iter_commits(span, max_count=limit))

    def commits(self, ids: Sequence[str]) -> tuple[Commit, ...]:
        """Those commits, by full ids."""
        with self._repository() as repo:
            tags = _tags(repo)
            return tuple(_told(repo.commit(_full(one)), tags) for one in ids)

    def lineage(self, head: str, *, first_parents: bool = False) -> tuple[str, ...]:
        """Full ids of a commit and all before it, none before its children; or along first parents alone."""
        with self._repository() as repo:
            how = "--first-parent" if first_parents else "--topo-order"
            return tuple(str(repo.git.rev_list(how, _full(head))).split())

    def apart(self, one: str, other: str) -> tuple[int, int]:
        """How many commits the one has that the other has not, and the other way round; by full ids."""
        with self._repository() as repo:
            ids = f"{_full(one)}...{_full(other)}"
            mine, yours = str(repo.git.rev_list("--left-right", "--count", ids)).split()
            return int(mine), int(yours)

    def changed(self, before: str, after: str) -> tuple[str, ...]:
        """Paths that differ between two commits."""
        with self._repository() as repo:
            diff = repo.commit(before).diff(repo.commit(after))
            return tuple(sorted({path for entry in diff for path in (entry.a_path, entry.b_path) if path}))

    def has(self, commit: str, path: str) -> bool:
        """Whether a commit has that file or folder."""
        with self._repository() as repo:
            return _entry(repo, commit, path) is not None

    def files(self, commit: str, folder: str) -> tuple[str, ...]:
        """Paths of the files that lie in a folder of a commit, not of those in folders below; in order."""
        with self._repository() as repo:
            entry = _entry(repo, commit, folder)
            return (
                tuple(sorted(str(blob.path) for blob in entry.blobs)) if isinstance(entry, git.Tree) else ()
            )

    def content(self, commit: str, path: str, most: int) -> bytes | None:
        """What a text file holds in a commit, checked out nowhere; None where the commit does not have it.

        GitError for what is no text file of at most `most` bytes; the message follows the file's name.
        """
        with self._repository() as repo:
            entry = _entry(repo, commit, path)
            if entry is None:
                return None
            if not isinstance(entry, git.Blob) or entry.mode == git.Blob.link_mode:
                raise GitError("is no file of its own")
            if entry.size > most:
                raise GitError(f"is too large to be compared: {size(entry.size)}")
            raw: bytes = entry.data_stream.read()
        if b"\0" in raw[:_BINARY_WITHIN]:
            raise GitError("is no text")
        return raw

    def commit_words(self, *, keep: bool) -> tuple[str, ...]:
        """The words that make a commit object of what they are fed, or only tell its id."""
        return ("hash-object", "-t", "commit", *(("-w",) if keep else ()), "--stdin")

    async def write_commit(self, raw: bytes, *, keep: bool) -> str:
        """Full id that a commit object of those bytes has; stored in the clone when `keep`."""
        return (await self._git(self.commit_words(keep=keep), limit_s=30, stdin=raw)).out.strip()

    async def merged(self, base: str, ours: str, theirs: str) -> Merged:
        """What changed from one tree to another, brought into `ours`; by full ids, checked out nowhere.

        Git merges commits (`git merge-tree --write-tree`, from git 2.38 on), so the trees become some first.
        """
        origin = await self._commit_for_merge(base, None)
        sides = [await self._commit_for_merge(tree, origin) for tree in (ours, theirs)]
        words = ("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", *sides)
        done = await self._git(words, limit_s=60, good=(0, 1))
        tree, *paths = done.out.rstrip("\0").split("\0")
        return Merged(tree, tuple(paths) if done.code else ())

    async def _commit_for_merge(self, tree: str, parent: str | None) -> str:
        return await self.write_commit(commit_bytes(tree, parent, "warroom", _NEVER, "merge"), keep=True)

    def worktree_words(self, path: Path, branch: str, commit: str) -> tuple[str, ...]:
        """The words that check a commit out at `path`, on the new branch `branch`."""
        return ("worktree", "add", "--quiet", "-B", _checked(branch), "--", str(path), commit)

    async def add_worktree(self, path: Path, branch: str, commit: str) -> None:
        """A worktree of its own at `path`, on the new branch `branch`, at `commit`."""
        await self._git(self.worktree_words(path, branch, commit), limit_s=120)

    async def add_detached(self, path: Path, commit: str) -> None:
        """A worktree of its own at `path`, at `commit`, on no branch."""
        words = ("worktree", "add", "--quiet", "--detach", "--", str(path), commit)
        await self._git(words, limit_s=120)

    async def remove_worktree(self, path: Path) -> None:
        """Take a worktree away again, also one that is only half there; its branch and commits stay."""
        if path.exists():
            await asyncio.to_thread(shutil.rmtree, path)
        await self._git(("worktree", "prune"), limit_s=30)

    async def state_of(self, worktree: Path) -> tuple[str, str, bool]:
        """Commit id and tree id of a worktree, and whether its files are exactly that tree."""
        head = await self._git(("rev-parse", "HEAD", "HEAD^{tree}"), worktree=worktree, limit_s=30)
        status = await self._git(("status", "--porcelain", "--ignored"), worktree=worktree, limit_s=60)
        commit, tree = head.out.split()
        return commit, tree, not status.out.strip()

    async def on_remote(self, ref: str, limit_s: float = 30) -> str | None:
        """Full id that the remote has for a ref now; None when it has none. Asks the remote itself."""
        listed = await self._git(("ls-remote", "--", self.remote, ref), limit_s=limit_s)
        return next((line.split()[0] for line in listed.out.splitlines() if line.split()[1:] == [ref]), None)

    async def refs_on_remote(self, limit_s: float = 30) -> dict[str, str]:
        """Full ids by ref that the remote has now, without a clone; of a tag, that of its commit."""
        listed = await self._git(("ls-remote", "--heads", "--tags", "--", self.remote), limit_s=limit_s)
        told = (line.split() for line in listed.out.splitlines())
        # What a tag stands for comes after the tag, as `refs/tags/v1^{}`.
        return {ref.removesuffix("^{}"): found for found, ref in told}

    def push_words(self, updates: Sequence[Update]) -> tuple[str, ...]:
        """The exact push: all refs or none, each with an explicit lease on the id it must have now."""
        leases = tuple(f"--force-with-lease={u.ref}:{u.expected or ''}" for u in updates)
        refs = tuple(f"{u.commit}:{u.ref}" for u in updates)
        return ("push", "--porcelain", "--no-verify", "--atomic", *leases, "--", self.remote, *refs)

    async def push(self, updates: Sequence[Update], on_line: Callable[[str], None], limit_s: float) -> None:
        """Push; raises GitError with the remote's reason when any ref was refused (then none was moved).

        It is a ProtectedError where the remote's rules refuse it, whatever the lease.
        """
        try:
            await self._git(self.push_words(updates), limit_s=limit_s, on_line=on_line)
        except GitError as error:
            if _PROTECTED.search(str(error)):
                raise ProtectedError(str(error)) from error
            raise

    async def cherry_pick(self, path: Path, onto: str, commits: str, author: str) -> str:
        """Full id of `commits` (`since..until`) picked onto `onto`; GitError when that conflicts, or would
        change nothing.

        It happens in a worktree at `path` that is made and taken away for it, so that no other is touched.
        """
        who = ("-c", f"user.name={author}", "-c", f"user.email={address(author)}")
        await self.remove_worktree(path)
        try:
            await self.add_detached(path, onto)
            await self._git((*who, "cherry-pick", "--allow-empty", commits), worktree=path, limit_s=60)
            picked, _, _ = await self.state_of(path)
        finally:
            await self.remove_worktree(path)
        return picked

    @contextmanager
    def _repository(self) -> Iterator[git.Repo]:
        """The clone, to be read; GitError for whatever git has to say about that."""
        try:
            with git.Repo(self.folder) as repo:
                yield repo
        except git.exc.NoSuchPathError:
            raise GitError(f"there is no clone of {self.remote} yet") from None
        except git.exc.GitCommandError as error:
            said = str(error.stderr).strip(" \n'").splitlines()
            raise GitError(f"git: {said[-1] if said else error.status}") from error
        except (git.exc.ODBError, git.exc.GitError, ValueError, OSError) as error:
            raise GitError(f"{self.folder} cannot be read: {type(error).__name__}: {error}") from error

    def _resolve(self, revision: str, what: str) -> str:
        with self._repository() as repo:
            try:
                return repo.commit(revision).hexsha
            except (git.exc.ODBError, ValueError):
                raise GitError(f"{self.remote} has no {what}") from None

    async def _git(
        self,
        words: Sequence[str],
        *,
        limit_s: float,
        worktree: Path | None = None,
        stdin: bytes | None = None,
        on_line: Callable[[str], None] | None = None,
        good: tuple[int, ...] = (0,),
    ) -> Finished:
        # A worktree that is only half there must not lead git to a repository around it.
        ceiling = {} if worktree is None else {"GIT_CEILING_DIRECTORIES": str(worktree.parent)}
        try:
            finished = await self._programs.run(
                self._argv(words, worktree),
                limit_s=limit_s,
                stdin=stdin,
                extra=_ENVIRONMENT | ceiling,
                on_line=on_line,
            )
        except ProgramError as error:
            raise GitError(str(error)) from error
        if finished.code not in good:
            raise GitError(f"git {_verb(words)}: {_reason(finished)}")
        return finished

    def _argv(self, words: Sequence[str], worktree: Path | None) -> tuple[str, ...]:
        where = ("--git-dir", str(self.folder)) if worktree is None else ("-C", str(worktree))
        return argv(*where, *words)


def _tags(repo: git.Repo) -> dict[str, tuple[str, ...]]:
    """Names by commit: of the tags as they were fetched, and as they were when the remote was looked at."""
    tags: dict[str, tuple[str, ...]] = {}
    for prefix in ("refs/tags", f"{_SEEN}/tags"):
        for ref in git.Reference.iter_items(repo, prefix):
            with suppress(ValueError, TypeError):  # a tag may name a file or a folder
                commit, name = ref.commit.hexsha, ref.path[len(prefix) + 1 :]
                if name not in tags.get(commit, ()):
                    tags[commit] = (*tags.get(commit, ()), name)
    return tags


def _told(commit: git.Commit, tags: Mapping[str, tuple[str, ...]]) -> Commit:
    return Commit(
        id=commit.hexsha,
        author=commit.author.name or "",
        committed_us=int(commit.committed_date) * 1_000_000,
        summary=str(commit.summary),
        tags=tags.get(commit.hexsha, ()),
        parents=tuple(parent.hexsha for parent in commit.parents),
    )


def _entry(repo: git.Repo, commit: str, path: str) -> git.Object | None:
    """A file, folder or submodule of a commit; None where it has none of that name."""
    try:
        return repo.commit(_full(commit)).tree / path
    except KeyError:
        return None


def unlock(folder: Path) -> list[Path]:
    """Remove the locks that git has left in a clone in which no git runs any more; returns them.

    A git that was killed leaves its lock behind, and the next one refuses to work: nothing could be planned
    then. The caller knows that none runs: whoever holds the engine's lease has seen every child of its end.
    """
    named = (folder.glob("*.lock"), *((folder / part).rglob("*.lock") for part in ("refs", "worktrees")))
    found = [path for paths in named for path in paths]
    for path in found:
        path.unlink(missing_ok=True)
    return found


def remote_at(remote: str, base: Path) -> str:
    """The address of a remote as the strategy has it; a path in it is relative to `base`."""
    elsewhere = "://" in remote or re.match(r"[^/]+:", remote)
    return remote if elsewhere else str((base / remote).resolve())


def commit_bytes(tree: str, parent: str | None, author: str, at: Stamp, message: str) -> bytes:
    """A commit object with that tree on top of that parent: its id is known before it is made."""
    who = f"{author} <{address(author)}> {at.utc_us // 1_000_000} +0000"
    after = "" if parent is None else f"parent {parent}\n"
    return f"tree {tree}\n{after}author {who}\ncommitter {who}\n\n{message}\n".encode()


def address(handle: str) -> str:
    """The mail address that a handle has in commits: one that nobody can be reached at."""
    return f"{re.sub(r'[^A-Za-z0-9._-]', '-', handle)}@warroom.invalid"


def is_same(told: str, commit: str) -> bool:
    """Whether a commit id as a service tells it, perhaps abbreviated, is that of `commit`."""
    return len(told) >= _SHORTEST_ID and commit.startswith(told)


def _full(commit: str) -> str:
    if not _FULL_ID.fullmatch(commit):
        raise GitError(f"{commit!r} is not a full commit id")
    return commit


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise GitError(f"{name!r} is not a name that git accepts for a branch or a tag")
    return name


def _verb(words: Sequence[str]) -> str:
    """The subcommand among `words`, behind any `-c name=value`."""
    verbs = (
        "fetch",
        "push",
        "ls-remote",
        "worktree",
        "cherry-pick",
        "merge-tree",
        "hash-object",
        "rev-parse",
        "status",
        "init",
    )
    return next((word for word in words if word in verbs), words[0])


def _reason(finished: Finished) -> str:
    """Of everything git said, the line that says why."""
    lines = [line.strip() for line in (finished.out + "\n" + finished.err).splitlines()]
    told = [line for line in lines if line.startswith(("!", "fatal:", "error:", "CONFLICT", "remote: error"))]
    return told[0] if told else finished.reason
