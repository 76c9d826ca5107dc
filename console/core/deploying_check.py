"""What must be true of how the engine deploys: each name once, and data left alone."""

import re
from collections.abc import Iterator

from console.core.parts import Finding, Part, Rule

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS = "WARROOM_"


def services(environment: Part) -> Iterator[Finding]:
    """A component has a service of its own, and none that the application depends on is stopped."""
    deploy = environment["deploy"]
    seen: dict[str, str] = {}
    for component, service in deploy["services"].items():
        name = service.text
        if name is None:
            continue
        if name in seen:
            yield service.wrong(
                f"service `{name}` is that of `{seen[name]}` already: a service runs one image"
            )
        seen.setdefault(name, component)
    for depended in deploy["depends"].each():
        if depended.text in seen:
            yield depended.wrong(f"`{depended.text}` is deployed itself: it stands under `services`")


def data_is_left_alone(environment: Part) -> Iterator[Finding]:
    """A container that holds the data is never one of the application's."""
    deploy = environment["deploy"]
    holding = {environment[kind]["container"].text for kind in ("data", "cache")} - {None}
    for service in deploy["services"].values():
        names = {service.text, *(f"{deploy['project'].text}{mark}{service.text}{mark}1" for mark in "-_")}
        if names & holding:
            yield service.wrong(f"`{service.text}` holds the data: it is never stopped, take it out")


def mounts(environment: Part) -> Iterator[Finding]:
    """Code is found by the same path in the repository's tree."""
    for path, kind in environment["deploy"]["mounts"].items():
        if kind.text == "code" and (path.startswith(("/", "~")) or ".." in path.split("/")):
            yield kind.wrong(
                f"`{path}`: code is named by its path in the repository, relative to `folder`", on_key=True
            )


def variables(environment: Part) -> Iterator[Finding]:
    """Names of variables are names, and not those that we set ourselves."""
    for name, reference in environment["deploy"]["environment"].items():
        if not _VARIABLE.fullmatch(name):
            yield reference.wrong(f"`{name}` is no name of a variable", on_key=True)
        elif name.startswith(_OURS):
            yield reference.wrong(f"`{name}` is set by Warroom: call it otherwise", on_key=True)


def both_ways(environment: Part) -> Iterator[Finding]:
    """Who can stop the service can start it, and the other way round."""
    deploy = environment["deploy"]
    if deploy["kind"].text != "command":
        return
    for one, other in (("stop", "start"), ("start", "stop")):
        if deploy[one].value is not None and deploy[other].value is None:
            yield deploy[one].wrong(f"`{one}` needs `{other}`: what is stopped is started again")


RULES: tuple[Rule, ...] = (services, data_is_left_alone, mounts, variables, both_ways)
