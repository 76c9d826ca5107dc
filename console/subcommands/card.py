"""The card for the day when Warroom is down: printed beforehand, and put where people find it."""

from console.config.roster import people_of
from console.core import card as page
from console.subcommands.tell import document
from console.subcommands.where import Where, find
from console.targets.git import remote_at

HERE = Where()


def card(*, json: bool = False, where: Where = HERE) -> None:
    """The way back by hand, on one page: who says yes, what to type, what to look at afterwards."""
    place = find(where)
    subject = page.Subject(
        name=place.name,
        strategy=place.loaded.strategy,
        sha256=place.loaded.sha256,
        roster=people_of(place.roster),
        remote=remote_at(place.environment.repository.remote, place.strategy.parent),
    )
    print(document(page.card(subject)) if json else "\n".join(page.lines(subject)))
