"""What lies between the release that runs and the one to go back to, read from a clone; changes nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from console.config.releases import load_releases
from console.core.changes import (
    Between,
    Branch,
    Changes,
    Committed,
    Deployed,
    Side,
    by_folder,
    inside,
)
from console.core.clock import Stamp
from console.core.config_keys import KeyChange, Tree, compared
from console.core.errors import StatedError
from console.core.moments import moment_of
from console.core.plan import CodeChange, Release
from console.core.releases import Known, ReleaseError, place, propose
from console.core.state import RunningRelease, State
from console.core.strategy import Repository
from console.targets.config_files import tree_of
from console.targets.git import Clone, Commit, GitError, is_same

COMMITS = 30
FOLDERS = 12
MIGRATIONS = 20
KEYS = 60
FILES = 40
"""Configuration files that are compared."""
RELEASES = 20
LARGEST = 128 * 1024
"""Bytes of a configuration file that is compared."""
_SUMMARY = 120
"""Characters of what a commit says that are shown."""

Listed = TypeVar("Listed")


class UncomparableError(StatedError):
    """One of the two releases cannot be told."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Where it is read from."""

    clone: Clone
    repository: Repository
    releases: Path
    """The file that lists the releases with their verdicts."""
    redact: Callable[[str], str]
    """Takes out of what people wrote whatever is known to be secret."""

    def made(self, state: State, at: Stamp, trouble: str = "") -> Changes:
        """What changed, as far as it is known here; it takes a while, and belongs in a thread.

        `trouble` is told with it.
        """
        troubles = [trouble] if trouble else []
        known: tuple[Known, ...] = ()
        between = remote = None
        try:
            known = load_releases(self.releases)
        except StatedError as error:
            troubles.append(str(error))
        try:
            remote = self.clone.looked()
            between = self._between(state, known)
        except StatedError as error:
            troubles.append(str(error))
        told = tuple(self.redact(_one_line(words)) for words in troubles)
        recorded = tuple(deployed(entry, at) for entry in known[-RELEASES:])
        return Changes(at, remote, recorded, between, told)

    # -- which two ------------------------------------------------------------------------------

    def _between(self, state: State, known: Sequence[Known]) -> Between:
        incident = state.open_incident
        code = incident.plan.code if incident and incident.plan else None
        if code is not None and _went_back(state.running, code):
            newer = Side(code.running.tag, code.running.commit)
        else:
            newer = self._running(state.running, known)
        if code is not None:
            goal, why = Side(code.target.tag, code.target.commit), "what the plan goes back to"
        else:
            goal, why = _proposed(newer, known), "the newest good release before it"
        return self._compared(newer, goal, why)

    def _running(self, running: RunningRelease | None, known: Sequence[Known]) -> Side:
        """What the service answers, by its full id; where it says nothing, what the branch builds."""
        if running is None:
            head = self._head()
            index = place(known, head)
            return Side(self.repository.branch if index is None else known[index].tag, head)
        if running.commit:
            recorded = (entry.commit for entry in known if is_same(running.commit or "", entry.commit))
            return Side(running.release, next(recorded, None) or self.clone.commit_told(running.commit))
        recorded = (entry.commit for entry in known if entry.tag == running.release)
        return Side(running.release, next(recorded, None) or self._tagged(running.release))

    def _tagged(self, name: str) -> str:
        try:
            return self.clone.seen_tag(name)
        except GitError:
            return self.clone.commit_of(name)

    def _head(self) -> str:
        """The branch that is deployed; as it was fetched, where nobody has looked since."""
        try:
            return self.clone.seen_branch(self.repository.branch)
        except GitError:
            return self.clone.branch(self.repository.branch)

    # -- what is between them -------------------------------------------------------------------

    def _compared(self, newer: Side, older: Side, why: str) -> Between:
        clone, repository = self.clone, self.repository
        for side in (newer, older):
            clone.commit_of(side.commit)  # one that is not here is named
        ahead, apart = clone.apart(newer.commit, older.commit)
        paths = clone.changed(older.commit, newer.commit)
        folders = by_folder(paths)
        migrations = None if repository.migrations is None else inside(paths, repository.migrations)
        keys, unread = self._keys(newer, older, paths)
        commits = clone.log(older.commit, newer.commit, COMMITS)
        return Between(
            newer=newer,
            older=older,
            why=why,
            commits=tuple(self._committed(commit) for commit in commits),
            more_commits=max(0, ahead - len(commits)),
            apart=apart,
            files=len(paths),
            folders=folders[:FOLDERS],
            more_folders=_beyond(folders, FOLDERS),
            migrations=migrations and migrations[:MIGRATIONS],
            more_migrations=_beyond(migrations or (), MIGRATIONS),
            keys=None if keys is None else keys[:KEYS],
            more_keys=_beyond(keys or (), KEYS),
            unread=unread,
            branch=self._branch(newer),
        )

    def _committed(self, commit: Commit) -> Committed:
        summary = self.redact(_one_line(commit.summary))[:_SUMMARY]
        return Committed(commit.id, self.redact(commit.author), commit.committed_us, summary, commit.tags)

    def _branch(self, newer: Side) -> Branch | None:
        try:
            head = self._head()
        except GitError:
            return None  # it is said elsewhere that nobody has looked, and the branch may be gone
        return Branch(self.repository.branch, head, *self.clone.apart(head, newer.commit))

    def _keys(
        self, newer: Side, older: Side, paths: Sequence[str]
    ) -> tuple[tuple[KeyChange, ...] | None, tuple[str, ...]]:
        """The settings that differ, by name, and what could not be compared, with why."""
        places = self.repository.config
        if places is None:
            return None, ()
        files = inside(paths, places)
        changes: list[KeyChange] = []
        unread = list(self._missing(newer, older, places))
        for path in files[:FILES]:
            try:
                before, after = self._tree(older.commit, path), self._tree(newer.commit, path)
                changes += compared(path, before, after)
            except StatedError as error:
                unread.append(f"{path} {error}")
        if more := _beyond(files, FILES):
            unread.append(f"{more} more files were not compared")
        named = (KeyChange(one.file, self.redact(one.key), one.what) for one in changes)
        return tuple(named), tuple(unread)

    def _missing(self, newer: Side, older: Side, places: Sequence[str]) -> Iterator[str]:
        """A place that neither of them has is a slip of the pen in the strategy."""
        for each in places:
            name = each.strip("/")
            if not any(self.clone.has(side.commit, name) for side in (newer, older)):
                yield f"{each} is in neither release: the strategy's `config` names it"

    def _tree(self, commit: str, path: str) -> Tree:
        raw = self.clone.content(commit, path, LARGEST)
        return {} if raw is None else tree_of(path, raw)


def _went_back(running: RunningRelease | None, code: CodeChange) -> bool:
    """Whether the service answers what the plan goes back to: then it is compared with what ran before."""
    if running is None:
        return False
    ours = (code.target.commit, code.restored)
    if running.commit:
        return any(is_same(running.commit, commit) for commit in ours)
    return running.release == code.answers


def _proposed(newer: Side, known: Sequence[Known]) -> Side:
    if not known:
        raise UncomparableError("no release is recorded, so there is none to compare with")
    try:
        goal = propose(known, Release(newer.tag, newer.commit, ""), None)
    except ReleaseError as error:
        raise UncomparableError(str(error)) from error
    return Side(goal.tag, goal.commit)


def deployed(entry: Known, now: Stamp) -> Deployed:
    """A release on record, as the line of deploys has it."""
    try:
        at = moment_of(entry.deployed, now=now.utc_us, known=now.utc_us)
    except ValueError:
        at = None
    return Deployed(entry.tag, entry.commit, entry.verdict, entry.said_by, at)


def _beyond(listed: Sequence[Listed], most: int) -> int:
    return max(0, len(listed) - most)


def _one_line(words: str) -> str:
    return " ".join(words.split())
