"""Mitigations as the strategy has them: commands that make it better without taking a release back."""

from typing import Annotated, Literal

from pydantic import Field

from console.core.fields import Count, Expected, Model, Seconds, Span, Text, Word

Argv = Annotated[list[Text], Field(min_length=1), Expected("a list of words, the program first")]
Who = Literal["none", "commander", "matrix"]
"""`none`: anybody of the roster may ask for it. `commander`: whoever commands the incident.

`matrix`: the ordinary quorum, at the gate of a plan that does nothing else."""


class Mitigation(Model):
    """Something that is done about what fires before, or in place of, a rollback."""

    title: Text
    kind: Literal["flag", "traffic", "scale", "restart", "configuration"]
    covers: Annotated[list[Word], Field(min_length=1), Expected("a list of at least one metric or trigger")]
    """Metrics and declared triggers that it is expected to make well."""
    perform: Argv
    """Run in the folder of the strategy file; exit code 0: done."""
    probe: Argv
    """Read only, run in the same folder. Exit code 0: done; 1: not done; any other: it cannot tell."""
    undo: Argv | None = None
    """Takes it back; None: nothing stays in force that could be, as after a restart."""
    authority: Who
    limit: Span
    """How long each of the commands may take."""
    expected: Seconds
    helps_within: Span
    """How long after it is done what it covers may still fire; if it does then, it has not helped."""
    cost: Count = 1
    """The cheapest is proposed; among equals, the one that stands first."""
