"""The release ledger: what may be put on record, and what it says of each release. Pure."""

import re
from collections.abc import Iterator

from msgspec.structs import replace

from console.core.format import short
from console.core.grammar import NAME
from console.core.moments import written
from console.core.releases import Known
from console.core.requests import RecordRelease
from console.core.state import Recorded, State

CLOCKS_APART_S = 300
"""How far the clock of a pipeline may be ahead of the engine's."""
_PINNED = re.compile(r"(\S+@)?sha256:[0-9a-f]{64}")
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}")
_FULL = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_NAME = re.compile(NAME)
_LINE = re.compile(r"[^\x00-\x1f\x7f]{1,500}")


def is_pinned(image: str) -> bool:
    """Whether the reference means the same image for ever: by digest, or by image id."""
    return _PINNED.fullmatch(image) is not None


def unfit(ask: RecordRelease, now: int) -> str:
    """What is wrong with it, whatever else is on record; empty where it can be recorded.

    `now` is in UTC microseconds.
    """
    if not _TAG.fullmatch(ask.tag):
        return f"{ask.tag!r} is not the name of a tag"
    if not _FULL.fullmatch(ask.commit):
        return f"{ask.commit!r} is not a full commit id: give all of its 40 hex digits (`git rev-parse`)"
    if wrong := [name for name in ask.images if not _NAME.fullmatch(name)]:
        return f"{wrong[0]!r} is not the name of a component: write --image web=..., in lower case"
    for name, image in ask.images.items():
        if not is_pinned(image):
            return (
                f"the image of {name} is not pinned: {image!r} can mean another one tomorrow; "
                "give repository@sha256:..., or the image id, sha256:..."
            )
    if wrong := [text for text in (*ask.migrations, *ask.config_keys) if not _LINE.fullmatch(text)]:
        return f"{wrong[0]!r} is not a name on one line"
    if ask.deployed is not None and ask.deployed > now + CLOCKS_APART_S * 1_000_000:
        return f"it cannot have been deployed at {written(ask.deployed)}: that is yet to come"
    return ""


def difference(known: Recorded, ask: RecordRelease) -> str:
    """In what it differs from what is on record; empty where it is the same.

    A moment of deployment that is not given differs from none.
    """
    return "; ".join(_differences(known, ask))


def _differences(known: Recorded, ask: RecordRelease) -> Iterator[str]:
    if known.commit != ask.commit:
        yield f"commit {short(ask.commit)}, on record is {short(known.commit)}"
    for name in sorted({*known.images, *ask.images}):
        told, here = ask.images.get(name, "none"), known.images.get(name, "none")
        if told != here:
            yield f"image of {name} {told}, on record is {here}"
    for what, told_all, here_all in (
        ("migrations", ask.migrations, known.migrations),
        ("configuration keys", ask.config_keys, known.config_keys),
    ):
        if set(told_all) != set(here_all):
            yield f"{what} {_listed(told_all)}, on record is {_listed(here_all)}"
    if ask.deployed is not None and ask.deployed != known.deployed:
        yield f"deployed {written(ask.deployed)}, on record is {written(known.deployed)}"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(sorted(names)) or "none"


def on_record(state: State) -> tuple[Known, ...]:
    """The ledger's releases, in order of deployment; what was deployed at once, in that of recording."""
    ordered = sorted(state.ledger.values(), key=lambda one: one.deployed)
    return tuple(_known(one) for one in ordered)


def _known(one: Recorded) -> Known:
    return Known(
        tag=one.tag,
        commit=one.commit,
        verdict=one.verdict,
        said_by=one.said_by or one.by,
        deployed=written(one.deployed),
        images=one.images,
        reason=one.reason,
    )


def contracted(state: State) -> dict[str, str]:
    """Commits that plans of the open incident found the schema contracted for, and its digest then."""
    incident = state.open_incident
    if incident is None:
        return {}
    return {
        commit: judged.live
        for commit, judged in state.schemas.items()
        if judged.incident == incident.id and judged.kind == "contracted"
    }


def worth_a_verdict(state: State) -> tuple[Recorded, ...]:
    """Releases that a service recovered by, and that nobody has called good since."""
    return tuple(one for one in state.ledger.values() if one.recovered)


def normal(ask: RecordRelease) -> RecordRelease:
    """With its names in order, each once."""
    return replace(
        ask,
        images=dict(sorted(ask.images.items())),
        migrations=tuple(sorted(set(ask.migrations))),
        config_keys=tuple(sorted(set(ask.config_keys))),
    )
