"""The bundled files: free of mistakes, and every value that the strategy sets is in them."""

from datetime import date

import pytest

from actions.registry import ACTIONS
from console.config.check import check_files
from console.config.loader import load_strategy
from console.config.paths import BUNDLED
from console.config.roster import load_roster
from console.core.data import ArchivePoint, FilesArchive
from console.core.metrics import LADDER
from console.core.plan import Authority, Phase
from console.core.strategy import (
    ByApproval,
    ByEvidence,
    ByHand,
    ByPlan,
    Check,
    Command,
    Environment,
    EscalationPath,
    Paging,
    PipelineDeploy,
    SeverityRule,
    Stages,
    Strategy,
)
from console.core.watched import (
    Connect,
    FailuresInARow,
    Gauge,
    Metric,
    Probe,
    Quantile,
    Scrape,
    Unavailable,
)


@pytest.fixture(scope="module")
def strategy() -> Strategy:
    """The bundled strategy."""
    return load_strategy(BUNDLED / "strategy.yaml", ACTIONS).strategy


@pytest.fixture(scope="module")
def environment(strategy: Strategy) -> Environment:
    """The one with the lowest risk."""
    assert list(strategy.environments) == ["testnet", "mainnet-staging", "production"]
    return strategy.environments["testnet"]


@pytest.fixture(scope="module")
def staging(strategy: Strategy) -> Environment:
    """The one between them."""
    return strategy.environments["mainnet-staging"]


@pytest.fixture(scope="module")
def production(strategy: Strategy) -> Environment:
    """The one with the highest."""
    return strategy.environments["production"]


def test_no_mistake() -> None:
    """Strategy and roster are right, each by itself and together."""
    assert check_files(BUNDLED / "strategy.yaml", BUNDLED / "roster.yaml", ACTIONS) == []


def test_document(strategy: Strategy) -> None:
    """The header says what the file was made from."""
    assert strategy.document.model_dump() == {
        "title": "WalletConnect Rollback Strategy",
        "version": "1.0.0",
        "updated": "2024-12-23",
        "status": "Active",
        "reviewed_by": "Security & Engineering Leadership",
        "references": [
            "WALLETCONNECT_DEPLOYMENT_CHECKLIST.md",
            ".github/workflows/",
            "monitoring/",
            "INCIDENT_RESPONSE.md",
        ],
    }
    assert date.fromisoformat(strategy.document.updated) == date(2024, 12, 23)


LADDERS = {
    "error_rate": ("< 0.1%", "> 1%", "> 5%", "> 10% for 5m"),
    "connection_success_rate": ("> 99%", "< 90%", "< 50% for 5m", None),
    "session_failure_rate": (None, None, "> 10%", None),
    "transaction_signing_rate": (None, "< 95%", "= 0%", None),
    "transaction_success_rate": ("> 99%", None, None, None),
    "response_time_p99": ("< 2s", "> 2s", "> 10s", None),
    "memory_usage": (None, "> 85%", "> 90%", None),
    "cpu_usage": (None, None, "> 95% for 5m", None),
    "disk_usage": (None, "> 80%", None, None),
    "database_unavailable": ("not", None, "", ""),
    "security_audit_failed": ("not", None, "", ""),
    "health_check_failures": ("= 0", None, "> 0 for 1m", "> 3"),
    "gas_estimation_errors": (None, None, None, None),
    "front_page_failures": (None, None, None, None),
}
"""The table of rungs: recovered, warn, mandatory, automatic."""


def _rungs(name: str, metric: Metric) -> tuple[str | None, ...]:
    """The rungs of a metric in short, without its name."""
    assert list(type(metric.rungs).model_fields) == [r for r in LADDER if r != "ok"]
    texts = (metric.rungs.recovered, metric.rungs.warn, metric.rungs.mandatory, metric.rungs.automatic)
    return tuple(None if rung is None else rung.text.replace(name, "").strip() for rung in texts)


def test_every_rung_of_the_ladder(environment: Environment) -> None:
    """Thresholds, units and windows, metric by metric; nothing more and nothing less."""
    assert {name: _rungs(name, metric) for name, metric in environment.metrics.items()} == LADDERS


def test_critical_values(environment: Environment) -> None:
    """Memory has a worse word beside the ladder; a full disk blocks *prepare* and never rolls back."""
    critical = {name: metric.critical for name, metric in environment.metrics.items() if metric.critical}
    assert {name: (str(found.when), found.blocks) for name, found in critical.items()} == {
        "memory_usage": ("memory_usage > 95%", None),
        "disk_usage": ("disk_usage > 90%", "prepare"),
    }


def test_units_and_samples(environment: Environment) -> None:
    """What the numbers mean, and that a ratio needs tries before it is a trend."""
    units = {name: metric.unit for name, metric in environment.metrics.items()}
    assert units.pop("response_time_p99") == "s"
    assert units.pop("health_check_failures") == units.pop("gas_estimation_errors") == "count"
    assert units.pop("front_page_failures") == "count"
    assert units.pop("database_unavailable") == units.pop("security_audit_failed") == "flag"
    assert set(units.values()) == {"%"}
    sampled = {name for name, metric in environment.metrics.items() if metric.at_least > 1}
    assert sampled == units.keys() - {"memory_usage", "cpu_usage", "disk_usage"} | {"response_time_p99"}


RATIOS = {
    "error_rate": ("failures", "walletconnect_errors_total", "walletconnect_requests_total"),
    "connection_success_rate": (
        "successes",
        "walletconnect_connection_failures_total",
        "walletconnect_connections_total",
    ),
    "session_failure_rate": (
        "failures",
        "walletconnect_session_failures_total",
        "walletconnect_sessions_total",
    ),
    "transaction_signing_rate": (
        "successes",
        "walletconnect_transaction_signing_failures",
        "walletconnect_transaction_signings_total",
    ),
}


def test_where_the_numbers_come_from(environment: Environment) -> None:
    """Each metric has the measure of the field, or honestly none."""
    metrics = environment.metrics
    found = {
        name: (measure.kind, measure.failed, measure.total)
        for name, metric in metrics.items()
        if (measure := metric.measure) and (measure.kind == "failures" or measure.kind == "successes")
        if measure.failed
    }
    assert found == RATIOS
    confirmed = metrics["transaction_success_rate"].measure
    assert confirmed is not None
    assert confirmed.kind == "successes"
    assert confirmed.succeeded == "walletconnect_transactions_confirmed_total"
    assert metrics["response_time_p99"].measure == Quantile(
        kind="quantile",
        source="metrics",
        histogram="walletconnect_request_duration_seconds",
        q=0.99,
        over="5m",  # type: ignore[arg-type]
    )
    assert metrics["health_check_failures"].measure == FailuresInARow(
        kind="failures in a row", source="health"
    )
    assert metrics["database_unavailable"].measure == Unavailable(kind="unavailable", source="database")
    assert metrics["gas_estimation_errors"].measure == Gauge(
        kind="gauge", source="metrics", gauge="walletconnect_gas_estimation_errors"
    )
    assert {name for name, metric in metrics.items() if metric.measure is None} == {
        "security_audit_failed",
        "memory_usage",
        "cpu_usage",
        "disk_usage",
    }


def test_sources(environment: Environment) -> None:
    """Scraped metrics, the health endpoint by status and body, and the database."""
    scrape, probe, connect = (environment.sources[name] for name in ("metrics", "health", "database"))
    assert isinstance(scrape, Scrape)
    assert scrape.url == "https://testnet.passportx.app/metrics"
    assert isinstance(probe, Probe)
    assert (probe.url, probe.status, probe.body) == (
        "https://testnet.passportx.app/health",
        200,
        {"status": "ok"},
    )
    assert isinstance(connect, Connect)
    assert connect.dsn == environment.data.dsn == "env:WARROOM_TESTNET_DSN"
    assert environment.sources.keys() - {"front_page"} == {"metrics", "health", "database"}, "whose machine?"


def test_declared_triggers(environment: Environment) -> None:
    """What only a person can see: what demands a rollback, and what is to be considered."""
    by_rung = {
        rung: {name for name, trigger in environment.triggers.items() if trigger.rung == rung}
        for rung in ("mandatory", "consider")
    }
    assert by_rung["mandatory"] == {
        "unauthorised_access",
        "private_keys_exposed",
        "secrets_exposed",
        "suspicious_activity",
        "database_corrupt",
        "data_lost_or_inconsistent",
        "transaction_state_corrupt",
    }
    assert by_rung["consider"] == {
        "critical_bug",
        "network_trouble",
        "configuration_error",
        "gas_estimation_failing",
        "wallet_incompatible",
    }
    first = {name: trigger.first for name, trigger in environment.triggers.items() if trigger.first}
    assert first == {"private_keys_exposed": "move the funds", "secrets_exposed": "rotate the secrets"}


def test_environment(environment: Environment) -> None:
    """Risk, users, times and names of testnet."""
    assert (environment.risk, environment.users) == ("low", "internal testers")
    assert environment.severity == SeverityRule(otherwise="SEV-3")
    assert (environment.recover_within, environment.expected) == (900, 600)
    assert environment.repository.model_dump() == {
        "remote": ".",
        "branch": "develop",
        "rollback_branch": "rollback/testnet-{epoch}",
        "recent": 10,
        "integrate": "push",
        "pull_request": None,
        "migrations": None,
        "version": None,
        "config": None,
    }
    assert isinstance(environment.deploy, PipelineDeploy)
    assert environment.service.health == "https://testnet.passportx.app/health"
    assert environment.data.tables.keys() == {"users", "transactions"}
    assert environment.data.may_be_reset
    assert environment.drill is None


def test_authorisation(environment: Environment) -> None:
    """One engineer, who may be the one who acts, at once, by a claim."""
    rule = environment.authorisation
    assert [(approver.role, approver.count) for approver in rule.approvers] == [("engineer", 1)]
    assert (rule.proof, rule.within, rule.initiator_may_approve) == ("claim", 0, "always")
    assert (rule.paging, rule.escalation) == (None, None)


def test_runbook(environment: Environment) -> None:
    """The steps in order, each in its phase, behind what it needs; what touches users is behind the gate."""
    steps = [(step.phase, step.id, step.action, step.needs) for step in environment.runbook]
    assert steps == [
        (Phase.PREPARE, "fetch", "fetch", []),
        (Phase.PREPARE, "worktree", "revert-commits", ["fetch"]),
        (Phase.PREPARE, "rehearse", "rehearse", ["worktree"]),
        (Phase.SWITCH, "same-schema", "same-schema", []),
        (Phase.SWITCH, "rows", "count-rows", []),
        (Phase.SWITCH, "push-branch", "push-branch", ["worktree", "rows", "same-schema"]),
        (Phase.SWITCH, "integrate", "integrate", ["push-branch"]),
        (Phase.SWITCH, "deploy", "deploy", ["integrate"]),
        (Phase.PROVE, "health", "prove-health", ["deploy"]),
        (Phase.PROVE, "rows-kept", "compare-rows", ["health"]),
        (Phase.PROVE, "validation", "run-command", ["health"]),
        (Phase.CLOSE, "tidy", "tidy", ["validation", "rows-kept"]),
    ]
    for step in environment.runbook:
        gated = step.phase is Phase.SWITCH
        assert step.authority is (Authority.MATRIX if gated else Authority.NONE)
        assert step.expected < step.limit
    assert sum(step.expected for step in environment.runbook) <= environment.expected


def test_health(environment: Environment) -> None:
    """30 tries, 2 s apart, three good in a row."""
    assert environment.health == Check(tries=30, every="2s", in_a_row=3, limit="2s")  # type: ignore[arg-type]


def test_validation(environment: Environment) -> None:
    """The automated checks with their kind, and the twelve of people in order; what steps prove is ticked."""

    def words(command: Command) -> tuple[str, bool]:
        return " ".join(command.argv), command.gate

    assert {name: words(command) for name, command in environment.commands.items()} == {
        "validate": ("npm run validate:walletconnect testnet", True),
        "integration": ("npm run test -- tests/integration/walletconnect.test.ts", False),
        "end-to-end": ("npm run test:e2e -- tests/e2e/walletconnect.cy.ts", False),
        "performance": ("npm run test:performance", False),
        "audit": ("npm audit --audit-level=moderate", False),
        "security": ("npm run test:security", False),
    }
    assert [item.id for item in environment.checklist] == [
        "accessible",
        "wallet-connects",
        "signs-transactions",
        "signs-messages",
        "gas-estimation",
        "network-switching",
        "error-handling",
        "logs-clean",
        "performance-normal",
        "security-audit",
        "database-consistent",
        "cache-functioning",
    ]
    assert {step.id: step.proves for step in environment.runbook if step.proves} == {
        "health": ["accessible"],
        "rows-kept": ["database-consistent"],
        "validation": ["wallet-connects", "signs-transactions", "signs-messages", "gas-estimation"],
    }


def test_automatic_rollback(environment: Environment) -> None:
    """Five stages with their budgets; testnet needs no standing authorisation."""
    assert environment.automatic is not None
    budgets = Stages(detection="1m", alert="2m", validation="1m", execution="5m", verification="5m")  # type: ignore[arg-type]
    assert environment.automatic.stages == budgets
    assert (environment.automatic.unsigned, environment.automatic.release_within) == ("runs", 86400)
    assert (environment.automatic.enabled, environment.automatic.cool_down) == (True, 3600)


def test_second_paths(environment: Environment) -> None:
    """Whatever may roll back on its own is confirmed by another source than its own."""
    assert environment.automatic is not None
    paths = environment.automatic.second_path
    starting = {
        name for name, metric in environment.metrics.items() if metric.rungs.automatic and metric.measure
    }
    assert paths.keys() == starting
    for name, path in paths.items():
        first = environment.metrics[name].measure
        others = [environment.metrics[other].measure for other, _ in path.names()]
        assert first is not None
        assert others
        assert all(other and other.source != first.source for other in others), name


def test_communication(environment: Environment) -> None:
    """The clock of messages, and the channels."""
    talk = environment.communication
    assert talk is not None
    assert (talk.alerts_to, talk.updates_to) == ("#walletconnect-incidents", "#incident-response")
    assert [(said.at, said.action, said.audience, said.status_page) for said in talk.clock] == [
        (0, "alert", ["engineering", "security"], None),
        (60, "rollback begins", ["all"], None),
        (120, "customers", ["support", "product"], "investigating"),
        (300, "first status", ["stakeholders"], None),
        (600, "second status", ["stakeholders"], None),
        (None, "resolution", ["stakeholders"], "resolved"),
    ]
    assert talk.then_every == 600


def test_watch(environment: Environment) -> None:
    """Four hours on four metrics and on the release; three things notify at once."""
    watch = environment.watch
    assert watch is not None
    assert (watch.duration, watch.same_release) == (14400, True)
    assert watch.targets == [
        "error_rate",
        "response_time_p99",
        "connection_success_rate",
        "transaction_success_rate",
    ]
    assert [str(alert) for alert in watch.alerts] == [
        "error_rate > 1%",
        "health_check_failures > 0",
        "security_audit_failed",
    ]


RESTORABLE = ByEvidence(kind="evidence", steps=["restorable", "backup"])
LEAD = ByApproval(kind="approval", role="team-lead")
HAND, PLAN = ByHand(kind="hand"), ByPlan(kind="plan")
SIX = {
    "restorable-point": RESTORABLE,
    "rollback-point": PLAN,
    "team-lead-approval": LEAD,
    "security-notified": HAND,
    "ticket": HAND,
    "stakeholders-notified": HAND,
}
"""What must be so before a manual rollback, and what shows it."""


def _waivable(environment: Environment) -> dict[str, list[str]]:
    return {rule.id: rule.waived_by for rule in environment.prerequisites if rule.may_be_waived}


def test_prerequisites(environment: Environment, staging: Environment, production: Environment) -> None:
    """None in testnet; six in production; in staging the security lead confirms the audit beside them."""
    assert environment.prerequisites == []
    assert {rule.id: rule.proof for rule in production.prerequisites} == SIX
    audit = ByHand(kind="hand", roles=["security-lead"])
    assert {rule.id: rule.proof for rule in staging.prerequisites} == {**SIX, "audit-passed": audit}
    assert _waivable(production) == {"restorable-point": ["operations-lead"]}
    assert _waivable(staging) == {"restorable-point": ["security-lead"]}


class TestStaging:
    """What is not as in production, and that the rest is."""

    SAME = ("metrics", "triggers", "impact", "health", "checklist", "communication", "watch", "automatic")

    @pytest.mark.parametrize("field", SAME)
    def test_what_is_as_in_production(
        self, staging: Environment, production: Environment, field: str
    ) -> None:
        """One ladder, one clock, one checklist: a copy that strays is a mistake."""
        assert getattr(staging, field) == getattr(production, field)

    def test_environment(self, staging: Environment) -> None:
        """Risk, users, times and names."""
        assert (staging.risk, staging.users) == ("medium", "beta and staging users")
        assert staging.severity == SeverityRule(otherwise="SEV-3", mandatory="SEV-2")
        assert (staging.recover_within, staging.expected) == (1800, 1200)
        assert staging.repository.model_dump() == {
            "remote": ".",
            "branch": "develop",
            "rollback_branch": "rollback/mainnet-staging-{epoch}",
            "recent": 10,
            "integrate": "push",
            "pull_request": None,
            "migrations": None,
            "version": None,
            "config": None,
        }
        assert isinstance(staging.deploy, PipelineDeploy)
        assert staging.releases.file == "releases-mainnet-staging.yaml"
        health, metrics = staging.sources["health"], staging.sources["metrics"]
        assert isinstance(health, Probe)
        assert isinstance(metrics, Scrape)
        assert staging.service.health == health.url == "https://mainnet-staging.passportx.app/health"
        assert metrics.url == "https://mainnet-staging.passportx.app/metrics"
        assert staging.drill is None

    def test_authorisation(self, staging: Environment) -> None:
        """Two engineers and the security lead, within 15 minutes, by signature."""
        rule = staging.authorisation
        assert {approver.role: approver.count for approver in rule.approvers} == {
            "engineer": 2,
            "security-lead": 1,
        }
        assert (rule.proof, rule.within, rule.initiator_may_approve) == ("signature", 900, "code only")

    def test_data(self, staging: Environment, production: Environment) -> None:
        """Back to an hour before the incident; otherwise as in production, in places of its own."""
        recovery, backups = staging.recovery, staging.backups
        assert recovery is not None
        assert (recovery.before, recovery.loss_at_most) == (3600, 5000)
        assert not staging.data.may_be_reset
        assert (staging.data.dsn, staging.data.admin) == (
            "env:WARROOM_MAINNET_STAGING_DSN",
            "env:WARROOM_MAINNET_STAGING_ADMIN_DSN",
        )
        for field in ("tables", "chain", "invariants"):
            assert getattr(staging.data, field) == getattr(production.data, field)
        assert backups is not None
        assert production.backups is not None
        assert isinstance(backups.restorable, ArchivePoint)
        assert backups.within == 120
        assert backups.folder != production.backups.folder
        assert isinstance(staging.archive, FilesArchive)
        assert isinstance(production.archive, FilesArchive)
        assert not {staging.archive.wal, staging.archive.bases} & {
            production.archive.wal,
            production.archive.bases,
        }
        assert staging.cache is not None
        assert staging.cache.prefixes == ["session:"]

    def test_runbook(self, staging: Environment, production: Environment) -> None:
        """Production's steps; the environment file; and the integration tests, which are a gate here."""
        steps = {step.id: step for step in staging.runbook}
        saved, swapped = steps.pop("env-saved"), steps.pop("env-file")
        assert (saved.action, saved.phase) == ("save-env", Phase.PREPARE)
        assert (swapped.action, swapped.phase) == ("swap-env", Phase.SWITCH)
        assert swapped.needs == ["env-saved", "rows", "same-schema"]
        assert "env-file" in steps["integrate"].needs
        integration = steps.pop("integration")
        assert (integration.phase, integration.needs) == (Phase.PROVE, ["health"])
        assert integration.with_ == {"command": "integration"}
        assert staging.commands["integration"].gate
        assert "integration" in steps["tidy"].needs
        assert [(step.id, step.action, step.phase) for step in steps.values()] == [
            (step.id, step.action, step.phase) for step in production.runbook
        ]
        assert steps["integrate"].title == "into develop"
        assert sum(step.expected for step in staging.runbook) <= staging.expected

    def test_environment_file(self, staging: Environment) -> None:
        """By the names of the deployment; a backup older than a rotation is not used."""
        rules = staging.environment_file
        assert rules is not None
        assert rules.path == ".env.walletconnect.mainnet-staging"
        assert rules.backups == "backups/walletconnect-mainnet-staging-*/env.backup"
        assert (rules.rotated, rules.older) == ([], "refused")

    def test_commands(self, staging: Environment, production: Environment) -> None:
        """As production's, with its own name in the validation, and without smoke tests."""
        named = {name: " ".join(command.argv) for name, command in staging.commands.items()}
        assert named.pop("validate") == "npm run validate:walletconnect mainnet-staging"
        others = {name: " ".join(command.argv) for name, command in production.commands.items()}
        assert named == {name: argv for name, argv in others.items() if name not in ("validate", "smoke")}


class TestProduction:
    """What is not as in testnet, and that the rest is."""

    SAME = ("metrics", "triggers", "impact", "health", "checklist", "communication", "watch")

    @pytest.mark.parametrize("field", SAME)
    def test_what_is_as_in_testnet(
        self, environment: Environment, production: Environment, field: str
    ) -> None:
        """One ladder, one clock, one checklist: a copy that strays is a mistake."""
        assert getattr(production, field) == getattr(environment, field)

    def test_environment(self, production: Environment) -> None:
        """Risk, users, times and names."""
        assert (production.risk, production.users) == ("critical", "all users")
        assert production.severity == SeverityRule(otherwise="SEV-2", mandatory="SEV-1")
        assert (production.recover_within, production.expected) == (300, 240)
        assert production.repository.model_dump() == {
            "remote": ".",
            "branch": "main",
            "rollback_branch": "production-rollback-{epoch}",
            "recent": 10,
            "integrate": "push",
            "pull_request": None,
            "migrations": None,
            "version": None,
            "config": None,
        }
        assert isinstance(production.deploy, PipelineDeploy)
        assert production.service.health == "https://passportx.app/health"
        assert production.drill is None
        health, metrics = production.sources["health"], production.sources["metrics"]
        assert isinstance(health, Probe)
        assert isinstance(metrics, Scrape)
        assert (health.url, metrics.url) == (production.service.health, "https://passportx.app/metrics")

    def test_authorisation(self, production: Environment) -> None:
        """Five roles, six people, by signature; never whoever asked for it, because data can be restored."""
        rule = production.authorisation
        assert {approver.role: approver.count for approver in rule.approvers} == {
            "engineer": 2,
            "security-lead": 1,
            "operations-lead": 1,
            "executive": 1,
            "product-manager": 1,
        }
        assert (rule.proof, rule.within, rule.initiator_may_approve) == ("signature", 1800, "code only")
        assert production.automatic is not None
        assert production.automatic.unsigned == "arms"

    def test_data(self, production: Environment) -> None:
        """Where data goes back to, how much may be lost, and what must be true of it."""
        data, recovery, backups = production.data, production.recovery, production.backups
        assert data.tables == {"users": "id", "transactions": "id"}
        assert data.chain == {"transactions": "hash"}
        assert data.invariants.keys() == {"senders", "addresses", "recipients"}
        assert (data.dsn, data.admin) == ("env:WARROOM_PRODUCTION_DSN", "env:WARROOM_PRODUCTION_ADMIN_DSN")
        assert not data.may_be_reset
        assert recovery is not None
        assert (recovery.before, recovery.loss_at_most) == (900, 5000)
        assert backups is not None
        assert (backups.format, backups.jobs, backups.within) == ("custom", 2, 120)
        assert isinstance(backups.restorable, ArchivePoint)
        assert isinstance(production.archive, FilesArchive)
        assert production.cache is not None
        assert production.cache.prefixes == ["session:"]

    def test_runbook(self, production: Environment) -> None:
        """The steps in order, each behind what it needs."""
        steps = [(step.phase, step.id, step.action, step.needs) for step in production.runbook]
        assert steps == [
            (Phase.PREPARE, "fetch", "fetch", []),
            (Phase.PREPARE, "worktree", "restore-tree", ["fetch"]),
            (Phase.PREPARE, "freeze", "freeze", []),
            (Phase.PREPARE, "capture", "capture", []),
            (Phase.PREPARE, "deploy-ready", "deploy-ready", ["worktree"]),
            (Phase.PREPARE, "restorable", "restorable-point", []),
            (Phase.PREPARE, "backup", "backup", []),
            (Phase.PREPARE, "candidate", "build-candidate", []),
            (Phase.PREPARE, "receipt", "loss-receipt", ["candidate"]),
            (Phase.PREPARE, "rehearse", "rehearse", ["worktree", "candidate"]),
            (Phase.SWITCH, "stop-writers", "stop-writers", []),
            (Phase.SWITCH, "judge-loss", "judge-loss", ["stop-writers"]),
            (Phase.SWITCH, "swap", "swap-database", ["judge-loss"]),
            (Phase.SWITCH, "sessions", "invalidate-cache", ["swap"]),
            (Phase.SWITCH, "same-schema", "same-schema", []),
            (Phase.SWITCH, "rows", "count-rows", []),
            (Phase.SWITCH, "push-branch", "push-branch", ["worktree", "rows", "same-schema"]),
            (Phase.SWITCH, "integrate", "integrate", ["push-branch", "swap"]),
            (Phase.SWITCH, "pass-commit", "pass-commit", ["integrate", "sessions"]),
            (Phase.SWITCH, "deploy", "deploy", ["integrate", "sessions", "pass-commit"]),
            (Phase.SWITCH, "start-writers", "start-writers", ["sessions", "deploy"]),
            (Phase.PROVE, "health", "prove-health", ["deploy", "start-writers"]),
            (Phase.PROVE, "rows-kept", "compare-rows", ["health"]),
            (Phase.PROVE, "final-receipt", "final-receipt", ["health"]),
            (Phase.PROVE, "validation", "run-command", ["health"]),
            (Phase.PROVE, "cache", "prove-cache", ["health"]),
            (Phase.PROVE, "drift-lock", "drift-lock", ["health"]),
            (Phase.CLOSE, "tidy", "tidy", ["validation", "rows-kept", "final-receipt", "cache"]),
            (Phase.CLOSE, "unfreeze", "unfreeze", ["drift-lock"]),
        ]
        of_commander = {"freeze": Authority.COMMANDER}
        for step in production.runbook:
            behind = Authority.MATRIX if step.phase is Phase.SWITCH else Authority.NONE
            assert step.authority is of_commander.get(step.id, behind)
            assert step.expected < step.limit

    def test_users_are_without_the_service_for_seconds(self, production: Environment) -> None:
        """From stopping it to the push that deploys, by what the steps are expected to take."""
        down = ("stop-writers", "judge-loss", "swap", "sessions", "integrate", "pass-commit")
        assert sum(step.expected for step in production.runbook if step.id in down) < 30

    def test_commands(self, environment: Environment, production: Environment) -> None:
        """As testnet's, with its own name in the validation, and smoke tests."""
        named = {name: " ".join(command.argv) for name, command in production.commands.items()}
        assert named.pop("validate") == "npm run validate:walletconnect production"
        assert named.pop("smoke") == "npm run test:smoke"
        others = {name: " ".join(command.argv) for name, command in environment.commands.items()}
        del others["validate"]
        assert named == others


def test_the_schema_is_compared_and_rehearsed(strategy: Strategy) -> None:
    """By commands to be adapted; where they do not work, testnet alone goes on."""
    for name, environment in strategy.environments.items():
        rules = environment.schema_
        assert rules is not None
        assert rules.build is not None
        assert rules.rehearse is not None
        assert (rules.build.argv, rules.build.limit) == (["npm", "run", "db:migrate"], 120)
        assert (rules.rehearse.argv, rules.rehearse.limit) == (["npm", "run", "test:smoke"], 180)
        assert (rules.unknown == "allows") is (name == "testnet")


@pytest.mark.parametrize("name", ["mainnet-staging", "production"])
def test_who_must_say_yes_is_asked_and_when_the_time_is_over_the_path_is_told(
    strategy: Strategy, name: str
) -> None:
    """On the screen, until somebody names a command; engineers are asked anyway, the path begins above."""
    rule = strategy.environments[name].authorisation
    assert rule.paging == Paging(limit="10s", again="2m", deputy_after="5m")  # type: ignore[arg-type]
    assert rule.escalation == EscalationPath(
        roles=["on-call-engineer", "team-lead", "executive", "ceo"],
        every="5m",  # type: ignore[arg-type]
    )


def test_roster() -> None:
    """Somebody to begin with for every role that must approve; then deputies, and who else is told."""
    roster = load_roster(BUNDLED / "roster.yaml").roster
    assert roster.handles()[:7] == ["eng-1", "eng-2", "lead-1", "sec-1", "ops-1", "exec-1", "pm-1"]
    assert {person.handle: (person.roles, person.deputy_for) for person in roster.people[7:]} == {
        "sec-2": ([], ["security-lead"]),
        "ops-2": ([], ["operations-lead"]),
        "exec-2": ([], ["executive"]),
        "oncall-1": (["on-call-engineer"], ["engineer"]),
        "ceo-1": (["ceo"], []),
    }
    assert roster.roles_of("eng-1") == ("engineer",)
    assert roster.roles_of("nobody") == ()


def test_whoever_takes_command_of_production_finds_enough_others(production: Environment) -> None:
    """Also when it is one of the engineers, who then cannot say yes."""
    roster = load_roster(BUNDLED / "roster.yaml").roster
    for rule in production.authorisation.approvers:
        holders = [handle for handle in roster.handles() if rule.role in roster.roles_of(handle)]
        assert len(set(holders) - {"eng-1"}) >= rule.count, rule.role


def test_a_metric_comes_down_only_when_it_has_been_better_for_half_a_minute() -> None:
    """In each environment: what flaps is one trouble."""
    loaded = load_strategy(BUNDLED / "strategy.yaml", ACTIONS).strategy
    assert {environment.settle for environment in loaded.environments.values()} == {30.0}
