"""Reviews of a gate that was opened by breaking the glass: who may say what they think of it."""

from console.core import events as ev
from console.core import requests as rq
from console.core.events import Body
from console.core.review import parse, unlike
from console.engine.grants.case import Case, RefusedError, grant


@grant.register
def _(ask: rq.SignReview, case: Case) -> tuple[Body, ...]:
    return ()  # what was signed is told by `sign`, once it is verified


def sign(case: Case, ask: rq.SignReview, key: str) -> tuple[Body, ...]:
    """The event of a review whose signature was verified with `key`; StatedError if it is none."""
    said, roles = parse(ask.text), case.roster.roles_of(ask.person)
    if said.person != ask.person:
        raise RefusedError(f"it is what {said.person} thinks, handed in as that of {ask.person}")
    asked = case.state.reviews.get(said.incident)
    if asked is None or said.environment != case.name:
        raise RefusedError(f"nobody is asked to review {said.incident} of {said.environment} here")
    if why := unlike(said, asked, roles, case.now.utc_us):
        raise RefusedError(f"what {ask.person} signed does not count: {why}")
    return (
        ev.ReviewSigned(
            incident=said.incident,
            person=said.person,
            roles=roles,
            verdict=said.verdict,
            remark=said.remark,
            key=key,
            text=ask.text,
            signature=ask.signature,
        ),
    )
