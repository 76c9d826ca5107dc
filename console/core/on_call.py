"""Who is on call, as typed models of the strategy file: whom to ask for it, and how."""

from typing import Annotated, Literal

from pydantic import Field

from console.core.fields import Expected, Model, SecretRef, Span, Text, Url


class Asked(Model):
    """What every source has: how often it is asked, and how long it may take to answer."""

    every: Span = 300.0
    limit: Span = 10.0


class ByCommand(Asked):
    """A command that prints a handle or a contact of the roster, or JSON with `person` and `until`."""

    kind: Literal["command"]
    argv: Annotated[list[Text], Field(min_length=1), Expected("a list of words, the program first")]


class ByCalendar(Asked):
    """A calendar in iCalendar format: the event of now names somebody by its summary or its attendee."""

    kind: Literal["calendar"]
    file: Text | None = None
    url: Url | None = None
    """Exactly one of `file` and `url` is given."""
    token: SecretRef | None = None
    """Sent with the question to `url` as a bearer token."""
    zone: Text = "UTC"
    """In which days and times without a zone are meant, as the tz database calls it."""


class ByHttp(Asked):
    """An address that answers in JSON."""

    kind: Literal["http"]
    url: Url
    token: SecretRef | None = None
    """Sent as a bearer token."""
    field: Text
    """Dotted path of the handle or contact in the answer; a number is a place in a list, from 0."""
    until: Text | None = None
    """Dotted path of the moment until when, where the answer has it."""


AnyOnCall = Annotated[ByCommand | ByCalendar | ByHttp, Field(discriminator="kind")]
