"""The desk: answers each request of a console, by the events it leads to or by a refusal with its reason."""

from collections.abc import Callable, Sequence
from functools import singledispatchmethod
from typing import Literal, get_args

from console.core import events as ev
from console.core import requests as rq
from console.core.asking import unlike
from console.core.clock import Stamp
from console.core.errors import StatedError
from console.core.events import Body
from console.core.ids import errand_id, incident_id
from console.core.plan import Wish
from console.core.policy import (
    asked_for,
    choices,
    may_initiator,
    prerequisites,
    said_yes,
    unrecovered,
)
from console.core.requests import Choice, Request
from console.core.roster import Roster
from console.core.single_rows import not_shown
from console.core.state import Incident, State
from console.core.statement import Statement
from console.core.strategy import ByHand, Environment, PrerequisiteRule
from console.core.verbs import RESTORE_ROWS, VERBS
from console.core.wishes import alone, rows_of, way_back_is_over

Outcome = Literal["recovered", "mitigated", "false alarm"]


_SHOWN_BY = {
    "evidence": "what a step proves",
    "approval": "the yes of somebody who holds the role",
    "plan": "the plan itself",
}


class RefusedError(StatedError):
    """A request that is not granted; the message is the reason, as the asker sees it."""


class Desk:
    """Knows the rules of every request. Reads the state; the engine commits what it answers."""

    def __init__(
        self,
        name: str,
        environment: Environment,
        roster: Roster,
        state: Callable[[], State],
        *,
        roster_sha256: str = "",
    ) -> None:
        self.roster_sha256 = roster_sha256
        """The roster file's; pinned when an incident is declared."""
        self._name = name
        self._environment = environment
        self._roster = roster
        self._state = state

    def answer(self, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        """The events that grant `request`; raises RefusedError otherwise.

        What a decision or a plan needs from the world beside its events is the engine's to do.
        """
        if request.environment != self._name:
            raise RefusedError(f"this is the engine of {self._name}, not of {request.environment}")
        if self._state().unknown_critical:
            raise RefusedError(
                f"the journal holds {self._state().unknown_critical}, which a newer Warroom wrote"
            )
        if request.actor not in self._roster.handles():
            raise RefusedError(f"{request.actor} is not in the roster: act as one who is, with --as HANDLE")
        return self._grant(request.ask, request, now, head)

    def _incident(self) -> Incident:
        incident = self._state().open_incident
        if incident is None:
            raise RefusedError("no incident is open: declare one first")
        return incident

    def _declared(self) -> Incident:
        incident = self._incident()
        if incident.status != "declared":
            raise RefusedError(f"{incident.id} is only suspected: declare it first")
        return incident

    def _settled_plan(self) -> Incident:
        """The declared incident, whose plan is not about to be replaced."""
        incident = self._declared()
        if incident.planning:
            raise RefusedError("a plan is being made: wait for it")
        return incident

    @singledispatchmethod
    def _grant(self, ask: rq.Ask, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        raise RefusedError(f"this engine does not know how to {type(ask).__name__.lower()}")

    @_grant.register
    def _(self, ask: rq.Declare, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        state = self._state()
        known = state.open_incident
        if known is not None and known.status == "declared":
            raise RefusedError(f"{known.id} is declared already, by {known.commander}")
        unknown = [name for name in ask.triggers if name not in self._environment.triggers]
        if unknown:
            raise RefusedError(
                f"no trigger {', '.join(unknown)}; there are {', '.join(self._environment.triggers)}"
            )
        onset = known.onset if known else now
        return (
            ev.IncidentDeclared(
                commander=request.actor,
                severity=self._environment.severity,
                note=ask.note,
                triggers=tuple(dict.fromkeys((*(known.triggers if known else ()), *ask.triggers))),
                onset=onset,
                samples_from=onset,
                roster=self.roster_sha256,
            ),
        )

    @_grant.register
    def _(self, ask: rq.Replan, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        incident = self._settled_plan()
        if incident.running():
            raise RefusedError(f"{incident.running()[0].id} is under way: abort, or wait for it")
        self._can_be_wished(ask.wish, incident)
        return (ev.PlanningStarted(ask.wish),)

    def _can_be_wished(self, wish: Wish, incident: Incident) -> None:
        """A plan that is carried out is not made again; a verb may follow it."""
        if way_back_is_over(incident) and not alone(wish):
            raise RefusedError("the plan has been carried out: resolve the incident, or declare a new one")
        if not wish.code and wish.data is None and wish.verb is None:
            raise RefusedError("a plan that changes neither code nor data, and does nothing else, is none")
        if wish.verb is not None:
            self._verb(wish.verb, alone=False)
        if wish.verb == RESTORE_ROWS:
            self._rows(wish)

    def _rows(self, wish: Wish) -> None:
        """Refuses rows that nobody can find, or that something else would change at the same time."""
        if not alone(wish):
            raise RefusedError("rows go back by key in a plan of their own, when nothing else changes")
        if self._environment.recovery is None:
            raise RefusedError("the strategy names no `recovery` of this environment: no row can go back")
        try:
            rows_of(wish)
        except ValueError as error:
            raise RefusedError(str(error)) from error

    def _verb(self, name: str, *, alone: bool) -> None:
        """Refuses a verb that does not exist, or cannot be asked for that way."""
        verb = VERBS.get(name)
        if verb is None or verb.alone is not alone:
            known = ", ".join(key for key, each in VERBS.items() if each.alone is alone)
            raise RefusedError(f"no verb {name} that can be asked for this way; there are {known}")
        if self._environment.backups is None:
            raise RefusedError("the strategy names no `backups` of this environment")
        if verb.needs_cache and self._environment.cache is None:
            raise RefusedError("the strategy names no `cache` of this environment")

    @_grant.register
    def _(self, ask: rq.MoveOnset, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        incident = self._settled_plan()
        if not ask.reason.strip():
            raise RefusedError("the onset is moved with a reason: give one")
        if ask.utc_us > now.utc_us:
            raise RefusedError("the onset cannot lie in the future")
        if incident.gate_opened is not None:
            raise RefusedError("the gate is open: what data goes back to is decided")
        moved = Stamp(ask.utc_us, now.boot_id, now.boot_us - (now.utc_us - ask.utc_us))
        plan = incident.plan
        restores = plan is not None and (plan.data is not None or plan.rows is not None)
        again = (ev.PlanningStarted(incident.wish),) if restores and not incident.running() else ()
        return (ev.OnsetMoved(moved, ask.reason), *again)

    @_grant.register
    def _(self, ask: rq.Errand, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        self._verb(ask.verb, alone=True)
        if errand := self._state().open_errand:
            raise RefusedError(f"{errand.id}, {errand.wish.verb}, is under way: wait for it")
        return (ev.ErrandBegun(Wish(code=False, verb=ask.verb, options=ask.options)),)

    @_grant.register
    def _(self, ask: rq.Go, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        incident = self._settled_plan()
        if incident.plan is None:
            raise RefusedError("there is no plan yet")
        if ask.plan_hash != incident.plan_hash:
            raise RefusedError(
                "the plan has changed since you read it: look at the new one and say yes to that"
            )
        if ask.typed != self._name:
            raise RefusedError(f"typed {ask.typed!r}, but this is {self._name}")
        if incident.plan.data is not None and ask.typed_again != self._name:
            raise RefusedError(f"this plan swaps data: type {self._name} once more")
        if incident.plan.proof != "claim":
            raise RefusedError("this environment asks for signatures, not for a typed name: A asks for one")
        if incident.gate_opened is not None:
            raise RefusedError("the gate is open already")
        roles = self._roster.roles_of(request.actor)
        self._has_a_seat(request.actor, roles, incident)
        self._may_say_yes(request.actor, incident, now)
        self._is_not_the_initiator(request.actor, incident)
        return (ev.GateClaimed(plan_hash=ask.plan_hash, roles=tuple(roles)),)

    @_grant.register
    def _(self, ask: rq.Approve, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        self._settled_plan()
        return ()  # what was signed is told by `sign`, once it is verified

    def sign(self, statement: Statement, signature: str, key: str, now: Stamp) -> tuple[Body, ...]:
        """The event of a statement whose signature was verified with `key`; RefusedError otherwise.

        All is judged by the state of now, since the plan may have changed while it was verified.
        """
        incident, person = self._settled_plan(), statement.person
        counted = self.counted(statement, signature, key, now)
        if incident.gate_opened is not None:
            raise RefusedError("the gate is open already")
        if statement.decision == "yes":
            self._may_say_yes(person, incident, now)
            others = {yes.signed.key: yes.person for yes in said_yes(incident, now) if yes.signed}
            if key in others:
                raise RefusedError(f"{others[key]} has signed with that key already: a key counts once")
        return (counted,)

    def counted(self, statement: Statement, signature: str, key: str, at: Stamp) -> ev.GateSigned:
        """The event of a statement about the plan of now, made good at `at`; RefusedError if it is none.

        Whoever wrote an event of that kind into the journal, this is what it must say.
        """
        incident = self._settled_plan()
        person, roles = statement.person, self._roster.roles_of(statement.person)
        if incident.roster != self.roster_sha256:
            raise RefusedError("the roster is not the one that was pinned when the incident was declared")
        if why := unlike(statement, incident, roles, at, self._environment.authorisation.within):
            raise RefusedError(f"what {person} signed does not count: {why}")
        self._has_a_seat(person, roles, incident)
        if statement.decision == "yes":
            self._is_not_the_initiator(person, incident)
        return ev.GateSigned(
            plan_hash=statement.plan,
            person=person,
            roles=tuple(roles),
            key=key,
            because=statement.because,
            expires=statement.expires,
            text=statement.text,
            signature=signature,
        )

    @_grant.register
    def _(self, ask: rq.Withdraw, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        incident = self._settled_plan()
        if incident.gate_opened is not None:
            raise RefusedError("the gate is open already: x stops the run")
        if request.actor not in {yes.person for yes in incident.approvals}:
            raise RefusedError(f"{request.actor} has not said yes")
        return (ev.GateWithdrawn(request.actor, ask.reason or "taken back"),)

    def _has_a_seat(self, person: str, roles: tuple[str, ...], incident: Incident) -> None:
        """Refuses somebody whom nobody asks."""
        needed = dict.fromkeys(asked_for(incident.plan) if incident.plan else ())
        if not needed.keys() & set(roles):
            raise RefusedError(
                f"{person} is {', '.join(roles) or 'nobody'}; {' or '.join(needed)} must say yes"
            )

    def _counts(self, actor: str, now: Stamp) -> None:
        """Refuses somebody whose word does not count today, by the roster's dates."""
        person = self._roster.person(actor)
        if person is not None and (why := person.not_valid(now.utc_us)):
            raise RefusedError(f"{actor} {why}, says the roster")

    def _may_say_yes(self, actor: str, incident: Incident, now: Stamp) -> None:
        self._counts(actor, now)
        if why := not_shown(incident):
            raise RefusedError(why)
        if actor in {yes.person for yes in said_yes(incident, now)}:
            raise RefusedError(f"{actor} has said yes to this plan already")

    def _is_not_the_initiator(self, actor: str, incident: Incident) -> None:
        initiators = (incident.commander, incident.asked_by)
        if actor in initiators and not may_initiator(self._environment, incident.plan):
            raise RefusedError(f"{actor} asked for the rollback: here somebody else must say yes")

    @_grant.register
    def _(self, ask: rq.Decide, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        incident = self._settled_plan()
        steps = [step.id for step in incident.plan.steps] if incident.plan else []
        if ask.step not in steps:
            raise RefusedError(f"no step {ask.step} in the plan; there are {', '.join(steps) or 'none'}")
        allowed = choices(incident, ask.step)
        if not allowed:
            status = incident.step(ask.step).status
            why = "it is being looked into" if status.asks else "there is nothing to decide about it"
            raise RefusedError(f"{ask.step} is {status}: {why}")
        if ask.choice not in allowed:
            raise RefusedError(f"{ask.step} can be answered with {', '.join(allowed)}, not with {ask.choice}")
        if ask.choice is Choice.SKIP and not ask.reason.strip():
            raise RefusedError("a step is skipped by name and with a reason: give one")
        attempt = incident.step(ask.step).attempt
        return (ev.StepDecided(step=ask.step, attempt=attempt, choice=ask.choice, reason=ask.reason),)

    @_grant.register
    def _(self, ask: rq.Abort, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        incident = self._declared()
        if incident.aborted is not None:
            raise RefusedError("the run is aborted already")
        if incident.plan is None or incident.finished:
            raise RefusedError("nothing runs that could be aborted")
        return (ev.RunAborted(reason=ask.reason or f"{request.actor} said so"),)

    @_grant.register
    def _(self, ask: rq.Resume, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        if self._declared().aborted is None:
            raise RefusedError("the run is not aborted")
        return (ev.RunResumed(),)

    @_grant.register
    def _(self, ask: rq.Note, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        if not ask.text.strip():
            raise RefusedError("an empty note says nothing")
        return (ev.NoteAdded(text=ask.text),)

    @_grant.register
    def _(self, ask: rq.Tick, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        incident = self._incident()
        rules = {rule.id: rule for rule in self._environment.prerequisites}
        items = [*rules, *(item.id for item in self._environment.checklist)]
        if ask.item in rules:
            self._counts(request.actor, now)
            self._may_tick(ask, rules[ask.item], request.actor, incident)
        if ask.item not in items:
            raise RefusedError(f"no item {ask.item} on the checklist; there are {', '.join(items)}")
        if ask.done is (ask.item in incident.items):
            raise RefusedError(f"{ask.item} is {'ticked already' if ask.done else 'not ticked'}")
        return (ev.ItemTicked(item=ask.item, done=ask.done, note=ask.note),)

    def _may_tick(self, ask: rq.Tick, rule: PrerequisiteRule, actor: str, incident: Incident) -> None:
        """Refuses a tick before the gate that is not that person's to give, or says nothing."""
        if incident.gate_opened is not None:
            raise RefusedError("the gate is open: what had to be done before it is decided")
        if not isinstance(rule.proof, ByHand):
            raise RefusedError(
                f"{rule.id} is not ticked by hand: it is shown by {_SHOWN_BY[rule.proof.kind]}"
            )
        self._holds_one_of(rule.proof.roles, actor, f"tick {rule.id}")
        if ask.done and not ask.note.strip():
            raise RefusedError(f"{rule.id} is ticked with a note: say how you know")

    def _holds_one_of(self, roles: Sequence[str], actor: str, act: str) -> None:
        held = self._roster.roles_of(actor)
        if roles and not set(roles) & set(held):
            raise RefusedError(f"{actor} is {', '.join(held) or 'nobody'}; {' or '.join(roles)} may {act}")

    @_grant.register
    def _(self, ask: rq.Waive, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        incident = self._settled_plan()
        if incident.gate_opened is not None:
            raise RefusedError("the gate is open already")
        known = {one.item.id: one for one in prerequisites(incident, now)}
        if ask.item not in known:
            raise RefusedError(f"no prerequisite {ask.item}; there are {', '.join(known) or 'none'}")
        one = known[ask.item]
        if not one.item.waived_by:
            data = incident.plan is not None and incident.plan.data is not None
            raise RefusedError(f"{ask.item} cannot be waived{' where data goes back' if data else ''}")
        self._counts(request.actor, now)
        self._holds_one_of(one.item.waived_by, request.actor, f"waive {ask.item}")
        if one.met:
            raise RefusedError(f"{ask.item} is met, by {one.words}: there is nothing to waive")
        if not ask.reason.strip():
            raise RefusedError("a prerequisite is waived by name and with a reason: give one")
        return (ev.ItemWaived(item=ask.item, plan_hash=incident.plan_hash or "", reason=ask.reason),)

    @_grant.register
    def _(self, ask: rq.Resolve, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        incident = self._incident()
        outcome = next((known for known in get_args(Outcome) if known == ask.outcome), None)
        if outcome is None:
            raise RefusedError(f"an incident ends as {', '.join(get_args(Outcome))}, not as {ask.outcome!r}")
        if incident.running():
            raise RefusedError(f"{incident.running()[0].id} is under way: wait for it, or abort")
        if outcome == "recovered" and (lacking := unrecovered(incident)):
            raise RefusedError(f"{lacking}: it can end as mitigated or as a false alarm")
        if outcome != "recovered" and not ask.note.strip():
            raise RefusedError(f"to end as {outcome} it takes a note that says why")
        return (ev.IncidentResolved(outcome=outcome, note=ask.note, head=head),)

    @_grant.register
    def _(self, ask: rq.Stop, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        return (ev.EngineStopped(reason=f"{request.actor} asked for it"),)


def new_incident(state: State, now: Stamp) -> str:
    """The id that the next incident of this environment gets."""
    return incident_id(state.environment, state.incidents + 1, now)


def new_errand(state: State, now: Stamp) -> str:
    """The id that the next verb by itself gets."""
    return errand_id(state.environment, state.errands + 1, now)
