"""A plan in a few words: what becomes of the code, and what of the data."""

from datetime import UTC, datetime, timedelta

from console.core.clock import Stamp
from console.core.format import clock, count
from console.core.loss import Ceiling
from console.core.mitigating import named_by
from console.core.plan import CodeChange, DataChange, Glass, Plan, RowsChange, Wish
from console.core.reverting import reverts_words
from console.core.schema_verdict import SchemaVerdict
from console.core.triggers_words import triggers_summary
from console.core.verbs import RESTORE_ROWS
from console.core.words import age

_KEYS = 10
"""Keys of rows that are named; the plan's steps name all."""
_MIGRATIONS = 3
"""Migrations that are named."""
_DIFFERENCES = 3
"""Differences of the schema that are named; the plan on the screen names all."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def way(plan: Plan) -> str:
    """Both, as short as a caption: `restore tree to v1.5.0 · data kept`."""
    if plan.rows is not None:
        return f"release kept · {_rows_to(plan.rows)}"
    code = f"{plan.code.way} to {plan.code.target.tag}" if plan.code else "release kept"
    parts = [code, f"data {data_to(plan.data)}"]
    return " · ".join(parts if plan.verb is None else [*parts, plan.verb])


def wish_words(wish: Wish) -> str:
    """What is asked for: `the way back to v1.5.0 with the data at a point in time`."""
    code = _wished_code(wish) if wish.code else ""
    data = f"the data back to {_wished_state(wish, wish.data)}" if wish.data else ""
    glass = ", breaking the glass" if wish.break_glass else ""
    return (" and ".join(part for part in (code, data, _wished_verb(wish)) if part) or "nothing") + glass


def _wished_code(wish: Wish) -> str:
    if wish.commits:
        return f"the way back without {', '.join(wish.commits)}"
    how = f", {wish.way}" if wish.way else ""
    return f"the way back to {wish.target or 'the newest good release'}{how}"


def _wished_verb(wish: Wish) -> str:
    if name := named_by(wish):
        return f"{wish.verb} {name}"
    if wish.verb != RESTORE_ROWS:
        return wish.verb or ""
    state = _wished_state(wish, wish.options.get("from", ""))
    return f"single rows of {wish.options.get('table', '')} back to {state}"


def _wished_state(wish: Wish, candidate: str) -> str:
    return candidate if wish.recovery_point is None else moment(wish.recovery_point)


def code_words(code: CodeChange | None) -> str:
    """From which release to which, and what is said of that."""
    if code is None:
        return "the release stays"
    schema = "" if code.schema is None else f"; {verdict_words(code.schema)}"
    way = f"; undoes {reverts_words(code.reverts)}" if code.reverts else ""
    release = f"{code.running.tag} back to {code.target.tag}, {code.verdict}"
    push = triggers_summary(code.triggers) if code.triggers else ""
    return f"{release}{way}{migration_words(code)}{schema}{f'; {push}' if push else ''}"


def verdict_words(verdict: SchemaVerdict) -> str:
    """What is said of the schema, with the gravest reasons: `schema expanded: t.a added, may be null`."""
    if verdict.kind == "unknown":
        return f"schema unknown: {verdict.why}"
    named = [found.words for found in verdict.differences[:_DIFFERENCES]]
    more = len(verdict.differences) - _DIFFERENCES
    named += [f"{more} more"] if more > 0 else []
    return f"schema {verdict.kind}{': ' if named else ''}{', '.join(named)}"


def migration_words(code: CodeChange) -> str:
    """Which migrations lie between the two releases, as far as anybody knows; for the end of a sentence."""
    migrations = code.migrations
    if migrations is None:
        return ""
    if not migrations:
        return "; no migration lies between them"
    named = [path.rpartition("/")[2] for path in migrations[:_MIGRATIONS]]
    more = len(migrations) - _MIGRATIONS
    named += [f"{more} more"] if more > 0 else []
    return f"; {count(len(migrations), 'migration')} between them: {', '.join(named)}"


def glass_words(glass: Glass) -> str:
    """What it means that fewer people than the matrix asks for open it."""
    seats = count(sum(need.count for need in glass.matrix), "signature")
    return (
        f"breaks the glass: {glass.signatures} of {seats}, one of {' or '.join(glass.one_of)}; "
        f"the others review it within {age(glass.review_within_s)}"
    )


def data_words(plan: Plan) -> str:
    """What becomes of the data, for whoever says yes to it."""
    data, rows = plan.data, plan.rows
    if rows is not None:
        more = len(rows.keys) - _KEYS
        keys = ", ".join(rows.keys[:_KEYS]) + (f" and {more} more" if more > 0 else "")
        return f"kept, but for {_rows_to(rows)} ({rows.candidate}), by key: {keys}"
    if data is None:
        return "kept: no row is touched"
    return f"{data_to(data)} ({data.candidate}); {Ceiling.of(data).words} may be lost"


def data_to(data: DataChange | None) -> str:
    """`kept`, or `back to 10:15:00Z`."""
    return "kept" if data is None else f"back to {moment(data.recovery_point, data.onset)}"


def _rows_to(rows: RowsChange) -> str:
    return f"{count(len(rows.keys), 'row')} of {rows.table} back to {moment(rows.recovery_point)}"


def moment(utc_us: int, near: int | None = None) -> str:
    """A moment in UTC, `10:15:00Z`; with its day, `11-22 10:15:00Z`, where that is not the day of `near`."""
    at = f"{clock(Stamp(utc_us, '', 0))}Z"
    return at if near is None or _day(utc_us) == _day(near) else f"{_day(utc_us)} {at}"


def _day(utc_us: int) -> str:
    return (_EPOCH + timedelta(microseconds=utc_us)).strftime("%m-%d")
