"""What GitHub's answers say when they are not what was asked for, in words that say what to do."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from console.core.clock import Stamp
from console.core.errors import StatedError
from console.core.format import clock, plain
from console.core.naming import quoted

_SHOWN = 200
"""Characters of GitHub's own words that are shown."""
UNTOLD_S = 60.0
"""How long is waited at a rate limit that does not say how long, as GitHub's documentation asks for."""


class CiError(StatedError):
    """The CI did not do what it was asked, or nobody knows; the message is one line, without the token."""


class UnclearError(CiError):
    """No answer, or one of a server in trouble: a question can be asked again, of an order nobody knows."""


class ConflictError(CiError):
    """It cannot be done in the state that the thing is in."""


class Reply(Struct, frozen=True):
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    """By name in lower case."""
    body: bytes


class Asked(Struct, frozen=True):
    """What was asked, for the words about it."""

    method: str
    words: str
    """`disable Deploy of owner/name`."""
    repository: str
    token: str
    """The reference of the token."""
    block: str
    """The block of the strategy that it is asked for."""
    permission: str
    """What the token needs for it, as GitHub calls that."""


class _Told(Struct):
    message: str = ""


def judged(reply: Reply, asked: Asked) -> Reply:
    """The answer, if it is a good one; CiError with what to do otherwise."""
    if 200 <= reply.status < 300:
        return reply
    words = _message(reply)
    match reply.status:
        case 401:
            raise CiError(
                f"GitHub does not take the token ({words}): it is wrong, expired or revoked; put a good one"
                f" into {asked.token}"
            )
        case 403:
            raise CiError(f"GitHub refuses to {asked.words} ({words}): {_permission(reply, asked)}")
        case 404:
            raise CiError(
                f"GitHub knows nothing to {asked.words} ({words}): `{asked.block}` names another"
                " repository or workflow than there is, or the token may not see it;"
                f" {_permission(reply, asked)}"
            )
        case 405 | 409:
            raise ConflictError(f"GitHub cannot {asked.words} as it is now ({words})")
        case 422:
            raise CiError(f"GitHub takes it for a mistake to {asked.words}: {words}")
        case status if status >= 500:
            raise UnclearError(f"GitHub is in trouble: asked to {asked.words} it answers {words}")
    raise CiError(f"asked to {asked.words}, GitHub answers {words}")


def waits_s(reply: Reply, now: Stamp) -> float | None:
    """Seconds that the rate limit asks us to wait; None for an answer that has nothing to do with one.

    As GitHub documents it: `retry-after` first, then `x-ratelimit-reset` where nothing remains, or a minute.
    """
    if reply.status not in (403, 429):
        return None
    spent = reply.headers.get("x-ratelimit-remaining") == "0"
    told = reply.headers.get("retry-after", "")
    if not (spent or told or reply.status == 429 or "rate limit" in _message(reply).lower()):
        return None
    if told.isdecimal():
        return float(told)
    reset = reply.headers.get("x-ratelimit-reset", "")
    if spent and reset.isdecimal():
        return max(1.0, int(reset) - now.utc_us / 1e6)
    return UNTOLD_S


def over_the_limit(wait_s: float, left_s: float, now: Stamp) -> CiError:
    """Why nothing more can be asked in the time that is left."""
    until = Stamp(now.utc_us + round(wait_s * 1e6), now.boot_id, now.boot_us)
    return CiError(
        f"GitHub's rate limit for this token is used up until {clock(until)}Z, in {wait_s:.0f} s, and"
        f" {left_s:.0f} s are left: retry after that, or give it a token of its own"
    )


def _permission(reply: Reply, asked: Asked) -> str:
    """What the token needs; in GitHub's words where it says so."""
    told = reply.headers.get("x-accepted-github-permissions", "")
    needs = "read" if asked.method == "GET" else "write"
    also = f", GitHub names {quoted(told)}" if told else ""
    return (
        f"{asked.token} needs the permission {asked.permission}: {needs} on {asked.repository}{also}"
        " (a classic token: the scope `repo`)"
    )


def _message(reply: Reply) -> str:
    """The status, with GitHub's own message where there is one."""
    try:
        told = msgspec.json.decode(reply.body, type=_Told).message
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        told = ""  # a proxy's page, or nothing: the status says it
    return f"{reply.status} {plain(told[:_SHOWN])}".strip()
