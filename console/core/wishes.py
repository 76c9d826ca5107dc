"""What another plan is asked for, starting from the present one: what is not spoken of stays as it is.

Without an incident there is nothing to start from, and the engine refuses what is asked for.
"""

from msgspec.structs import replace

from console.core.plan import Wish
from console.core.state import Incident

SWAP_BACK = Wish(code=False, verb="swap-back")
"""The database that was there before the swap; always by itself, because nothing else may come with it."""


def back_to(incident: Incident | None, target: str | None) -> Wish:
    """The release goes back to `target`, or to the one that is proposed; the data as before."""
    return replace(_way_back(incident), code=True, target=target)


def with_data(
    incident: Incident | None,
    candidate: str,
    *,
    code: bool,
    loss_at_most: int | None = None,
    recovery_point: int | None = None,
) -> Wish:
    """The data goes back to that candidate; `code`: whether the release goes back too."""
    return replace(
        _way_back(incident),
        code=code,
        data=candidate,
        loss_at_most=loss_at_most,
        recovery_point=recovery_point,
    )


def keeping(wish: Wish) -> Wish:
    """The same, with the data left as it is."""
    return replace(wish, data=None, loss_at_most=None, recovery_point=None)


def with_verb(incident: Incident | None, verb: str, options: dict[str, str]) -> Wish:
    """The verb as part of the way back; as a plan of its own where that has begun, or there is none."""
    if incident is None or incident.plan is None or incident.gate_opened is not None or alone(incident.wish):
        return Wish(code=False, verb=verb, options=options)
    return replace(incident.wish, verb=verb, options=options)


def alone(wish: Wish) -> bool:
    """Whether it is of a verb and nothing else."""
    return not wish.code and wish.data is None


def _way_back(incident: Incident | None) -> Wish:
    """What the present plan was asked for; as if nothing had been, where that was no more than a verb."""
    return incident.wish if incident and not alone(incident.wish) else Wish()
