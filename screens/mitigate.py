"""Mitigations: what each covers of what fires, what became of it, who may ask for it; and asking for one."""

from collections.abc import Sequence

from console.core.format import clock
from console.core.mitigating import choices, covering, covers, firing, may_not, step_id, titles, who_may
from console.core.mitigations import Mitigation
from console.core.recommendation import grounds
from console.core.requests import AnyAsk, Mitigate
from screens.dialog import Form, Lacking
from screens.lines import Line, Role, line, span, wrap

_DO, _UNDO = "do", "undo"


class MitigateDialog(Form):
    """Does one, or takes it back."""

    caption = "Mitigate"
    prompt = "Which one?"
    yes = "Do it"

    def body(self, width: int) -> Sequence[Line]:
        """Each with what it covers, its state and its authority; the one that is proposed comes first."""
        fires = self._fires()
        lines: list[Line] = []
        for name in self._ordered():
            lines += self._one(name, self.scene.environment.mitigations[name], fires, width)
        return lines

    def options(self) -> Sequence[tuple[str, str]]:
        """What can be done now, the proposed one first."""
        environment = self.scene.environment
        order = self._ordered()
        found = sorted(
            choices(self.scene.snapshot.state, environment), key=lambda one: (one[1], order.index(one[0]))
        )
        steps = titles(environment)
        return [(f"{_UNDO if undo else _DO} {name}", steps[step_id(name, undo=undo)]) for name, undo in found]

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:  # noqa: ARG002 - nothing to type
        """The mitigation, unless it is not this person's to ask for."""
        if chosen is None:
            return Lacking("choose one first")
        act, _, name = chosen.partition(" ")
        mitigation = self.scene.environment.mitigations[name]
        if why := may_not(mitigation, self.scene.snapshot.state.incident, self.scene.actor):
            return Lacking(why)
        return Mitigate(name, undo=act == _UNDO)

    def _fires(self) -> tuple[str, ...]:
        known = grounds(self.scene.snapshot, self.scene.environment)
        return firing(self.scene.environment, known.rungs, known.declared)

    def _ordered(self) -> list[str]:
        """Those that cover everything first, the cheapest at the top; then as the strategy has them."""
        environment = self.scene.environment
        first = covering(environment, self._fires())
        return [*first, *(name for name in environment.mitigations if name not in first)]

    def _one(self, name: str, mitigation: Mitigation, fires: Sequence[str], width: int) -> list[Line]:
        state, role = self._state(name)
        head = line(span(mitigation.title, Role.STRONG), f" ({mitigation.kind})  ", span(state, role))
        allowed = may_not(mitigation, self.scene.snapshot.state.incident, self.scene.actor)
        who = allowed or who_may(mitigation)
        facts = f"{self._covered(mitigation, fires)}; cost {mitigation.cost}; {who}"
        return [head, *wrap(facts, width, Role.WARN if allowed else Role.PLAIN, indent=2)]

    def _state(self, name: str) -> tuple[str, Role]:
        tried = self.scene.snapshot.state.mitigations.get(name)
        if tried is None:
            return "not tried", Role.DIM
        role = {"in force": Role.GOOD, "failed": Role.BAD, "unclear": Role.WARN}.get(tried.status, Role.PLAIN)
        return f"{tried.status} since {clock(tried.since)}", role

    def _covered(self, mitigation: Mitigation, fires: Sequence[str]) -> str:
        """What it covers, held against what fires."""
        environment = self.scene.environment

        def of(names: Sequence[str]) -> str:
            known = (environment.metrics.get(one) or environment.triggers[one] for one in names)
            return ", ".join(each.title for each in known)

        if not fires:
            return f"covers {of(mitigation.covers)}, of which nothing fires"
        if covers(mitigation, fires):
            return f"covers all that fires: {of(fires)}"
        missing = [name for name in fires if name not in mitigation.covers]
        if len(missing) == len(fires):
            return f"covers nothing that fires, only {of(mitigation.covers)}"
        return f"does not cover {of(missing)}"
