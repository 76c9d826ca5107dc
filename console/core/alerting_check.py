"""What must be true of a webhook: there is such a port, and its alerts mean something here."""

from collections.abc import Iterator

from console.core.naming import unknown
from console.core.parts import Finding, Part, Rule

_PORTS = range(1, 65536)


def port(environment: Part) -> Iterator[Finding]:
    """There is such a port."""
    listen = environment["webhook"]["listen"]
    number = (listen.text or "").rpartition(":")[2]
    if number.isdecimal() and int(number) not in _PORTS:
        yield listen.wrong("a port is a number from 1 to 65535")


def meanings(environment: Part) -> Iterator[Finding]:
    """An alert means a metric or a declared trigger."""
    metrics, triggers = environment["metrics"].names, environment["triggers"].names
    if metrics is None or triggers is None:
        return
    for meant in environment["webhook"]["alerts"].values():
        if meant.text is not None and meant.text not in (*metrics, *triggers):
            yield meant.wrong(unknown("metric or trigger", meant.text, (*metrics, *triggers)))


RULES: tuple[Rule, ...] = (port, meanings)
