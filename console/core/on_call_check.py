"""What must be true of how it is found out who is on call: one calendar, in a time zone that there is."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from console.core.naming import quoted
from console.core.parts import Finding, Part, Rule


def one_calendar(environment: Part) -> Iterator[Finding]:
    """A calendar is a file or an address."""
    source = environment["on_call"]
    if source["kind"].text != "calendar":
        return
    file, url = source["file"].value, source["url"].value
    if file is None and url is None:
        yield source.wrong("`file` or `url` is missing: expected one of the two", on_key=True)
    elif file is not None and url is not None:
        yield source["file"].wrong("`file` and `url` exclude each other: leave one out", on_key=True)


def token_goes_somewhere(environment: Part) -> Iterator[Finding]:
    """A file is not asked with a token."""
    source = environment["on_call"]
    if (
        source["kind"].text == "calendar"
        and source["token"].value is not None
        and source["url"].value is None
    ):
        yield source["token"].wrong("it is sent with the question to `url`, and there is none", on_key=True)


def zone(environment: Part) -> Iterator[Finding]:
    """There is such a time zone."""
    named = environment["on_call"]["zone"]
    if named.text is None:
        return
    try:
        ZoneInfo(named.text)
    except (KeyError, ValueError, OSError):
        yield named.wrong(f"there is no time zone {quoted(named.text)}: write one such as `Europe/Berlin`")


RULES: tuple[Rule, ...] = (one_calendar, token_goes_somewhere, zone)
"""Every rule about who is on call."""
