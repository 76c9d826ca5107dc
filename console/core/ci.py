"""What the strategy says of the CI: which workflow deploys, and how it is frozen."""

from typing import Annotated, Literal

from pydantic import Field

from console.core.fields import Expected, Model, SecretRef, Span, Text, Url, matching

Slug = Annotated[
    str,
    matching(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+"),
    Expected("a repository as GitHub names it, `owner/name`"),
]


class GithubCi(Model):
    """A workflow of GitHub Actions, over GitHub's REST API."""

    kind: Literal["github"]
    api: Url = "https://api.github.com"
    """Address of the API; of GitHub Enterprise Server `https://HOST/api/v3`."""
    repository: Slug
    workflow: Text
    """Its name (`Deploy`), its file's (`deploy.yml`) or its number."""
    token: SecretRef
    """May read and write Actions of that repository."""
    every: Span = 2.0
    """How often it is asked what runs."""
    cancel_after: Span = 30.0
    """How long a run that was cancelled may take to end before it is ended by force."""
    inputs: Annotated[dict[Text, Text], Expected("a mapping of at most 25 names to text")] = Field(
        default_factory=dict, max_length=25
    )
    """What the workflow is told when it is started for the commit of the rollback."""
