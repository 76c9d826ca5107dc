"""What the strategy says of pull requests: where they are opened, and who merges them."""

from typing import Literal

from console.core.ci import Slug
from console.core.fields import Model, SecretRef, Span, Url


class GithubPulls(Model):
    """Pull requests of GitHub, for a branch that is protected from pushes."""

    kind: Literal["github"]
    api: Url = "https://api.github.com"
    """Address of the API; of GitHub Enterprise Server `https://HOST/api/v3`."""
    repository: Slug
    token: SecretRef
    """May read and write pull requests and contents of that repository, and read its administration."""
    merged_by: Literal["people", "warroom"] = "people"
    """Whether people merge it, or Warroom as soon as GitHub lets it."""
    method: Literal["merge", "squash", "rebase"] = "merge"
    """How Warroom merges; all three come to the same tree while the branch has not moved."""
    every: Span = 5.0
    """How often it is asked what has become of it."""
