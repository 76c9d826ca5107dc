"""Dialogs that are only read: the whole plan, the output of a step, the keys."""

from collections.abc import Sequence

from console.core.commands import EVERYWHERE, Command, Group
from console.core.state import Status
from console.core.words import took
from screens.dialog import Reading
from screens.lines import Line, Role, blank, cell, line, rule, span, wrap
from screens.views.plan import plan_lines
from screens.views.runbook import lost_sight

KEY_CELLS = 8


class PlanDialog(Reading):
    """Everything that was frozen."""

    caption = "The plan"

    def body(self, width: int) -> Sequence[Line]:
        """See screens.views.plan."""
        incident = self.scene.snapshot.state.incident
        if incident is None or incident.plan is None:
            return wrap("There is no plan any more: another is being made.", width, Role.WARN)
        return plan_lines(self.scene.snapshot, incident, incident.plan, width)


class OutputDialog(Reading):
    """What the running step prints; or how the last one ended, and where its output lies."""

    caption = "Output"

    def body(self, width: int) -> Sequence[Line]:
        """The running steps, or the last that ran."""
        incident = self.scene.snapshot.state.incident
        live = self.scene.snapshot.live
        lines: list[Line] = []
        lost = lost_sight(self.scene.snapshot)
        for step in incident.running() if incident else ():
            progress = live.steps.get(step.id) if live else None
            doing = lost or (progress.words if progress else "begins")
            lines.append(rule(width, span(f"{step.title} ", Role.STRONG)))
            lines += wrap(doing, width, Role.BAD if lost else Role.PLAIN)
            lines += [
                row for printed in (progress.output if progress else ()) for row in wrap(printed, width)
            ]
        return lines or self._last(width)

    def _last(self, width: int) -> list[Line]:
        incident = self.scene.snapshot.state.incident
        ended = [
            (state.ended.utc_us, key, state)
            for key, state in (incident.steps if incident else {}).items()
            if state.ended
        ]
        if not ended:
            return wrap("No step runs.", width)
        _, key, state = max(ended, key=lambda one: one[0])
        role = Role.BAD if state.status is Status.FAILED else Role.PLAIN
        facts = [
            row for name, fact in state.facts.items() for row in wrap(f"{name}: {fact}", width, indent=2)
        ]
        where = wrap(f"output: {state.output}", width, Role.DIM) if state.output else []
        title = self.scene.titles().get(key, key)
        ended_in = "" if state.seconds is None else f" in {took(state.seconds)}"
        head = rule(width, span(title, Role.STRONG), span(f" {state.status}{ended_in}"))
        return [head, *wrap(state.words, width, role), *facts, *where]


class HelpDialog(Reading):
    """Every key, from the registry."""

    caption = "Keys"

    def body(self, width: int) -> Sequence[Line]:
        """Grouped as in the documentation; what is not possible now says why."""
        lines: list[Line] = []
        for group in Group:
            lines.append(rule(width, span(group.value, Role.STRONG)))
            for entry in EVERYWHERE:
                if entry.group is group:
                    lines += self._entry(entry, width)
        scroll = "Arrows, PgUp, PgDn, Home and End move the timeline; at its top it follows."
        return [*lines, line(""), *wrap(scroll, width, Role.DIM)]

    def _entry(self, entry: Command, width: int) -> list[Line]:
        reason = entry.possible(self.scene.snapshot, self.scene.environment)
        words = wrap(entry.sentence, width - KEY_CELLS, Role.PLAIN if reason is None else Role.DIM)
        if reason is not None:
            words += wrap(f"not now: {reason}", width - KEY_CELLS, Role.DIM)
        key = cell(span(entry.keys, Role.ACT if reason is None else Role.DIM), KEY_CELLS)
        return [(*key, *words[0]), *((blank(KEY_CELLS), *row) for row in words[1:])]
