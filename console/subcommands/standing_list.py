"""Standing authorisations as the command line tells them: each with its signers, and what is in force."""

from typing import Literal

from msgspec import Struct

from console.config.roster import load_roster
from console.core.errors import StatedError
from console.core.format import plain
from console.core.moments import written
from console.core.protocols import Snapshot
from console.core.standing_authorisation import (
    Terms,
    lacking,
    not_in_force,
    parse,
    unlike,
)
from console.core.state import Standing
from console.subcommands.where import Place


class Signer(Struct, frozen=True):
    """Somebody who signed."""

    person: str
    roles: tuple[str, ...]
    key: str
    """Fingerprint."""
    at: str


class Item(Struct, frozen=True):
    """One of them; nobody can read more in a text that is none than its id and its signers."""

    id: str
    state: Literal["in force", "short", "not in force", "ended"]
    why: str
    """Why it is not in force; empty when it is."""
    triggers: tuple[str, ...]
    signers: tuple[Signer, ...]
    issued: str
    """`2026-02-25T13:55:02Z`."""
    expires: str

    @property
    def words(self) -> str:
        """`0a1b2c3d4e5f in force until 2026-03-01T12:00:00Z`, or why not."""
        said = f"in force until {self.expires}" if not self.why else self.why
        return f"{self.id} {said}"


class Listing(Struct, frozen=True, kw_only=True):
    """All of them, oldest first; with `--json`, printed as it stands here."""

    schema: Literal["warroom.standing/1"] = "warroom.standing/1"
    environment: str
    authorisations: tuple[Item, ...]


class Authorised(Struct, frozen=True):
    """Whether automatic rollback is authorised, and by what."""

    in_force: str | None
    """Id of the one that counts longest; None: none does."""
    until: str | None
    why: str
    """Why none does; empty when one does."""

    @property
    def words(self) -> str:
        """On one line."""
        return f"none in force: {self.why}" if self.why else f"{self.in_force} in force until {self.until}"


def terms_of(place: Place) -> Terms:
    """By the files that lie here; StatedError where the roster cannot be read."""
    return Terms(place.name, place.environment, place.loaded.sha256, load_roster(place.roster).sha256)


def listing(place: Place, snapshot: Snapshot) -> Listing:
    """What the journal knows, judged by the files that lie here."""
    terms = terms_of(place)
    known = snapshot.state.standing.items()
    items = tuple(_item(name, standing, terms, snapshot) for name, standing in known)
    return Listing(environment=place.name, authorisations=items)


def authorised(place: Place, snapshot: Snapshot) -> Authorised:
    """What is in force; else why the newest one is not. No roster is read before anybody has signed."""
    if not snapshot.state.standing:
        none_here = Terms(place.name, place.environment, "", "").none_here
        return Authorised(None, None, none_here or "nobody has signed a standing authorisation")
    try:
        items = listing(place, snapshot).authorisations
    except StatedError as error:
        return Authorised(None, None, str(error).partition("\n")[0])
    counting = [item for item in items if item.state == "in force"]
    if not counting:
        return Authorised(None, None, items[-1].words)
    longest = max(counting, key=lambda item: item.expires)
    return Authorised(longest.id, longest.expires, "")


def _item(name: str, standing: Standing, terms: Terms, snapshot: Snapshot) -> Item:
    try:
        found = parse(standing.text)
    except StatedError:
        found = None
    why = not_in_force(standing, terms, snapshot.at)
    if found is not None and not standing.ended and unlike(found, terms):
        why += "; an engine that has not read the edit counts it until it is started anew"
    return Item(
        id=name,
        state=_state(standing, terms, why),
        why=why,
        triggers=found.triggers if found else (),
        signers=tuple(
            Signer(yes.person, yes.roles, yes.signed.key if yes.signed else "", written(yes.at.utc_us))
            for yes in standing.signed
        ),
        issued=written(found.issued) if found else "",
        expires=written(found.expires) if found else "",
    )


def _state(
    standing: Standing, terms: Terms, why: str
) -> Literal["in force", "short", "not in force", "ended"]:
    if standing.ended:
        return "ended"
    if not why:
        return "in force"
    return "short" if why == lacking(standing, terms.environment) else "not in force"


def listing_lines(told: Listing) -> list[str]:
    """A few lines for each of them."""
    lines: list[str] = []
    for item in told.authorisations:
        lines.append(plain(item.words))
        lines.append(f"  issued  {item.issued}, expires {item.expires}")
        lines.extend(plain(f"  trigger {trigger}") for trigger in item.triggers)
        lines.extend(
            plain(f"  signed  {one.at} {one.person:8} {', '.join(one.roles)} ({one.key})")
            for one in item.signers
        )
    return lines or [f"nobody has signed a standing authorisation of {told.environment}"]
