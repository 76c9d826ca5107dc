"""The release ledger: put on record by whatever deploys, judged by people, and listed with its reasons."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from cyclopts import App, Parameter
from msgspec import Struct

from console.core import events as ev
from console.core.errors import StatedError
from console.core.events import Event
from console.core.exits import Exit
from console.core.format import plain, short
from console.core.ledger import CLOCKS_APART_S
from console.core.moments import moment_of
from console.core.proposal import Weighed
from console.core.protocols import Snapshot
from console.core.releases import Known, OnRecord, Source, Verdict
from console.core.requests import AnyAsk, MarkRelease, RecordRelease
from console.core.state import State
from console.store.clock import SystemClock
from console.subcommands.diff import comparison_here
from console.subcommands.room import ask, enter
from console.subcommands.tell import document, line, names_of
from console.subcommands.where import Where, find

HERE = Where()
release = App(name="release", help="The release ledger: what was deployed, and what people think of it.")
Json = Annotated[bool, Parameter(help="One document on stdout.")]


class UsageError(StatedError):
    """What was given is not in the form that it is asked for."""

    exit = Exit.USAGE


class Entry(Struct, frozen=True, kw_only=True):
    """A release on record."""

    tag: str
    commit: str
    verdict: Verdict
    said_by: str
    reason: str
    deployed: str
    images: dict[str, str]
    migrations: tuple[str, ...] = ()
    config_keys: tuple[str, ...] = ()
    runs: bool = False
    proposed: bool = False
    may_be_chosen: bool = False
    why: str = ""
    """What speaks for or against going back to it."""
    schema: str | None = None
    """What the newest plan that went back to it found of the schema; None where none did."""
    schema_of: str | None = None
    """The incident of that plan."""
    recovered: str | None = None
    """The incident in which going back to it helped, where nobody has judged it since."""


class Listing(Struct, frozen=True, kw_only=True):
    """All of them, newest first; with `--json`, printed as it stands here."""

    schema: Literal["warroom.releases/1"] = "warroom.releases/1"
    environment: str
    source: Source
    record: str
    """Where they are on record, in words."""
    running: str | None
    """What the service answers; None where nobody has asked it yet."""
    proposed: str | None
    releases: tuple[Entry, ...]


class Answer(Struct, frozen=True, kw_only=True):
    """What became of a request; with `--json`, printed as it stands here."""

    schema: Literal["warroom.release/1"] = "warroom.release/1"
    environment: str
    tag: str
    outcome: Literal["recorded", "recorded already", "marked"]
    verdict: Verdict | None
    """What it was marked; None where it was not."""


@release.command
def record(
    tag: str,
    *,
    commit: str,
    image: tuple[str, ...] = (),
    migration: tuple[str, ...] = (),
    config_key: tuple[str, ...] = (),
    deployed: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    json: Json = False,
    where: Where = HERE,
) -> None:
    """Put a release on record; for the pipeline that has deployed it. The same twice is recorded once.

    Parameters
    ----------
    tag
        The tag that it was deployed under; the remote has it.
    commit
        The full id of the commit that was deployed, which the tag is on.
    image
        A component's image, pinned: `web=registry.example/web@sha256:...`, or `web=sha256:...` by its id. May
        be given more than once.
    migration
        A migration that it brings. May be given more than once.
    config_key
        The name of a configuration key that it reads, never a value. May be given more than once.
    deployed
        When it was deployed, `2026-11-23T14:05:30Z`; now, if nothing is said; `-10m` is so
        much ago.
    """
    wanted = RecordRelease(tag, commit, _images(image), migration, config_key, _moment(deployed))
    _tell(wanted, tag, json=json, where=where)


@release.command
def mark(tag: str, verdict: Verdict, *, reason: str, json: Json = False, where: Where = HERE) -> None:
    """Say what you think of a release on record: good, bad, or unproven again; anybody of the roster may.

    Parameters
    ----------
    tag
        As `warroom release list` names it.
    reason
        How you know.
    """
    _tell(MarkRelease(tag, verdict, reason), tag, json=json, where=where)


@release.command(name="list")
def list_(*, json: Json = False, where: Where = HERE) -> None:
    """All on record, newest first: what runs, who judged each, and why it would be gone back to or not."""
    place = find(where)
    snapshot = enter(place).snapshot()
    comparison = comparison_here(place, snapshot)
    on_record = comparison.releases()
    told = _listing(place.name, snapshot, on_record, comparison.weighed(snapshot.state, on_record))
    print(document(told) if json else "\n".join(map(plain, _lines(told))))


def _tell(wanted: AnyAsk, tag: str, *, json: bool, where: Where) -> None:
    place = find(where)
    events = ask(enter(place), wanted)
    if json:
        print(document(_answer(place.name, tag, events)))
        return
    for event in events:
        print(line(event, names_of(place.environment)))


def _answer(environment: str, tag: str, events: Sequence[Event]) -> Answer:
    for event in events:
        match event.body:
            case ev.ReleaseMarked(verdict=verdict):
                return Answer(environment=environment, tag=tag, outcome="marked", verdict=verdict)
            case ev.ReleaseRecorded(again=True):
                return Answer(environment=environment, tag=tag, outcome="recorded already", verdict=None)
    return Answer(environment=environment, tag=tag, outcome="recorded", verdict=None)


def _images(given: Sequence[str]) -> dict[str, str]:
    images: dict[str, str] = {}
    for words in given:
        name, _, pinned = words.partition("=")
        if not name or not pinned:
            raise UsageError(
                f"--image {words!r}: write COMPONENT=IMAGE, `web=registry.example/web@sha256:...`"
            )
        if images.setdefault(name, pinned) != pinned:
            raise UsageError(f"--image {name}: named twice, with two images")
    return images


def _moment(words: str | None) -> int | None:
    if words is None:
        return None
    now = SystemClock().now().utc_us
    try:
        return moment_of(words, now=now + CLOCKS_APART_S * 1_000_000, known=now)
    except ValueError as error:
        raise UsageError(f"--deployed: {error}") from error


# -- the list ---------------------------------------------------------------------------------------


def _listing(name: str, snapshot: Snapshot, record: OnRecord, weighed: Sequence[Weighed]) -> Listing:
    state = snapshot.state
    known = {(one.tag, one.commit): one for one in record.known}
    return Listing(
        environment=name,
        source=record.source,
        record=record.words,
        running=state.running.release if state.running else None,
        proposed=next((one.tag for one in weighed if one.proposed), None),
        releases=tuple(_entry(state, known[one.tag, one.commit], one) for one in weighed),
    )


def _entry(state: State, known: Known, weighed: Weighed) -> Entry:
    recorded = state.ledger.get(known.tag)
    schema = state.schemas.get(known.commit)
    return Entry(
        tag=known.tag,
        commit=known.commit,
        verdict=known.verdict,
        said_by=known.said_by,
        reason=known.reason,
        deployed=known.deployed,
        images=known.images,
        migrations=recorded.migrations if recorded else (),
        config_keys=recorded.config_keys if recorded else (),
        runs=_runs(state, known),
        proposed=weighed.proposed,
        may_be_chosen=weighed.may_be_chosen,
        why=weighed.why,
        schema=schema.kind if schema else None,
        schema_of=schema.incident if schema else None,
        recovered=(recorded.recovered or None) if recorded else None,
    )


def _runs(state: State, known: Known) -> bool:
    """Whether the service answers it: by its commit, where it tells one."""
    running = state.running
    if running is None:
        return False
    return known.commit.startswith(running.commit) if running.commit else known.tag == running.release


def _lines(told: Listing) -> Iterator[str]:
    runs = f", {told.running} runs" if told.running else ""
    yield f"{told.environment}: {len(told.releases)} on record, by {told.record}{runs}; newest first"
    width = max((len(one.tag) for one in told.releases), default=0)
    for one in told.releases:
        sign = "*" if one.runs else ">" if one.proposed else " "
        judged = f"{one.verdict}, {one.said_by}"
        row = f"{one.tag:<{width}}  {short(one.commit)}  {one.deployed:20}  {judged:16}"
        yield f"{sign} {row}  {_why(one)}"
        if one.recovered:
            yield f"  {'':{width}}  {_worth(one)}"


def _why(one: Entry) -> str:
    schema = f"; schema {one.schema}, found for {one.schema_of}" if one.schema else ""
    return f"{one.why}{schema}"


def _worth(one: Entry) -> str:
    return (
        f"the service recovered with it in {one.recovered}: to call it good, "
        f"`warroom release mark {one.tag} good --reason ...`"
    )
