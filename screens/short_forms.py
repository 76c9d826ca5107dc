"""Dialogs that ask for one line: a note, the reason to stop, the release to go back to."""

from collections.abc import Sequence
from typing import get_args

from msgspec.structs import replace

from console.core.glass import glass_of, refused
from console.core.plan_words import glass_words, way
from console.core.requests import Abort, AnyAsk, ChangeSeverity, Note, Replan
from console.core.standing import says_plan_again
from console.core.strategy import Severity
from console.core.wishes import back_to
from screens.dialog import Form, Lacking
from screens.lines import Line, Role, wrap

_MATRIX, _GLASS = "matrix", "glass"


class NoteDialog(Form):
    """Writes on the timeline."""

    caption = "Note"
    yes = "Write"
    fields = ("what you saw, did or suspect",)

    def body(self, width: int) -> Sequence[Line]:
        """Whose note it is."""
        return wrap(f"Stands on the timeline as said by {self.scene.actor}.", width, Role.DIM)

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:  # noqa: ARG002 - nothing to choose
        """The note, unless it says nothing."""
        (note,) = typed
        return Note(text=note) if note else Lacking("an empty note says nothing")


class SeverityDialog(Form):
    """Says how grave it is."""

    caption = "Severity"
    yes = "Change it"
    fields = ("why",)

    def body(self, width: int) -> Sequence[Line]:
        """What it is now, and who may change it."""
        incident = self.scene.snapshot.state.open_incident
        now = incident.severity if incident else None
        words = f"It is {now or 'not said yet'}. The commander changes it, or whoever is on-call engineer."
        return wrap(words, width, Role.DIM)

    def options(self) -> Sequence[tuple[str, str]]:
        """All there are."""
        return [(name, name) for name in get_args(Severity)]

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:
        """The change, with its reason."""
        (reason,) = typed
        return ChangeSeverity(chosen or "", reason) if reason else Lacking("say why")


class AbortDialog(Form):
    """Stops the run."""

    caption = "Stop the run"
    yes = "Stop"
    fields = ("why (may stay empty)",)

    def body(self, width: int) -> Sequence[Line]:
        """What it does, and what it does not."""
        incident = self.scene.snapshot.state.open_incident
        running = incident.running() if incident else ()
        now = f"{running[0].title} ends first, or at a point of its own where it is safe. " if running else ""
        return wrap(f"{now}Nothing further starts; what is done stays done. X goes on with it.", width)

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk:  # noqa: ARG002 - nothing to choose
        """The stop."""
        (reason,) = typed
        return Abort(reason=reason)


class TargetDialog(Form):
    """Plans anew."""

    caption = "Plan anew"
    yes = "Plan"
    fields = (
        "tag of the release; empty for the newest good one",
        "or commits to revert, as `d` lists them; a merge with the parent that stays: 1a2b3c4d^1",
    )

    def body(self, width: int) -> Sequence[Line]:
        """What a new plan means."""
        incident = self.scene.snapshot.state.open_incident
        if incident is None or incident.plan is None:
            return wrap("There is no plan yet.", width)
        unfit = (step for step in incident.asking() if says_plan_again(incident.step(step.id)))
        why = [f"{step.title} failed: {incident.step(step.id).words}" for step in unfit]
        now = f"The plan now: {way(incident.plan)}. A new one voids every yes to it."
        data = "What becomes of the data stays as it is; b, in the war room, changes that."
        return [
            *(row for words in why for row in wrap(words, width, Role.BAD)),
            *wrap(f"{now} {data}", width),
        ]

    def options(self) -> Sequence[tuple[str, str]]:
        """Who is to open it, where the strategy lets fewer than all do that."""
        rule = self.scene.environment.authorisation
        glass, wish = glass_of(rule), back_to(self.scene.snapshot.state.open_incident, None)
        if glass is None or refused(rule, wish):
            return ()
        return ((_MATRIX, "everybody whom the matrix asks opens it"), (_GLASS, glass_words(glass)))

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:
        """The wish for a plan."""
        incident = self.scene.snapshot.state.open_incident
        if incident is None:
            return Lacking("no incident is open any more")
        target, commits = typed
        try:
            wish = back_to(incident, target or None, commits=commits.split())
        except ValueError as error:
            return Lacking(str(error), 1)
        return Replan(replace(wish, break_glass=chosen == _GLASS))
