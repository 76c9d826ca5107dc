"""The strategy as typed models: every value a rollback depends on, read from one YAML file."""

from typing import Annotated, Literal

from pydantic import Field

from console.core.fields import (
    BranchTemplate,
    Count,
    Day,
    Expected,
    Fraction,
    Model,
    Moment,
    Name,
    Seconds,
    SecretRef,
    Span,
    Status,
    Text,
    Title,
    Url,
    When,
    Word,
    YesNo,
)
from console.core.plan import Authority, Phase

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


AnySource = Annotated[Scrape | Probe | Connect, Field(discriminator="kind")]


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


class FailuresInARow(Model):
    """How many times in a row an HTTP probe has failed, up to now."""

    kind: Literal["failures in a row"]
    source: Name


class Unavailable(Model):
    """A flag: 1 while a database does not answer."""

    kind: Literal["unavailable"]
    source: Name


Measure = Annotated[
    FailureRatio | SuccessRatio | Quantile | Gauge | FailuresInARow | Unavailable, Field(discriminator="kind")
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


class DeclaredTrigger(Model):
    """A trigger that only a person can see; declared with a name and a note."""

    title: Text
    rung: Literal["consider", "mandatory"]
    """`consider` never decides; `mandatory` means roll back."""
    first: Text | None = None
    """What comes before everything else when this is declared."""


# -- the way back -----------------------------------------------------------------------------------


class Repository(Model):
    """The git repository that the environment deploys."""

    remote: Text
    """What git fetches from and pushes to: a URL, or a path, `.` for the repository one stands in."""
    branch: Text
    """The branch that a deployment of this environment builds."""
    rollback_branch: BranchTemplate
    """Name of the branch a rollback is made on; `{epoch}` is replaced by the second it was planned at."""
    recent: Count = 10
    """How many commits are listed to choose the bad one from."""


class Releases(Model):
    """Where the verdicts on releases are kept."""

    file: Text


class Service(Model):
    """How the running service says which release it is."""

    url: Url
    health: Url
    version: Text
    """Dotted path of the version in the health endpoint's JSON body."""
    commit: Text | None = None
    """Dotted path of the commit id in that body, where it has one."""


class KeeperDeploy(Model):
    """Deployments done by the keeper of a drill."""

    kind: Literal["keeper"]
    socket: Text


class PipelineDeploy(Model):
    """Deployments done by a pipeline that every push to the branch starts."""

    kind: Literal["pipeline"]


Deploy = Annotated[KeeperDeploy | PipelineDeploy, Field(discriminator="kind")]


class Data(Model):
    """The database, and which rows are counted to say that none was lost."""

    dsn: SecretRef
    tables: dict[Text, Text]
    """Table to its key column."""
    may_be_reset: YesNo


class Check(Model):
    """How often health is asked after a deployment, and what counts as healthy."""

    tries: Count
    every: Seconds
    in_a_row: Count
    limit: Span
    """How long one answer may take."""


class Command(Model):
    """A command of the strategy, run in the worktree of the target release."""

    title: Text
    argv: Annotated[list[str], Field(min_length=1), Expected("a list of words, the program first")]
    limit: Span
    gate: YesNo
    """Whether a failure stops the rollback, or is only shown."""


class RunbookStep(Model):
    """One line of the runbook."""

    id: Name
    action: Name
    phase: Phase
    title: Text
    needs: list[Name] = Field(default_factory=list)
    authority: Authority
    expected: Seconds
    limit: Span
    proves: list[Name] = Field(default_factory=list)
    with_: dict[str, str] = Field(alias="with", default_factory=dict)


class ApproverRule(Model):
    """How many people of a role must say yes."""

    role: Name
    count: Count


class Authorisation(Model):
    """Who opens the gate, how it is proven, and within what time."""

    approvers: Annotated[
        list[ApproverRule], Field(min_length=1), Expected("a list of at least one `role` and `count`")
    ]
    proof: Literal["claim", "signature"]
    within: Seconds
    """0s: immediately."""
    initiator_may_approve: YesNo
    """Whether the person who asks for the rollback counts among the approvers."""


class Item(Model):
    """A line of the validation checklist."""

    id: Name
    title: Text


class Impact(Model):
    """Which metric says how many people suffer, and in what words."""

    metric: Name
    words: Text
    """What cannot be done: `sign`."""
    failures: Text
    """What is counted: `failed signings`."""


class Stages(Model):
    """The five stages of an automatic rollback, in order, and the time that each may take."""

    detection: Span
    alert: Span
    validation: Span
    execution: Span
    verification: Span


class Automatic(Model):
    """Rolling back without being asked."""

    unsigned: Literal["runs", "arms"]
    """What it does without a standing authorisation: run, or prepare all and wait at the gate."""
    release_within: Span
    """The onset must follow a release that is no older than this; else a rollback will not help."""
    stages: Stages


class Message(Model):
    """What is said at one moment of an incident, and to whom."""

    at: Moment
    action: Text
    audience: Annotated[list[Text], Field(min_length=1), Expected("a list of those who are told")]
    status_page: Text | None = None


class Communication(Model):
    """The clock of an incident's messages."""

    alerts_to: Text
    updates_to: Text
    clock: list[Message]
    then_every: Span
    """How often a status follows after the last timed message, until the end."""


class Watch(Model):
    """What is looked at after a rollback, and for how long."""

    duration: Span
    targets: list[Name]
    """Metrics that must stay on their `recovered` rung."""
    same_release: YesNo
    """Whether the running release must stay the one that was rolled back to."""
    alerts: list[When]
    """What notifies at once."""


class Environment(Model):
    """One environment with everything a rollback of it needs."""

    title: Text
    risk: Literal["low", "medium", "critical"]
    users: Text
    recover_within: Span
    expected: Span
    engine: Literal["cooperative", "external"] = "cooperative"
    drill: Text | None = None
    """What is not as in the field, for a rehearsal: shown on the screen."""
    state: str | None = None
    """Folder of the journal and all that belongs to it; None for the usual one."""
    severity: Literal["SEV-1", "SEV-2", "SEV-3"]
    repository: Repository
    releases: Releases
    service: Service
    deploy: Deploy
    data: Data
    sources: dict[Name, AnySource]
    metrics: dict[Word, Metric]
    triggers: dict[Word, DeclaredTrigger]
    impact: Impact
    health: Check
    commands: dict[Name, Command]
    authorisation: Authorisation
    runbook: Annotated[
        list[RunbookStep], Field(min_length=1), Expected("a list of at least one step of the runbook")
    ]
    checklist: list[Item]
    automatic: Automatic | None = None
    communication: Communication | None = None
    watch: Watch | None = None


class Document(Model):
    """What the strategy was made from, and how old it is."""

    title: Text
    version: Text
    updated: Day
    status: Text
    reviewed_by: Text
    references: list[Text]


class Strategy(Model):
    """The whole file."""

    schema_: Annotated[Literal["warroom.strategy/1"], Field(alias="schema")]
    document: Document
    environments: Annotated[
        dict[Name, Environment], Field(min_length=1), Expected("a mapping with at least one environment")
    ]
