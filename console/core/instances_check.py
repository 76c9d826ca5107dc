"""What must be true of the instances of a service: each is another one."""

from collections.abc import Iterator

from console.core.naming import quoted
from console.core.parts import Finding, Part, Rule


def apart(environment: Part) -> Iterator[Finding]:
    """Two names for one address would count one instance twice."""
    named: dict[str, str] = {}
    for name, address in environment["service"]["instances"].items():
        if address.text is None:
            continue
        if address.text in named:
            known = quoted(named[address.text])
            yield address.wrong(f"{known} is asked there already: name each of them once")
        else:
            named[address.text] = name


RULES: tuple[Rule, ...] = (apart,)
