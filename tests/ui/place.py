"""A testnet to look at: an environment as a strategy file would give it, and a plan for it."""

from typing import Any

from console.core.plan import Authority, CodeChange, Need, Phase, Plan, Predicate, Release, Step
from console.core.strategy import Environment

_SCRAPE = {"kind": "scrape", "url": "http://127.0.0.1:9000/metrics", "every": "1s", "limit": "1s"}


def _ratio(kind: str, failed: str) -> dict[str, str]:
    return {"kind": kind, "source": "service", "failed": failed, "total": f"{failed}_total", "over": "5m"}


_METRICS: dict[str, dict[str, Any]] = {
    "error_rate": {
        "title": "errors",
        "unit": "%",
        "measure": _ratio("failures", "errors"),
        "rungs": {
            "warn": "error_rate > 1%",
            "mandatory": "error_rate > 5%",
            "automatic": "error_rate > 10% for 5m",
        },
    },
    "connection_success_rate": {
        "title": "connections",
        "unit": "%",
        "measure": _ratio("successes", "connections"),
        "rungs": {
            "warn": "connection_success_rate < 90%",
            "mandatory": "connection_success_rate < 50% for 1m",
        },
    },
    "transaction_signing_rate": {
        "title": "signing",
        "unit": "%",
        "measure": _ratio("successes", "signings"),
        "rungs": {"warn": "transaction_signing_rate < 95%", "mandatory": "transaction_signing_rate = 0%"},
    },
    "response_time_p99": {
        "title": "p99",
        "unit": "s",
        "measure": {"kind": "quantile", "source": "service", "histogram": "t", "q": 0.99, "over": "5m"},
        "rungs": {"warn": "response_time_p99 > 2s", "mandatory": "response_time_p99 > 10s"},
    },
    "memory_usage": {
        "title": "memory",
        "unit": "%",
        "measure": {"kind": "gauge", "source": "service", "gauge": "m"},
        "rungs": {"warn": "memory_usage > 85%", "mandatory": "memory_usage > 90%"},
    },
    "database_health": {
        "title": "database",
        "unit": "flag",
        "measure": {"kind": "unavailable", "source": "database"},
        "rungs": {"mandatory": "database_health"},
    },
    "health_check": {
        "title": "health",
        "unit": "count",
        "measure": {"kind": "failures in a row", "source": "health"},
        "rungs": {"warn": "health_check > 0", "mandatory": "health_check > 3"},
    },
    "security_status": {"title": "security", "unit": "flag", "rungs": {"mandatory": "security_status"}},
}

_STEPS: tuple[tuple[str, str, str, str, str, str], ...] = (
    ("fetch", "prepare", "none", "fetch the branch", "2s", "the branch as the remote has it"),
    ("rows-before", "prepare", "none", "count the rows", "2s", "how many rows there are now"),
    ("restore-tree", "prepare", "none", "restore the tree", "3s", "the tree of v1.5.0 on top of v1.5.3"),
    (
        "push-branch",
        "prepare",
        "none",
        "push the branch",
        "3s",
        "the rollback branch is on the remote",
    ),
    ("integrate", "switch", "matrix", "into develop", "4s", "push 9c1f to develop"),
    ("deploy", "switch", "matrix", "deploy", "8s", "the keeper runs develop's new commit"),
    ("health", "prove", "none", "healthy, version", "6s", "3 good answers in a row"),
    ("validate", "prove", "none", "validate", "9s", "the suite passes"),
    ("rows-kept", "prove", "none", "compare the rows", "2s", "no row is gone"),
    ("tidy", "close", "none", "tidy up", "1s", "the worktree is removed"),
)

_ITEMS = (
    ("accessible", "accessible"),
    ("connects", "wallet connects"),
    ("signs", "user signs transactions"),
    ("messages", "user signs messages"),
    ("gas", "gas estimation right"),
    ("network", "network switching"),
    ("errors", "error handling"),
    ("logs", "no critical errors in logs"),
    ("performance", "performance normal"),
    ("audit", "security audit passes"),
    ("consistent", "database consistent"),
    ("cache", "cache functioning"),
)


def environment(**changes: Any) -> Environment:
    """The testnet, with some of its fields changed."""
    return Environment.model_validate({**_document(), **changes})


def _document() -> dict[str, Any]:
    return {
        "title": "PassportX testnet",
        "risk": "low",
        "users": "internal testers",
        "recover_within": "15m",
        "expected": "10m",
        "drill": "DRILL: windows of seconds",
        "severity": "SEV-3",
        "repository": {
            "remote": "remote.git",
            "branch": "develop",
            "rollback_branch": "rollback/testnet-{epoch}",
        },
        "releases": {"file": "releases.yaml"},
        "service": {
            "url": "http://127.0.0.1:9000",
            "health": "http://127.0.0.1:9000/health",
            "version": "version",
        },
        "deploy": {"kind": "keeper", "socket": "keeper.sock"},
        "data": {"dsn": "env:DSN", "tables": {"users": "id"}, "may_be_reset": True},
        "sources": {
            "service": _SCRAPE,
            "database": {"kind": "postgres", "dsn": "env:DSN", "every": "1s", "limit": "1s"},
            "health": {"kind": "http", "url": "http://127.0.0.1:9000/health", "every": "1s", "limit": "1s"},
        },
        "metrics": _METRICS,
        "triggers": {
            "keys_exposed": {"title": "private keys exposed", "rung": "mandatory"},
            "data_lost": {"title": "data lost or inconsistent", "rung": "mandatory"},
        },
        "impact": {"metric": "transaction_signing_rate", "words": "sign", "failures": "failed signings"},
        "health": {"tries": 30, "every": "1s", "in_a_row": 3, "limit": "1s"},
        "commands": {},
        "authorisation": {
            "approvers": [{"role": "engineer", "count": 1}],
            "proof": "claim",
            "within": "0s",
            "initiator_may_approve": "always",
        },
        "runbook": [
            {
                "id": key,
                "action": key,
                "phase": phase,
                "authority": authority,
                "title": title,
                "expected": expected,
                "limit": "60s",
            }
            for key, phase, authority, title, expected, _ in _STEPS
        ],
        "checklist": [{"id": key, "title": title} for key, title in _ITEMS],
    }


def _release(tag: str, digit: str) -> Release:
    return Release(tag=tag, commit=digit * 40, tree=digit * 40)


def code(**changes: Any) -> CodeChange:
    """What becomes of the code."""
    fields: dict[str, Any] = {
        "running": _release("v1.5.3", "3"),
        "target": _release("v1.5.0", "a"),
        "verdict": "good",
        "releases_back": 3,
        "way": "restore tree",
        "branch": "rollback/testnet-1772000000",
        "restored": "9c1f" + "0" * 36,
    }
    return CodeChange(**{**fields, **changes})


def plan(incident: str, **changes: Any) -> Plan:
    """The way back from v1.5.3 to v1.5.0, with some of its fields changed."""
    fields: dict[str, Any] = {
        "environment": "PassportX testnet",
        "incident": incident,
        "code": code(**{key: changes.pop(key) for key in CodeChange.__struct_fields__ if key in changes}),
        "data": None,
        "verb": None,
        "steps": tuple(_step(*row) for row in _STEPS),
        "predicates": (
            Predicate("good-tree", "the commit to deploy is exactly the good tree"),
            Predicate("rows", "the rows are counted"),
        ),
        "needs": (Need("engineer", 1),),
        "proof": "claim",
        "recover_within_s": 900.0,
    }
    return Plan(**{**fields, **changes})


def _step(key: str, phase: str, authority: str, title: str, expected: str, words: str) -> Step:
    return Step(
        id=key,
        action=key,
        title=title,
        phase=Phase(phase),
        authority=Authority(authority),
        needs=(),
        params={},
        words=words,
        effects=(f"git {key} --exactly this 9c1f{'0' * 36} && echo done",),
        repeatable=key != "integrate",
        expected_s=float(expected[:-1]),
        limit_s=60.0,
        fills=("healthy",) if key == "health" else (),
    )
