"""The release ledger: who may record a release, and who may judge it."""

from console.core import events as ev
from console.core import requests as rq
from console.core.events import Body
from console.core.ledger import difference, normal, unfit
from console.engine.grants.case import Case, RefusedError, grant


@grant.register
def _(ask: rq.RecordRelease, case: Case) -> tuple[Body, ...]:
    """What git says of it is looked at beside (see engine.recording)."""
    case.counts(case.actor)
    if why := unfit(ask, case.now.utc_us):
        raise RefusedError(why)
    ask, known = normal(ask), case.state.ledger.get(ask.tag)
    if known is not None and (why := difference(known, ask)):
        raise RefusedError(f"{ask.tag} was recorded by {known.by} with other contents: {why}")
    deployed = known.deployed if known else case.now.utc_us if ask.deployed is None else ask.deployed
    return (
        ev.ReleaseRecorded(
            tag=ask.tag,
            commit=ask.commit,
            images=ask.images,
            migrations=ask.migrations,
            config_keys=ask.config_keys,
            deployed=deployed,
            again=known is not None,
        ),
    )


@grant.register
def _(ask: rq.MarkRelease, case: Case) -> tuple[Body, ...]:
    case.counts(case.actor)
    if ask.tag not in case.state.ledger:
        raise RefusedError(f"{ask.tag} is not in the ledger: `warroom release record` puts it there")
    if not ask.reason.strip():
        raise RefusedError("a release is judged with a reason: give one")
    return (ev.ReleaseMarked(ask.tag, ask.verdict, ask.reason),)
