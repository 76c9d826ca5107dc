"""The configuration as Compose resolves it (`config`): what the application's services are made of."""

import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

from msgspec import Struct
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from console.targets.compose.cli import ComposeError

_PORTS = re.compile(
    r"(?:(?P<host>\[[^\]]*\]|[0-9.]+):)?(?P<first>\d+)(?:-(?P<last>\d+))?:[\d-]+(?:/(?P<protocol>\w+))?"
)
"""A published port in the short form, `127.0.0.1:8080:80/tcp`."""
_ENDS = "service_completed_successfully"


class Port(Struct, frozen=True):
    """A port of the engine's machine."""

    host: str
    """The address that it is published at; empty: all."""
    number: int
    protocol: str = "tcp"


class Bind(Struct, frozen=True):
    """A path of the engine's machine inside a container."""

    source: str
    target: str


class Service(Struct, frozen=True):
    """A service, as far as it matters here."""

    ports: tuple[Port, ...]
    binds: tuple[Bind, ...]
    depends: tuple[str, ...]
    """Services that go on while it runs."""


def services_of(text: str) -> dict[str, Service]:
    """The services in what `config` printed; ComposeError when it cannot be understood."""
    try:
        told = YAML(typ="safe", pure=True).load(StringIO(text))
        return {name: _service(entry) for name, entry in told["services"].items()}
    except (YAMLError, TypeError, KeyError, AttributeError, ValueError) as error:
        raise ComposeError(
            f"what Compose resolves cannot be read: {type(error).__name__} in `config`"
        ) from error


def _service(told: dict[str, Any]) -> Service:
    return Service(
        ports=tuple(port for one in told.get("ports") or () for port in _ports(one)),
        binds=tuple(bind for one in told.get("volumes") or () if (bind := _bind(one))),
        depends=tuple(_depends(told.get("depends_on") or {})),
    )


def _ports(told: Any) -> Iterator[Port]:
    if isinstance(told, dict):
        if told.get("published"):
            numbers = str(told["published"])
            yield from _range(told.get("host_ip") or "", numbers, told.get("protocol") or "tcp")
        return
    if found := _PORTS.fullmatch(str(told)):
        numbers = f"{found['first']}-{found['last'] or found['first']}"
        yield from _range((found["host"] or "").strip("[]"), numbers, found["protocol"] or "tcp")


def _range(host: str, numbers: str, protocol: str) -> Iterator[Port]:
    first, _, last = numbers.partition("-")
    yield from (Port(host, number, protocol) for number in range(int(first), int(last or first) + 1))


def _bind(told: Any) -> Bind | None:
    if isinstance(told, dict):
        return Bind(told["source"], told["target"]) if told["type"] == "bind" else None
    source, _, rest = str(told).partition(":")
    return Bind(source, rest.partition(":")[0]) if source.startswith("/") and rest else None


def _depends(told: Any) -> Iterator[str]:
    for name in told:
        if not isinstance(told, dict) or (told[name] or {}).get("condition") != _ENDS:
            yield name
