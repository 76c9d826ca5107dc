"""Secrets of containers: found in what the engine says of them, kept out of logs and of Compose's files."""

from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from console.core.errors import StatedError
from console.core.redaction import MASK, Redactor, passwords
from console.core.secret_names import guards, names_secret
from console.targets.docker.engine import Facts

_MOST = 100_000
"""Entries of the largest file of Compose that is read: its aliases may make any number of a few."""
_SERVICE = (
    *("image", "container_name", "hostname", "platform", "user", "working_dir", "profiles", "restart"),
    *("build.context", "build.dockerfile", "build.target", "ports", "expose", "networks", "network_mode"),
    *("volumes", "tmpfs", "depends_on", "env_file", "extends", "secrets", "configs", "init", "read_only"),
    *("healthcheck.interval", "healthcheck.timeout", "healthcheck.retries", "healthcheck.start_period"),
    *("deploy.mode", "deploy.replicas", "deploy.resources", "deploy.placement", "deploy.update_config"),
    *("deploy.rollback_config", "deploy.restart_policy", "logging.driver", "stop_signal", "cap_add"),
    *("stop_grace_period", "cap_drop", "privileged", "pid", "ipc", "ulimits", "mem_limit", "cpus"),
)
_PLAIN = {
    *("name", "version"),
    *(f"services.*.{key}" for key in _SERVICE),
    *(f"{kind}.*.{key}" for kind in ("networks", "volumes") for key in ("name", "external", "driver")),
    *(f"{kind}.*.{key}" for kind in ("secrets", "configs") for key in ("name", "external", "file")),
}
"""Entries of Compose's files that say how a service is built up; any other may hold a secret."""


class NoComposeError(StatedError):
    """A text is no configuration of Compose; a few words why."""


def secrets_of(all_told: Iterable[Facts]) -> Iterator[str]:
    """What containers are given as secrets, as far as its name or its form tells that."""
    for told in all_told:
        for variable in told["Config"].get("Env") or ():
            name, _, value = variable.partition("=")
            if any(passwords(value)) or (names_secret(name) and guards(value)):
                yield value


def masked(text: str, mask: Redactor) -> str:
    """A configuration of Compose with what says how it is built up, every other value masked; no comments.

    Raises NoComposeError.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    out = StringIO()
    try:
        yaml.dump(_Walk(mask).value(yaml.load(text), ()), out)
    except (YAMLError, RecursionError, ValueError) as error:
        raise NoComposeError(" ".join(str(error).split())[:200]) from None
    return out.getvalue()


class _Walk:
    """One way through a document, of limited length."""

    def __init__(self, mask: Redactor) -> None:
        self._mask = mask
        self._left = _MOST

    def value(self, value: Any, path: tuple[str, ...]) -> Any:
        """What may be seen of a value in that place."""
        self._left -= 1
        if self._left < 0:
            raise NoComposeError(f"it has more than {_MOST:,} entries")
        if isinstance(value, dict):
            return {key: self.value(each, (*path, str(key))) for key, each in value.items()}
        if isinstance(value, list):
            return [self.value(each, path) for each in value]
        if value is None or isinstance(value, bool):
            return value
        if not _is_plain(path) or any(passwords(str(value))):
            return MASK
        return self._mask.redact(value) if isinstance(value, str) else value


def _is_plain(path: tuple[str, ...]) -> bool:
    words = ["*" if at == 1 else word for at, word in enumerate(path)]
    return any(".".join(words[:length]) in _PLAIN for length in range(1, len(words) + 1))
