"""Standing authorisations: who has signed one, and what ended it."""

from msgspec.structs import replace

from console.core import events as ev
from console.core.fold.base import apply
from console.core.state import Approval, Signed, Standing, State

NEVER = 2**62
"""A signature under a standing authorisation runs out with its text alone."""


@apply.register
def _(body: ev.StandingSigned, event: ev.Event, state: State) -> State:
    known = state.standing.get(body.id) or Standing(body.text, since=event.at)
    if known.text != body.text or known.ended:
        return state
    signed = Signed(body.key, NEVER, body.text, body.signature)
    yes = Approval(body.person, body.roles, "signature", "", event.at, signed)
    others = tuple(one for one in known.signed if one.person != body.person)
    return _with(state, body.id, replace(known, signed=(*others, yes)))


@apply.register
def _(body: ev.StandingRevoked, event: ev.Event, state: State) -> State:
    return _ended(state, body.id, f"revoked by {event.actor}: {body.reason}")


@apply.register
def _(body: ev.StandingEnded, event: ev.Event, state: State) -> State:
    return _ended(state, body.id, f"{body.why}: {body.reason}")


def _ended(state: State, standing: str, why: str) -> State:
    known = state.standing.get(standing)
    if known is None or known.ended:
        return state
    return _with(state, standing, replace(known, ended=why))


def _with(state: State, standing: str, known: Standing) -> State:
    return replace(state, standing={**state.standing, standing: known})
