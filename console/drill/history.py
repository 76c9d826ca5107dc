"""The drill's git remote: a history of releases, good, bad and worse, made in one go."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from console.drill.place import DrillError, Place
from console.drill.story import Change, Story
from console.targets.process import ProgramError, Programs

RELEASES = Path(__file__).parent / "releases"
"""For each release the files that it changed; the first one's are a whole tree."""

_SETTINGS = "[gc]\n\tauto = 0\n[receive]\n\tautogc = false\n"
_LIMIT_S = 30


async def build_history(place: Place, programs: Programs, story: Story, now_s: int) -> dict[str, str]:
    """Make the bare remote and the list of releases with verdicts, dated back from `now_s` (UTC seconds).

    Returns the full commit id of each release in the list, by its tag.
    """
    remote = str(place.remote)
    await _git(programs, ("init", "--quiet", "--bare", "--template=", "--initial-branch=develop", remote))
    with (place.remote / "config").open("a", encoding="ascii") as file:
        file.write(_SETTINGS)
    stream = b"".join(_stream(story, now_s))
    await _git(programs, ("--git-dir", remote, "fast-import", "--quiet", "--done"), stream)
    tags = [verdict.tag for verdict in story.verdicts]
    names = [f"{tag}^{{commit}}" for tag in tags]
    ids = (await _git(programs, ("--git-dir", remote, "rev-parse", *names))).split()
    commits = dict(zip(tags, ids, strict=True))
    place.releases.write_text("".join(_ledger(story, commits, now_s)), encoding="utf-8")
    return commits


async def add_commit(place: Place, programs: Programs, change: Change, now_s: int) -> str:
    """Put one more commit on a branch of the remote, as a push does; its full id."""
    who, head = _who(change.author, now_s), f"refs/heads/{change.branch}"
    stream = f"commit {head}\nauthor {who}\ncommitter {who}\n".encode() + _data(change.message.encode())
    stream += f"from {head}^0\n".encode()
    for name in change.files:
        stream += f"M 100644 inline {name}\n".encode() + _data(_content(change, name))
    remote = ("--git-dir", str(place.remote))
    await _git(programs, (*remote, "fast-import", "--quiet", "--done"), stream + b"done\n")
    return (await _git(programs, (*remote, "rev-parse", head))).strip()


async def _git(programs: Programs, words: tuple[str, ...], stdin: bytes | None = None) -> str:
    try:
        finished = await programs.run(("git", *words), limit_s=_LIMIT_S, stdin=stdin)
    except ProgramError as error:
        raise DrillError(str(error)) from error
    if finished.code:
        raise DrillError(f"the drill's history could not be built: {finished.reason}")
    return finished.out


def _stream(story: Story, now_s: int) -> Iterator[bytes]:
    """The history in the words of git fast-import."""
    started: set[str] = set()
    for mark, change in enumerate(story.changes, start=1):
        who = _who(change.author, now_s - change.age_s)
        yield f"commit refs/heads/{change.branch}\nmark :{mark}\nauthor {who}\ncommitter {who}\n".encode()
        yield _data(change.message.encode())
        if started and change.branch not in started:
            yield f"from refs/heads/{change.starts_from}\n".encode()
        started.add(change.branch)
        if change.merges:
            yield f"merge refs/heads/{change.merges}\n".encode()
        for name in change.files:
            yield f"M 100644 inline {name}\n".encode() + _data(_content(change, name))
        yield "".join(f"D {name}\n" for name in change.removed).encode()
        if change.tag:
            yield f"tag {change.tag}\nfrom :{mark}\ntagger {who}\n".encode() + _data(change.message.encode())
            if change.is_main:
                yield f"reset refs/heads/main\nfrom :{mark}\n".encode()
                started.add("main")
    for merged in sorted({change.merges for change in story.changes if change.merges}):
        yield f"reset refs/heads/{merged}\nfrom {'0' * 40}\n".encode()
    yield b"done\n"


def _content(change: Change, name: str) -> bytes:
    return (RELEASES / change.release / name).read_bytes()


def _who(handle: str, at_s: int) -> str:
    return f"{handle} <{handle}@drill.invalid> {at_s} +0000"


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _ledger(story: Story, commits: dict[str, str], now_s: int) -> Iterator[str]:
    """The list of releases as YAML."""
    yield "# What is known of each release. It stands in for the release ledger.\nreleases:\n"
    for verdict in story.verdicts:
        deployed = datetime.fromtimestamp(now_s - verdict.age_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield (
            f"  - tag: {verdict.tag}\n    commit: {commits[verdict.tag]}\n    verdict: {verdict.verdict}\n"
            f"    said_by: {verdict.said_by}\n    deployed: {deployed}\n"
        )
