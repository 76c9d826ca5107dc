"""Decide: what was attempted, what was found, and what can be done about it, each with its consequence."""

from collections.abc import Sequence

from console.core.plan import Step
from console.core.receipt import HELD_TO_CEILING
from console.core.requests import AnyAsk, Choice, Decide
from console.core.standing import advised, says_plan_again
from console.core.state import Incident, Status
from screens.dialog import Form, Lacking
from screens.lines import Line, Role, wrap
from screens.scene import Scene
from screens.views.plan import step_lines


class DecideDialog(Form):
    """About the first step that waits for a person."""

    prompt = "The first is what to do when in doubt:"
    yes = "Decide"
    fields = ("why (needed to skip)",)

    def __init__(self, scene: Scene, incident: Incident, step: Step) -> None:
        super().__init__(scene)
        self._step, self._choices = step, advised(incident, step)
        self._state = incident.step(step.id)
        self.caption = f"{step.title} · attempt {self._state.attempt}"

    def body(self, width: int) -> Sequence[Line]:
        """How it ended, which is what one decides about; then what it was to do."""
        failed = self._state.status is Status.FAILED
        ended = "It failed: " if failed else "The engine ended in the middle of it. "
        found = "" if failed else f"Looked into, {self._state.finding}: "
        key = "b" if self._step.action in HELD_TO_CEILING else "T"
        useless = (
            f"To try again is no use: {key}, in the war room, plans anew."
            if says_plan_again(self._state)
            else ""
        )
        return [
            *wrap(f"{ended}{found}{self._state.words}", width, Role.BAD),
            *(wrap(useless, width, Role.STRONG) if useless else ()),
            *step_lines(self._step, width),
        ]

    def options(self) -> Sequence[tuple[str, str]]:
        """The choices with their consequences."""
        return [(choice.value, f"{choice.value}: {words}") for choice, words in self._choices]

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:
        """The decision; to skip takes a reason."""
        if chosen is None:
            return Lacking("choose one first")
        (reason,) = typed
        choice = Choice(chosen)
        if choice is Choice.SKIP and not reason:
            return Lacking("a step is skipped by name and with a reason: type one")
        return Decide(step=self._step.id, choice=choice, reason=reason)
