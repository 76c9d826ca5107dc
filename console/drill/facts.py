"""What was found of the data at a drill's end, as plain facts."""

from msgspec import Struct


class SeedFacts(Struct, frozen=True):
    """What has become of the rows from before the drill."""

    rows: int
    missing: int
    changed: int
    tables_missing: tuple[str, ...]


class DataTruth(Struct, frozen=True):
    """The ground truth of the data."""

    seeds: SeedFacts
    acknowledged: int
    """Transactions that users were told are signed."""
    unaccounted: int
    """Those of them that are neither in the database nor in the loss receipt."""
