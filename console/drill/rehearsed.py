"""What a scenario adds to the drill's strategy: sources and metrics of what is not ours, and mitigations."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from console.drill.certificates import Certificates
from console.drill.place import DrillError, Place
from console.drill.world import World

FLAG = "wc-gas"
"""The flag behind which the bad release of the scenario `flag` has its new feature."""
_HELPS_WITHIN = "30s"
Additions = dict[str, Any]


def additions(scenario: str, folder: Path, world: World) -> Additions:
    """Sources, metrics and mitigations by the names of the strategy's blocks; none for most scenarios."""
    make = _OF_SCENARIO.get(scenario)
    return make(Place(folder), world) if make else {}


def _flag(place: Place, _world: World) -> Additions:
    """The feature can be switched off while the service runs."""

    def command(*words: str) -> list[str]:
        return [sys.executable, "-m", "console.drill.flags", str(place.flags), FLAG, *words]

    return {
        "mitigations": {
            "wc-gas-off": {
                "title": "flag wc-gas off",
                "kind": "flag",
                "covers": ["error_rate", "transaction_signing_rate"],
                "perform": command("off"),
                "probe": command(),
                "undo": command("on"),
                "authority": "commander",
                "limit": "10s",
                "expected": "1s",
                "helps_within": _HELPS_WITHIN,
            }
        }
    }


def _upstream(_place: Place, world: World) -> Additions:
    """The chain's RPC is asked beside the service, so that it can be told whose fault it is."""
    return {
        "sources": {"upstream": {"kind": "http", "url": f"{_there(world.rpc_url)}/health"}},
        "metrics": {
            "upstream_failures": {
                "title": "chain RPC",
                "unit": "count",
                "measure": {"kind": "failures in a row", "source": "upstream"},
                "rungs": {"recovered": "upstream_failures = 0", "mandatory": "upstream_failures > 2"},
                "not_ours": {
                    "cause": "the chain's RPC, upstream of us, does not answer",
                    "explains": ["error_rate", "transaction_signing_rate", "response_time_p99"],
                },
            }
        },
    }


def _tls(place: Place, world: World) -> Additions:
    """The endpoint that users see is asked from outside, and its certificate can be renewed."""
    edge = _there(world.edge_url)
    certificate = str(Certificates(place.certificates).certificate)
    return {
        "sources": {"edge": {"kind": "http", "url": f"{edge}/health", "body": {"status": "ok"}}},
        "metrics": {
            "edge_failures": {
                "title": "https",
                "unit": "count",
                "measure": {"kind": "failures in a row", "source": "edge"},
                "rungs": {"recovered": "edge_failures = 0", "mandatory": "edge_failures > 2"},
            },
            "certificate_days": {
                "title": "certificate",
                "unit": "count",
                "measure": {"kind": "stat", "source": "edge", "stat": "tls_days"},
                "rungs": {
                    "recovered": "certificate_days > 14",
                    "warn": "certificate_days < 14",
                    "mandatory": "certificate_days < 0",
                },
                "not_ours": {
                    "cause": f"the certificate of {edge} has expired",
                    "explains": ["edge_failures"],
                },
            },
        },
        "mitigations": {
            "renew-certificate": {
                "title": "renew the certificate",
                "kind": "configuration",
                "covers": ["edge_failures", "certificate_days"],
                "perform": [sys.executable, "-m", "console.drill.certificates", str(place.certificates)],
                "probe": ["openssl", "x509", "-checkend", "0", "-noout", "-in", certificate],
                "authority": "commander",
                "limit": "20s",
                "expected": "1s",
                "helps_within": _HELPS_WITHIN,
            }
        },
    }


def _there(url: str | None) -> str:
    if url is None:
        raise DrillError("this world lacks a part of its scenario: start the drill anew")
    return url


_OF_SCENARIO: dict[str, Callable[[Place, World], Additions]] = {
    "flag": _flag,
    "upstream": _upstream,
    "tls": _tls,
}
