"""How messages speak of names: quoted, cut, and with the nearest valid name beside a wrong one."""

from collections.abc import Iterable
from difflib import get_close_matches

MAX_SHOWN = 40
MAX_LISTED = 12


def quoted(text: str) -> str:
    """`text` between backticks: on one line, without control characters, cut where it is long."""
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f"`{plain if len(plain) <= MAX_SHOWN else plain[: MAX_SHOWN - 1] + '…'}`"


def listed(names: Iterable[str]) -> str:
    """The names, quoted, in the order given; a long list is cut and says how many more there are."""
    every = list(names)
    shown = ", ".join(quoted(name) for name in every[:MAX_LISTED])
    return shown + (f" and {len(every) - MAX_LISTED} more" if len(every) > MAX_LISTED else "")


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name that `name` was probably meant to be; None when none is near."""
    lowered = {known.lower(): known for known in valid}
    close = get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return lowered[close[0]] if close else None


def advice(name: str, valid: Iterable[str]) -> str:
    """What to write instead of an unknown name: the nearest valid one, or else all that are valid."""
    known = list(valid)
    if close := nearest(name, known):
        return f"did you mean {quoted(close)}?"
    return f"expected one of {listed(known)}" if known else "there is none to name"


def unknown(what: str, name: str, valid: Iterable[str]) -> str:
    """One line about an unknown name of a `what`."""
    return f"unknown {what} {quoted(name)}: {advice(name, valid)}"
