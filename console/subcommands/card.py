"""The card for the day when Warroom is down: printed beforehand, and put where people find it."""

from console.config.paths import roster_path
from console.config.roster import people_of
from console.core import card as page
from console.subcommands.tell import document
from console.subcommands.where import Where, choose
from console.targets.git import remote_at

HERE = Where()


def card(*, json: bool = False, where: Where = HERE) -> None:
    """The way back by hand, on one page: who says yes, what to type, what to look at afterwards."""
    chosen = choose(where)
    subject = page.Subject(
        name=chosen.name,
        strategy=chosen.loaded.strategy,
        sha256=chosen.loaded.sha256,
        roster=people_of(roster_path(chosen.path, where.roster)),
        remote=remote_at(chosen.environment.repository.remote, chosen.path.parent),
    )
    print(document(page.card(subject)) if json else "\n".join(page.lines(subject)))
