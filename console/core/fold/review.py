"""Reviews of gates that were opened by breaking the glass; they outlive their incidents."""

from msgspec.structs import replace

from console.core import events as ev
from console.core.fold.base import apply
from console.core.state import Reviewed, State


@apply.register
def _(body: ev.ReviewSigned, event: ev.Event, state: State) -> State:
    review = state.reviews.get(body.incident)
    if review is None:
        return state
    said = Reviewed(body.person, body.roles, body.verdict, body.remark, event.at)
    others = tuple(one for one in review.said if one.person != body.person)
    return replace(state, reviews={**state.reviews, body.incident: replace(review, said=(*others, said))})


@apply.register
def _(body: ev.ReviewOverdue, event: ev.Event, state: State) -> State:
    review = state.reviews.get(body.incident)
    if review is None:
        return state
    return replace(state, reviews={**state.reviews, body.incident: replace(review, overdue=True)})
