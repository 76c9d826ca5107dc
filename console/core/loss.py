"""The loss receipt: what a restore of the data would take, and whether that is what people signed away."""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from console.core.backups import FileFacts
from console.core.format import count
from console.core.plan import DataChange


class TableLoss(Struct, frozen=True, kw_only=True):
    """A table of the database against the same table of the candidate; rows are told apart by their keys."""

    table: str
    """Qualified, `public.users`."""
    gone: int
    """Rows that only the database has: written after the recovery point, they would go."""
    go_back: int
    """Rows that both have, with another content: they would be again what they were."""
    come_back: int
    """Rows that only the candidate has: deleted after the recovery point."""
    live: int
    """All rows that the database has."""
    candidate: int
    """All rows that the candidate has."""
    note: str = ""
    """What is to be known of the table besides, such as that only one of the two has it."""

    @property
    def words(self) -> str:
        """`public.users: 3 rows gone, 2 go back, 1 comes back`; what there is none of is left out."""
        parts = [count(self.gone, "row") + " gone"] if self.gone else []
        parts += [f"{self.go_back} go back"] if self.go_back else []
        parts += [f"{self.come_back} come back"] if self.come_back else []
        told = ", ".join(parts) or "nothing lost"
        return f"{self.table}: {told}{f' ({self.note})' if self.note else ''}"


class Counter(Struct, frozen=True):
    """What the server counts of a table."""

    identity: str
    """Changes when the table is another one, has another key or was written anew."""
    keys: int
    """At least the keys that have come into it, by inserts and by updates; only ever grows."""


class Counters(Struct, frozen=True):
    """What the server counts of every table, by qualified name."""

    epoch: str
    """Changes when the server starts to count anew; empty when it does not count."""
    tables: dict[str, Counter]


class Baseline(Struct, frozen=True):
    """Rows of each table that would go, and the counters as they were before those were counted."""

    gone: dict[str, int]
    counters: Counters


class Receipt(Struct, frozen=True, kw_only=True):
    """What the database holds that the candidate does not. Times are UTC microseconds."""

    schema: Literal["warroom.loss/1"] = "warroom.loss/1"
    incident: str
    database: str
    candidate: str
    """The database that stands for the recovery point, or stood beside it until the swap."""
    recovery_point: int
    at: int
    """The moment that it shows of the database, by the server's clock."""
    tables: tuple[TableLoss, ...]
    chain_ids: int
    """Ids of transactions on the chain among the rows that go, and among those that go back."""
    rows_sha256: str
    """Of the file that the candidate's rows are written down in."""
    folder: str
    """Where the files are."""
    files: tuple[FileFacts, ...]
    counters: Counters
    after: int | None = None
    """All rows of the database that took its place, where it is one that was swapped away."""

    @property
    def gone(self) -> int:
        """Rows that would go: what a ceiling is about."""
        return sum(table.gone for table in self.tables)

    @property
    def go_back(self) -> int:
        """Rows that would be again what they were."""
        return sum(table.go_back for table in self.tables)

    @property
    def come_back(self) -> int:
        """Rows that would be there again."""
        return sum(table.come_back for table in self.tables)

    @property
    def live(self) -> int:
        """All rows of the database."""
        return sum(table.live for table in self.tables)

    @property
    def touched(self) -> tuple[TableLoss, ...]:
        """The tables of which a restore would change anything."""
        return tuple(t for t in self.tables if t.gone or t.go_back or t.come_back)

    @property
    def baseline(self) -> Baseline:
        """What later counts are added to."""
        return Baseline({table.table: table.gone for table in self.tables}, self.counters)

    @property
    def words(self) -> str:
        """The totals in one line."""
        others = [f"{self.go_back} go back to what they were"] if self.go_back else []
        others += [f"{self.come_back} come back"] if self.come_back else []
        others += [f"{count(self.chain_ids, 'id')} on the chain among them"] if self.chain_ids else []
        return ", ".join((f"{count(self.gone, 'row')} written since the recovery point", *others))


class Ceiling(Struct, frozen=True):
    """What the approvers sign away."""

    rows: int
    tables: tuple[str, ...] = ()
    """Tables that may lose rows, one without a schema being of `public`; empty: any."""

    @classmethod
    def of(cls, change: DataChange) -> "Ceiling":
        """What the plan says."""
        return cls(change.loss_at_most, change.tables)

    @property
    def words(self) -> str:
        """`at most 500 rows`, `at most 500 rows of users and transactions`."""
        return f"at most {count(self.rows, 'row')}" + (f" of {' and '.join(self.tables)}" * bool(self.tables))

    def beyond(self, gone: Mapping[str, int]) -> str:
        """Why that many rows of these tables are more than was signed, in words; empty when they are not."""
        total = sum(gone.values())
        if total > self.rows:
            return f"{count(total, 'row')} would go, beyond the {self.rows} signed"
        signed = {name if "." in name else f"public.{name}" for name in self.tables}
        others = sorted(name for name, rows in gone.items() if rows and name not in signed)
        if signed and others:
            return (
                f"rows of {' and '.join(others)} would go, beyond the tables signed: {', '.join(self.tables)}"
            )
        return ""


class Bound(Struct, frozen=True):
    """How many rows would go at most, told without looking at any row."""

    gone: dict[str, int]
    """By table; of those that can be told."""
    unsure: tuple[str, ...]
    """Tables of which nothing can be told that way."""
    touched: tuple[str, ...]
    """Tables that have been written to since, those that cannot be told among them."""


def bound(base: Baseline, now: Counters) -> Bound:
    """What would have to go now at most, if every key that came since the baseline is a new one.

    A table that is not there any more has nothing to lose. One that the baseline knows, and that was not
    compared, belongs to an extension.
    """
    then = base.counters
    lost = dict[str, int]()
    unsure, touched = list[str](), list[str]()
    for name, counter in now.tables.items():
        known = then.tables.get(name)
        if known is not None and name not in base.gone:
            continue
        if known is None or not then.epoch or then.epoch != now.epoch or not _goes_on(known, counter):
            unsure.append(name)
        else:
            lost[name] = base.gone[name] + counter.keys - known.keys
        if name in unsure or lost[name] > base.gone[name]:
            touched.append(name)
    return Bound(lost, tuple(unsure), tuple(touched))


def _goes_on(known: Counter, counter: Counter) -> bool:
    return known.identity == counter.identity and known.keys <= counter.keys


def beyond(told: Bound, ceiling: Ceiling) -> str:
    """Why it cannot be said without looking that all is within the ceiling; empty when it can."""
    if told.unsure:
        return f"it cannot be told from counters what {_some(told.unsure)} would lose"
    return ceiling.beyond(told.gone)


def recounted(told: Bound, now: Counters, found: Baseline) -> Baseline:
    """The baseline after the touched tables were counted again: `found` is of those, `now` of all before.

    Of what was not touched the earlier counters stay, so that nothing falls between the two readings.
    """
    gone = {name: rows for name, rows in told.gone.items() if name not in told.touched} | found.gone
    tables = now.tables | {
        name: found.counters.tables[name] for name in told.touched if name in found.counters.tables
    }
    return Baseline(gone, Counters(now.epoch, tables))


def _some(names: Iterable[str]) -> str:
    first, *rest = names
    return f"{first} and {len(rest)} more" if rest else first


def encode(receipt: Receipt) -> bytes:
    """The receipt as it is written, for people too."""
    return msgspec.json.format(msgspec.json.encode(receipt)) + b"\n"


def decode(raw: bytes) -> Receipt:
    """The receipt in those bytes; msgspec.DecodeError when they hold none."""
    return msgspec.json.decode(raw, type=Receipt)
