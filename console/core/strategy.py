"""The strategy as typed models: every value a rollback depends on, read from one YAML file."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from console.core.alerting import Webhook
from console.core.ci import GithubCi
from console.core.data import AnyArchive, Backups, Cache, Data, Recovery
from console.core.deploying import CommandDeploy, ComposeDeploy
from console.core.env_rules import EnvironmentFile
from console.core.fields import (
    BranchTemplate,
    Count,
    Day,
    Expected,
    Model,
    Moment,
    Name,
    Pattern,
    Seconds,
    Span,
    Text,
    Url,
    When,
    Word,
    YesNo,
)
from console.core.mitigations import Mitigation
from console.core.on_call import AnyOnCall
from console.core.plan import Authority, Phase
from console.core.pulls import GithubPulls
from console.core.schema_rules import SchemaRules
from console.core.swarm_deploy import SwarmDeploy
from console.core.war_room import WarRoomRule
from console.core.watched import AnySource, DeclaredTrigger, Metric

# -- the way back -----------------------------------------------------------------------------------


class Repository(Model):
    """The git repository that the environment deploys."""

    remote: Text
    """What git fetches from and pushes to: a URL, or a path, `.` for the repository one stands in."""
    branch: Text
    """The branch that a deployment of this environment builds."""
    rollback_branch: BranchTemplate
    """Name of the branch a rollback is made on; `{epoch}` is replaced by the second it was planned at."""
    integrate: Literal["push", "pull request"] = "push"
    """How the rollback gets into the branch; a push that its rules refuse becomes a pull request too."""
    pull_request: GithubPulls | None = None
    """Where pull requests are opened; None: nobody has said."""
    recent: Count = 10
    """How many commits are listed to choose the bad one from."""
    migrations: list[Text] | None = None
    """Folders whose files migrate the schema, as git names them; None: nobody has said where they lie."""
    version: Text | None = None
    """The file of the tree that holds the version which the service answers; None: nobody has said."""
    config: list[Text] | None = None
    """Files, and folders of files, with the configuration, as git names them; None: nobody has said."""


class Releases(Model):
    """Where releases are on record until the ledger has one, and which of them are candidates."""

    file: Text | None = None
    """A file of releases with their verdicts; None: there are git's tags, which nobody has judged."""
    matching: Pattern | None = None
    """Found in the tag of each release that can be gone back to; None: all can."""


class Service(Model):
    """How the running service says which release it is."""

    url: Url
    health: Url
    version: Text
    """Dotted path of the version in the health endpoint's JSON body."""
    commit: Text | None = None
    """Dotted path of the commit id in that body, where it has one."""
    instances: Annotated[
        dict[Name, Url],
        Expected("a mapping of each instance's name to the address of its own health endpoint"),
    ] = Field(default_factory=dict)
    """Every instance that a release runs on; empty: the one that answers at `health`."""
    components: dict[Name, Text] = Field(default_factory=dict)
    """Where in that body each component says its version, by dotted path; they must all be of the release."""


class KeeperDeploy(Model):
    """Deployments done by the keeper of a drill."""

    kind: Literal["keeper"]
    socket: Text


class PipelineDeploy(Model):
    """Deployments done by a pipeline that every push to the branch starts."""

    kind: Literal["pipeline"]


Deploy = Annotated[
    KeeperDeploy | PipelineDeploy | ComposeDeploy | CommandDeploy | SwarmDeploy, Field(discriminator="kind")
]


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


class Paging(Model):
    """How those who must say yes are asked, and when somebody else is."""

    command: (
        Annotated[list[Text], Field(min_length=1), Expected("a list of words, the program first")] | None
    ) = None
    """Run for each page, with what to say on its standard input; `{handle}` and `{contact}` are the person's.

    Without one, people are asked on the screen alone.
    """
    limit: Span
    """How long the command may take."""
    again: Span
    """How long somebody may be silent before they are asked again."""
    deputy_after: Span
    """How long everybody who holds a role may be silent before its deputies are asked."""


class EscalationPath(Model):
    """Who is told, one level at a time, when the time to say yes is over."""

    roles: Annotated[list[Name], Field(min_length=1), Expected("a list of roles, the first level first")]
    every: Span
    """How long a level has before the next is told."""


class BreakGlass(Model):
    """A smaller quorum for a plan that is code only, schema safe and loses nothing."""

    signatures: Annotated[int, Field(ge=2), Expected("a whole number, two at least")]
    """Distinct people, each of whom holds a role of the matrix."""
    one_of: Annotated[list[Name], Field(min_length=1), Expected("a list of at least one role")]
    """One of them holds one of these."""
    review_within: Span
    """How long the other roles have to review it afterwards."""


class Authorisation(Model):
    """Who opens the gate, how it is proven, and within what time."""

    approvers: Annotated[
        list[ApproverRule], Field(min_length=1), Expected("a list of at least one `role` and `count`")
    ]
    proof: Literal["claim", "signature"]
    within: Seconds
    """0s: immediately."""
    initiator_may_approve: Annotated[
        Literal["always", "code only", "never"],
        Expected("`always`, `code only` (but never a plan that changes data) or `never`"),
    ]
    """Whether the person who asks for the rollback counts among the approvers."""
    paging: Paging | None = None
    escalation: EscalationPath | None = None
    break_glass: BreakGlass | None = None
    """None: off."""


class ByEvidence(Model):
    """Shown by what these steps of *prepare* prove: by those of them that the plan has, one at least."""

    kind: Literal["evidence"]
    steps: Annotated[list[Name], Field(min_length=1), Expected("a list of at least one step of `prepare`")]


class ByApproval(Model):
    """Shown by the yes of somebody who holds that role, whatever else they hold."""

    kind: Literal["approval"]
    role: Name


class ByPlan(Model):
    """Shown by the plan itself: it says what is gone back to."""

    kind: Literal["plan"]


class ByHand(Model):
    """Ticked by a person, who says in a note how they know."""

    kind: Literal["hand"]
    roles: list[Name] = Field(default_factory=list)
    """Who may tick it; empty: anybody."""


class PrerequisiteRule(Model):
    """Something that must be so before the gate of a manual rollback opens."""

    id: Name
    title: Text
    proof: Annotated[ByEvidence | ByApproval | ByPlan | ByHand, Field(discriminator="kind")]
    may_be_waived: YesNo = False
    """Evidence is waived only where the data stays as it is."""
    waived_by: list[Name] = Field(default_factory=list)
    """Roles that may let it go, by name and with a reason."""


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
    users: Word | None = None
    """A metric that says how many users suffer, as a number or in per cent; None: tries alone are counted."""


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
    standing_for: Span | None = None
    """The longest time that a standing authorisation may count; None: there are none here."""
    stages: Stages
    enabled: YesNo = True
    """Whether it does anything at all; what else stands here is then only said."""
    cool_down: Span = 3600.0
    """After one that has opened a gate, none for so long."""
    second_path: dict[Word, When] = Field(default_factory=dict)
    """For each metric with an automatic rung, what another source must say too, measured after the alarm."""


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


Severity = Literal["SEV-1", "SEV-2", "SEV-3"]


class SeverityRule(Model):
    """How grave an incident is, by the worst rung that a metric or a declared trigger stands on."""

    otherwise: Severity
    """While nothing says roll back; and on any rung that is not named here."""
    mandatory: Severity | None = None
    automatic: Severity | None = None
    """None: as `mandatory`."""


def _of_any_rung(value: object) -> object:
    """A severity that is written by itself counts on every rung."""
    return {"otherwise": value} if isinstance(value, str) else value


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
    severity: Annotated[
        SeverityRule,
        BeforeValidator(_of_any_rung, json_schema_input_type=str | SeverityRule),
        Expected("`SEV-1`, `SEV-2` or `SEV-3`, or a mapping with `otherwise`, `mandatory`, `automatic`"),
    ]
    repository: Repository
    releases: Releases = Releases()
    service: Service
    deploy: Deploy
    ci: GithubCi | None = None
    """What is frozen while a release goes back; None: nothing is."""
    environment_file: EnvironmentFile | None = None
    """The file with the service's environment variables; None: none is saved or swapped."""
    data: Data
    cache: Cache | None = None
    backups: Backups | None = None
    archive: AnyArchive | None = None
    recovery: Recovery | None = None
    schema_: SchemaRules | None = Field(alias="schema", default=None)
    """How the verdict on a schema is found; None: it is *unknown*."""
    sources: dict[Name, AnySource]
    metrics: dict[Word, Metric]
    settle: Seconds = 0.0
    """How long a metric must have been better before it comes down its ladder; up it goes at once."""
    triggers: dict[Word, DeclaredTrigger]
    mitigations: dict[Name, Mitigation] = Field(default_factory=dict)
    impact: Impact
    webhook: Webhook | None = None
    on_call: AnyOnCall | None = None
    """Who is asked first; None: whoever holds the first role of the escalation path."""
    war_room: WarRoomRule | None = None
    """Who does what in an incident; None: a declaration asks for nobody but the commander."""
    health: Check
    commands: dict[Name, Command]
    authorisation: Authorisation
    prerequisites: list[PrerequisiteRule] = Field(default_factory=list)
    """What must be so before the gate of a rollback opens, beside what the steps of *prepare* prove."""
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
