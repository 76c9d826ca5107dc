"""What must be true of a branch that goes by pull request: it is known where one is opened."""

from collections.abc import Iterator

from console.core.parts import Finding, Part, Rule


def known(environment: Part) -> Iterator[Finding]:
    """Whoever asks for pull requests says of which repository."""
    repository = environment["repository"]
    way = repository["integrate"]
    if way.text == "pull request" and repository["pull_request"].value is None:
        yield way.wrong("`pull request` needs to know where one is opened: add `pull_request`")


RULES: tuple[Rule, ...] = (known,)
