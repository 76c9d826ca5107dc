"""What is watched, as typed models of the strategy file: sources, measures, metrics and their ladder."""

from typing import Annotated, Literal

from pydantic import Field

from console.core.fields import (
    Count,
    Expected,
    Fraction,
    Model,
    Name,
    SecretRef,
    Span,
    Status,
    Text,
    Title,
    Url,
    When,
    Word,
)

# -- where numbers come from ------------------------------------------------------------------------


class Source(Model):
    """What every source has: how often it is asked, and how long it may take to answer."""

    every: Span
    limit: Span


class Scrape(Source):
    """A page of metrics in Prometheus' text format."""

    kind: Literal["scrape"]
    url: Url


class Probe(Source):
    """The health endpoint: healthy means the status **and** the body say so."""

    kind: Literal["http"]
    url: Url
    status: Status = 200
    body: dict[str, str] = Field(default_factory=dict)
    """Fields of the JSON body, by dotted path, and the words they must hold."""


class Connect(Source):
    """A database that must accept a connection and answer a trivial query."""

    kind: Literal["postgres"]
    dsn: SecretRef


class Prometheus(Source):
    """A Prometheus server, or whatever answers its HTTP API."""

    kind: Literal["prometheus"]
    url: Url
    """Of the server, without `/api`."""
    token: SecretRef | None = None
    """Sent as a bearer token."""


class Cached(Source):
    """A Redis that must answer, and what it says of itself (INFO)."""

    kind: Literal["redis"]
    url: SecretRef


class Containers(Source):
    """Containers of the Docker engine of this machine, found by name."""

    kind: Literal["docker"]
    names: Annotated[list[Text], Field(min_length=1), Expected("a list of at least one container's name")]


class Host(Source):
    """The machine that this engine runs on."""

    kind: Literal["host"]
    disk: Text = "/"
    """A path on the disk that is measured."""


class Program(Source):
    """A command that answers by its exit code, or by a number on the last line that it prints."""

    kind: Literal["command"]
    argv: Annotated[list[Text], Field(min_length=1), Expected("a list of words, the program first")]


AnySource = Annotated[
    Scrape | Probe | Connect | Prometheus | Cached | Containers | Host | Program, Field(discriminator="kind")
]


# -- metrics and their ladder -----------------------------------------------------------------------


class FailureRatio(Model):
    """Failures among all, in per cent, from the increase of two counters over a window."""

    kind: Literal["failures"]
    source: Name
    failed: Text
    total: Text
    over: Span


class SuccessRatio(Model):
    """Successes among all, in per cent; counted directly, or as what did not fail."""

    kind: Literal["successes"]
    source: Name
    total: Text
    failed: Text | None = None
    succeeded: Text | None = None
    """Exactly one of `failed` and `succeeded` is given."""
    over: Span


class Quantile(Model):
    """A quantile of a histogram's increase over a window, in seconds."""

    kind: Literal["quantile"]
    source: Name
    histogram: Text
    q: Fraction
    over: Span


class Gauge(Model):
    """A gauge as it stands; `of` divides it, and the ratio is in per cent."""

    kind: Literal["gauge"]
    source: Name
    gauge: Text
    of: Text | None = None


class Stat(Model):
    """A number that a source knows of itself, by the name that it has there (see core.stats)."""

    kind: Literal["stat"]
    source: Name
    stat: Word


class Query(Model):
    """A number that a question to its source brings: PromQL, or SQL with one row of one number."""

    kind: Literal["query"]
    source: Name
    query: Text
    count: Text | None = None
    """Another question: how many requests or tries it rests on."""


class Alert(Model):
    """A flag: 1 while an alert of that name fires in Prometheus by its own rules."""

    kind: Literal["alert"]
    source: Name
    alert: Text


class FailuresInARow(Model):
    """How many times in a row an HTTP probe or a command has failed, up to now."""

    kind: Literal["failures in a row"]
    source: Name


class Unavailable(Model):
    """A flag: 1 while a database or a cache does not answer, or a command fails."""

    kind: Literal["unavailable"]
    source: Name


Measure = Annotated[
    FailureRatio | SuccessRatio | Quantile | Gauge | Stat | Query | Alert | FailuresInARow | Unavailable,
    Field(discriminator="kind"),
]

Unit = Literal["%", "s", "count", "flag"]


class Rungs(Model):
    """The ladder of one metric; a rung holds only if the one below it holds."""

    recovered: When | None = None
    warn: When | None = None
    mandatory: When | None = None
    automatic: When | None = None


class Critical(Model):
    """A value that deserves a word of its own, within the ladder and without deciding anything."""

    when: When
    blocks: Literal["prepare"] | None = None
    """What must not begin while it holds."""


class NotOurs(Model):
    """A cause that no rollback helps against; the metric is measured beside the service, not through it."""

    cause: Text
    """In words that a sentence can begin with: `the chain's RPC is down`."""
    explains: list[Word] = Field(default_factory=list)
    """Metrics and declared triggers that fire because of it, beside the metric itself."""


class Metric(Model):
    """A metric, where it comes from, and what its values mean."""

    title: Title
    """What panes call it; at most 12 characters."""
    unit: Unit
    measure: Measure | None = None
    """None: the metric is shown as NO SOURCE."""
    at_least: Count = 1
    """Fewer requests or tries than this are not a trend."""
    rungs: Rungs
    critical: Critical | None = None
    not_ours: NotOurs | None = None
    """What is the matter when its mandatory rung holds, where that is nothing of the service's releases."""


class DeclaredTrigger(Model):
    """A trigger that only a person can see; declared with a name and a note."""

    title: Text
    rung: Literal["consider", "mandatory"]
    """`consider` never decides; `mandatory` means roll back."""
    first: Text | None = None
    """What comes before everything else when this is declared."""
