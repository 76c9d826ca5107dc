"""A plan in a few words: what becomes of the code, and what of the data."""

from console.core.clock import Stamp
from console.core.format import clock, count
from console.core.plan import CodeChange, DataChange, Plan, Wish


def way(plan: Plan) -> str:
    """Both, as short as a caption: `restore tree to v1.5.0 · data kept`."""
    code = f"{plan.code.way} to {plan.code.target.tag}" if plan.code else "release kept"
    return f"{code} · data {f'back to {moment(plan.data.recovery_point)}' if plan.data else 'kept'}"


def wish_words(wish: Wish) -> str:
    """What is asked for: `the way back to v1.5.0 with the data at a point in time`."""
    code = f"the way back to {wish.target or 'the newest good release'}" if wish.code else ""
    data = f"the data back to {wish.data}" if wish.data else ""
    return " and ".join(part for part in (code, data, wish.verb) if part) or "nothing"


def code_words(code: CodeChange | None) -> str:
    """From which release to which, and what is said of that."""
    if code is None:
        return "the release stays"
    return f"{code.running.tag} back to {code.target.tag}, {code.verdict}"


def data_words(data: DataChange | None) -> str:
    """What becomes of the data, for whoever says yes to it."""
    if data is None:
        return "kept: no row is touched"
    tables = f" of {', '.join(data.tables)}" if data.tables else ""
    lost = f"at most {count(data.loss_at_most, 'row')}{tables} may be lost"
    return f"back to {moment(data.recovery_point)} ({data.candidate}); {lost}"


def moment(utc_us: int) -> str:
    """A moment in UTC, `10:15:00Z`."""
    return f"{clock(Stamp(utc_us, '', 0))}Z"
