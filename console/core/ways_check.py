"""What must be true of the way back in git: it is one, and it is known where a pull request is opened."""

from collections.abc import Iterator

from console.core.naming import quoted
from console.core.parts import Finding, Part, Rule

_WAYS = ("restore-tree", "revert-commits")


def one_way(environment: Part) -> Iterator[Finding]:
    """The tree is made once; a plan may ask for the other way, in the place of the runbook's."""
    steps = [step for step in environment["runbook"].each() if step["action"].text in _WAYS]
    for step in steps[1:]:
        first = quoted(steps[0]["id"].text or "")
        yield step["action"].wrong(f"{first} makes the tree already: a runbook has one of {', '.join(_WAYS)}")


def pull_requests(environment: Part) -> Iterator[Finding]:
    """Whoever asks for pull requests says of which repository."""
    repository = environment["repository"]
    way = repository["integrate"]
    if way.text == "pull request" and repository["pull_request"].value is None:
        yield way.wrong("`pull request` needs to know where one is opened: add `pull_request`")


RULES: tuple[Rule, ...] = (one_way, pull_requests)
