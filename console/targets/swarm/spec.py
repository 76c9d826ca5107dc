"""A service's specification, and what we change in it: the image, how it is updated, how many tasks."""

import copy
import hashlib
import json
import re
from typing import Any

from console.core.swarm_deploy import SwarmDeploy
from console.targets.docker.engine import Facts

WISH = "warroom.wish"
"""Label of a service: the deployment that it was last updated by, so that the same one has one effect."""
BEFORE = "warroom.before"
"""Label of a service: the digest of the specification that this deployment has replaced."""
REPLICAS = "warroom.replicas"
"""Label of a service that we have stopped: how many replicas it had. It outlives us."""
_NANO = 1e9
"""The API counts time in nanoseconds."""
_PINNED = re.compile(r"(\S+@)?sha256:[0-9a-f]{64}")


def is_pinned(image: str) -> bool:
    """Whether it means the same image today and tomorrow: by a registry's digest, or by its own id."""
    return _PINNED.fullmatch(image) is not None


def digest_of(image: str) -> str:
    """The digest in a pinned reference; a reference that does not pin as it is."""
    return image.rpartition("@")[2]


def digest(spec: Facts) -> str:
    """Names a specification: two are the same if this is.

    What is zero or empty counts as not there: an engine leaves some of that out when it writes it again.
    """
    return hashlib.sha256(json.dumps(_told(spec), sort_keys=True).encode()).hexdigest()


def _told(value: Any) -> Any:
    """Without what is empty, at any depth."""
    if isinstance(value, dict):
        return {key: told for key, one in value.items() if (told := _told(one))}
    return [_told(one) for one in value] if isinstance(value, list) else value


def image_of(spec: Facts) -> str:
    """The image that its tasks are made of."""
    return str(spec["TaskTemplate"]["ContainerSpec"]["Image"])


def label_of(spec: Facts, name: str) -> str | None:
    """One of the service's labels; None where it has none of that name."""
    value = (spec.get("Labels") or {}).get(name)
    return None if value is None else str(value)


def replicas_of(spec: Facts) -> int | None:
    """How many tasks it shall have; None where that is one on each node, and not ours to say."""
    replicated = spec["Mode"].get("Replicated")
    return None if replicated is None else int(replicated.get("Replicas", 1))


def updated(spec: Facts, image: str, rules: SwarmDeploy, token: str) -> Facts:
    """The same with another image and the strategy's way to update; started, where we had stopped it."""
    new = _started(copy.deepcopy(spec))
    new["TaskTemplate"]["ContainerSpec"]["Image"] = image
    new["UpdateConfig"] = {
        **_pace(rules),
        "FailureAction": rules.failure,
        "Delay": round(rules.delay * _NANO),
    }
    new["RollbackConfig"] = {**_pace(rules), "FailureAction": "pause"}  # for whoever comes back to this
    new["Labels"] |= {WISH: token, BEFORE: digest(spec)}
    return new


def stopped(spec: Facts) -> Facts:
    """The same without a task, and with a note of how many it had."""
    new = copy.deepcopy(spec)
    new["Labels"] = {**(new.get("Labels") or {}), REPLICAS: str(replicas_of(spec))}
    new["Mode"]["Replicated"]["Replicas"] = 0
    return new


def started(spec: Facts) -> Facts:
    """The same with as many tasks as it had when we stopped it."""
    return _started(copy.deepcopy(spec))


def _started(new: Facts) -> Facts:
    labels = new["Labels"] = dict(new.get("Labels") or {})
    if (remembered := labels.pop(REPLICAS, None)) is not None:
        new["Mode"]["Replicated"]["Replicas"] = int(remembered)
    return new


def _pace(rules: SwarmDeploy) -> Facts:
    """How tasks are replaced, as the API has it: one that fails is one too many."""
    return {
        "Parallelism": rules.parallelism,
        "Monitor": round(rules.monitor * _NANO),
        "MaxFailureRatio": 0,
        "Order": rules.order,
    }
