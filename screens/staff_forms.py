"""Forms of the people's page: giving a task, ending one, asking somebody to take a role, taking one."""

from collections.abc import Sequence

from console.core.fields import seconds_of
from console.core.naming import nearest
from console.core.requests import AcceptRole, AnyAsk, AssignTask, DeclineRole, EndTask, OfferRole, TakeRole
from console.core.roles import holder, may_not_offer, may_not_take, offered
from console.core.roster import Roster
from console.core.staff import INCIDENT_ROLES, Task
from console.core.state import Incident
from console.core.tasks import may_not_assign, may_not_drop, may_not_end, open_tasks, time_words, whose
from screens.dialog import Form, Lacking
from screens.lines import Line, Role, wrap
from screens.scene import Scene

_OVER = Lacking("no incident is open any more")
_ACCEPT, _DECLINE, _TAKE = "accept", "decline", "take"


def _incident(scene: Scene) -> Incident | None:
    return scene.snapshot.state.open_incident


def unknown_handle(roster: Roster | None, handle: str) -> str:
    """Why that is nobody, with who is meant perhaps; empty when it is somebody, or nobody knows."""
    if roster is None or handle in roster.handles():
        return ""
    near = nearest(handle, roster.handles())
    return f"nobody is called {handle}{f': is {near} meant?' if near else ' in the roster'}"


class AssignDialog(Form):
    """Gives a task."""

    caption = "Give a task"
    prompt = "To whom?"
    yes = "Give it"
    fields = ("what is to be done, in a few words", "within, such as 5m (may stay empty)")

    def body(self, width: int) -> Sequence[Line]:
        """What becomes of it."""
        words = "It stands under w until somebody says that it is done. A role's is for whoever has that."
        return wrap(words, width, Role.DIM)

    def options(self) -> Sequence[tuple[str, str]]:
        """The roles first, with who has them; then everybody."""
        incident, roster = _incident(self.scene), self.scene.roster
        roles = [(role, self._role(incident, role)) for role in INCIDENT_ROLES]
        people = roster.people if roster else ()
        return [*roles, *((one.handle, f"{one.handle:<16}{', '.join(one.roles)}") for one in people)]

    def _role(self, incident: Incident | None, role: str) -> str:
        return f"{role:<16}{(incident and holder(incident, role)) or 'nobody yet'}"

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:
        """The task, when it says what, and the time box is one."""
        incident, (what, within) = _incident(self.scene), typed
        if incident is None or chosen is None:
            return _OVER
        if why := may_not_assign(incident, self.scene.actor, chosen):
            return Lacking(why)
        if not what:
            return Lacking("say what is to be done")
        try:
            return AssignTask(chosen, what, seconds_of(within) if within else None)
        except ValueError:
            return Lacking(f"{within!r} is no time box: type one such as 30s or 5m, or nothing", 1)


class _EndDialog(Form):
    """Ends a task: the most urgent is proposed, of those that are one's own."""

    done: bool

    def body(self, width: int) -> Sequence[Line]:
        """Whose word it is."""
        return wrap(f"Stands on the timeline as said by {self.scene.actor}.", width, Role.DIM)

    def options(self) -> Sequence[tuple[str, str]]:
        """Every open task; those of who asks come first."""
        incident, now = _incident(self.scene), self.scene.snapshot.at
        if incident is None:
            return ()
        mine = self.scene.actor
        waited = sorted(open_tasks(incident, now), key=lambda one: whose(incident, one[1]) != mine)
        return [(name, self._words(incident, task)) for name, task in waited]

    def _words(self, incident: Incident, task: Task) -> str:
        return f"{whose(incident, task):<15}{time_words(task, self.scene.snapshot.at):<16}{task.what}"

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:
        """The end, unless it is not theirs to say."""
        incident, (words,) = _incident(self.scene), typed
        task = incident.tasks.get(chosen or "") if incident else None
        if incident is None or task is None:
            return Lacking("no task is open any more")
        judge = may_not_end if self.done else may_not_drop
        if why := judge(incident, task, self.scene.actor):
            return Lacking(why)
        if not self.done and not words:
            return Lacking("say why")
        return EndTask(chosen or "", done=self.done, words=words)


class DoneDialog(_EndDialog):
    """Says that a task is done."""

    caption = "Done"
    yes = "It is done"
    fields = ("what came of it (may stay empty)",)
    done = True


class DropDialog(_EndDialog):
    """Drops a task."""

    caption = "Drop a task"
    yes = "Drop it"
    fields = ("why",)
    done = False


class OfferDialog(Form):
    """Asks somebody to take a role; the command first, for whoever commands."""

    caption = "Hand a role over"
    prompt = "Which role?"
    yes = "Ask them"
    fields = ("whom: a handle",)

    def body(self, width: int) -> Sequence[Line]:
        """When it counts."""
        return wrap("They have it once they accept (w, then t, under their name).", width, Role.DIM)

    def options(self) -> Sequence[tuple[str, str]]:
        """What may be handed over by who asks."""
        incident, actor = _incident(self.scene), self.scene.actor
        if incident is None:
            return ()
        mine = [role for role in INCIDENT_ROLES if not may_not_offer(incident, role, actor)]
        return [(role, f"{role:<16}{holder(incident, role) or 'nobody'}") for role in mine]

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:
        """The question to them, unless they are nobody or have it."""
        incident, (to,) = _incident(self.scene), typed
        if incident is None:
            return _OVER
        if chosen is None:
            return Lacking("there is no role that you may hand over: its holder may, and the commander")
        if not to:
            return Lacking("name somebody")
        if why := unknown_handle(self.scene.roster, to) or may_not_offer(
            incident, chosen, self.scene.actor, to
        ):
            return Lacking(why)
        return OfferRole(chosen, to)


class TakeDialog(Form):
    """Takes a role: one that was offered, one that is free, or one from somebody."""

    caption = "Take a role"
    yes = "Do it"
    fields = ("why, to take one over from somebody",)

    def body(self, width: int) -> Sequence[Line]:
        """Who takes it."""
        return wrap(f"It is taken, or left, by {self.scene.actor}.", width, Role.DIM)

    def options(self) -> Sequence[tuple[str, str]]:
        """What was offered first, then what is free, then what somebody has."""
        incident, actor = _incident(self.scene), self.scene.actor
        if incident is None:
            return ()
        asked = offered(incident, actor)
        others = [r for r in INCIDENT_ROLES if r not in asked and not may_not_take(incident, r, actor, "x")]
        others.sort(key=lambda role: holder(incident, role) is not None)
        return [
            *((f"{_ACCEPT} {role}", f"accept {role}, as {incident.offers[role].by} asks") for role in asked),
            *((f"{_TAKE} {role}", _taken(incident, role)) for role in others),
            *((f"{_DECLINE} {role}", f"do not take {role}") for role in asked),
        ]

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:
        """The role, with the reason where somebody has it."""
        incident, (reason,) = _incident(self.scene), typed
        if incident is None or chosen is None:
            return _OVER
        act, _, role = chosen.partition(" ")
        if act == _ACCEPT:
            return AcceptRole(role)
        if act == _DECLINE:
            return DeclineRole(role)
        why = may_not_take(incident, role, self.scene.actor, reason)
        return Lacking(why) if why else TakeRole(role, reason)


def _taken(incident: Incident, role: str) -> str:
    has = holder(incident, role)
    return f"take {role} over from {has}, and say why" if has else f"take {role}, which nobody has"
