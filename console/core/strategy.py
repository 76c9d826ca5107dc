"""The strategy as typed models: every value a rollback depends on, read from one YAML file."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from console.core.conditions import Condition, parse
from console.core.plan import Authority, Phase

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _seconds(value: Any) -> float:
    """`90s`, `5m`, `1h` in seconds; ValueError otherwise."""
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a duration such as 500ms, 30s, 5m, 4h or 7d")
    return float(match["number"]) * _SECONDS[match["unit"]]


def _condition(value: Any) -> Condition:
    if not isinstance(value, str):
        raise ValueError("expected a condition such as `error_rate > 5% for 5m`")  # noqa: TRY004 - pydantic reports ValueError
    return parse(value)


Seconds = Annotated[float, BeforeValidator(_seconds, json_schema_input_type=str)]
"""A duration, in seconds; written `500ms`, `30s`, `5m`, `4h`, `7d`."""
When = Annotated[
    Condition, BeforeValidator(_condition, json_schema_input_type=str), PlainSerializer(lambda c: c.text)
]
"""A condition in the shorthand."""
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(-[a-z0-9_]+)*$")]
"""An identifier: lower case, digits, underscores and hyphens."""
Url = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
SecretRef = Annotated[str, StringConstraints(pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:\S.*)$")]
"""Where a secret is (`env:NAME`, `file:PATH`), never the secret."""


class Model(BaseModel):
    """A part of the file: an unknown name in it is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


# -- where numbers come from ------------------------------------------------------------------------


class Source(Model):
    """What every source has: how often it is asked, and how long it may take to answer."""

    every: Seconds
    limit: Seconds


class Scrape(Source):
    """A page of metrics in Prometheus' text format."""

    kind: Literal["scrape"]
    url: Url


class Probe(Source):
    """The health endpoint: healthy means the status **and** the body say so."""

    kind: Literal["http"]
    url: Url
    status: int = 200
    body: dict[str, str] = {}
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
    failed: str
    total: str
    over: Seconds


class SuccessRatio(Model):
    """Successes among all, in per cent; counted directly, or as what did not fail."""

    kind: Literal["successes"]
    source: Name
    total: str
    failed: str | None = None
    succeeded: str | None = None
    over: Seconds


class Quantile(Model):
    """A quantile of a histogram's increase over a window, in seconds."""

    kind: Literal["quantile"]
    source: Name
    histogram: str
    q: Annotated[float, Field(gt=0, lt=1)]
    over: Seconds


class Gauge(Model):
    """A gauge as it stands; `of` divides it, and the ratio is in per cent."""

    kind: Literal["gauge"]
    source: Name
    gauge: str
    of: str | None = None


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


class Metric(Model):
    """A metric, where it comes from, and what its values mean."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=12)]
    """What panes call it; at most 12 characters."""
    unit: Unit
    measure: Measure | None = None
    """None: the metric is shown as NO SOURCE."""
    at_least: int = 1
    """Fewer requests or tries than this are not a trend."""
    rungs: Rungs


class DeclaredTrigger(Model):
    """A trigger that only a person can see; declared with a name and a note."""

    title: str
    rung: Literal["consider", "mandatory"]


# -- the way back -----------------------------------------------------------------------------------


class Repository(Model):
    """The git repository that the environment deploys."""

    remote: str
    branch: str
    """The branch that a deployment of this environment builds."""
    rollback_branch: str
    """Name of the branch a rollback is made on; `{epoch}` is replaced by the second it was planned at."""


class Releases(Model):
    """Where the verdicts on releases are kept."""

    file: str


class Service(Model):
    """How the running service says which release it is."""

    url: Url
    health: Url
    version: str
    """Dotted path of the version in the health endpoint's JSON body."""
    commit: str | None = None
    """Dotted path of the commit id in that body, where it has one."""


class KeeperDeploy(Model):
    """Deployments done by the keeper of a drill."""

    kind: Literal["keeper"]
    socket: str


class PipelineDeploy(Model):
    """Deployments done by a pipeline that every push to the branch starts."""

    kind: Literal["pipeline"]


Deploy = Annotated[KeeperDeploy | PipelineDeploy, Field(discriminator="kind")]


class Data(Model):
    """The database, and which rows are counted to say that none was lost."""

    dsn: SecretRef
    tables: dict[str, str]
    """Table to its key column."""
    may_be_reset: bool


class Check(Model):
    """How often health is asked after a deployment, and what counts as healthy."""

    tries: Annotated[int, Field(ge=1)]
    every: Seconds
    in_a_row: Annotated[int, Field(ge=1)]
    limit: Seconds
    """How long one answer may take."""


class Command(Model):
    """A command of the strategy, run in the worktree of the target release."""

    title: str
    argv: Annotated[list[str], Field(min_length=1)]
    limit: Seconds
    gate: bool
    """Whether a failure stops the rollback, or is only shown."""


class RunbookStep(Model):
    """One line of the runbook."""

    id: Name
    action: Name
    phase: Phase
    title: str
    needs: list[Name] = []
    authority: Authority
    expected: Seconds
    limit: Seconds
    proves: list[Name] = []
    with_: Annotated[dict[str, str], Field(alias="with")] = {}


class ApproverRule(Model):
    """How many people of a role must say yes."""

    role: Name
    count: Annotated[int, Field(ge=1)]


class Authorisation(Model):
    """Who opens the gate, how it is proven, and within what time."""

    approvers: list[ApproverRule]
    proof: Literal["claim", "signature"]
    within: Seconds
    """0s: immediately."""
    initiator_may_approve: bool


class Item(Model):
    """A line of the validation checklist."""

    id: Name
    title: str


class Impact(Model):
    """Which metric says how many people suffer, and in what words."""

    metric: Name
    words: str
    """What cannot be done: `sign`."""
    failures: str
    """What is counted: `failed signings`."""


class Environment(Model):
    """One environment with everything a rollback of it needs."""

    title: str
    risk: Literal["low", "medium", "critical"]
    users: str
    recover_within: Seconds
    expected: Seconds
    engine: Literal["cooperative", "external"] = "cooperative"
    drill: str | None = None
    """What is not as in the field, for a rehearsal: shown on the screen."""
    severity: Literal["SEV-1", "SEV-2", "SEV-3"]
    repository: Repository
    releases: Releases
    service: Service
    deploy: Deploy
    data: Data
    sources: dict[Name, AnySource]
    metrics: dict[Name, Metric]
    triggers: dict[Name, DeclaredTrigger]
    impact: Impact
    health: Check
    commands: dict[Name, Command]
    authorisation: Authorisation
    runbook: list[RunbookStep]
    checklist: list[Item]


class Document(Model):
    """What the strategy was made from, and how old it is."""

    title: str
    version: str
    updated: str
    status: str
    reviewed_by: str
    references: list[str]


class Strategy(Model):
    """The whole file."""

    schema_: Annotated[Literal["warroom.strategy/1"], Field(alias="schema")]
    document: Document
    environments: dict[Name, Environment]
