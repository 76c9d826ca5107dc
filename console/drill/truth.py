"""What has become of the data, asked of the database and of the files of the drill themselves."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import psycopg
from psycopg import AsyncConnection

from console.drill.facts import DataTruth
from console.drill.place import DrillError, Place, one_line
from console.drill.seeds import look_for
from console.drill.users import Acknowledged
from console.drill.world import World

CHAIN_IDS = "chain-ids.csv"
"""In a loss receipt's folder: a line for each id on the chain that went, or went back."""
_ASKED_AT_ONCE = 1000
_LIMIT_S = 5


async def data_truth(folder: Path, world: World, receipt: Path | None) -> DataTruth | None:
    """Ask the running world in `folder`; None where its data has no past to compare with.

    `receipt` is the folder of the loss receipt, where a restore has left one. Raises DrillError.
    """
    if world.past is None:
        return None
    # In this order: what is acknowledged by now is in the database that is asked afterwards.
    acknowledged = list(_acknowledged(Path(world.acknowledged)))
    missing = await _not_kept(world.postgres.admin, acknowledged)
    missing -= set(_receipted(receipt / CHAIN_IDS)) if receipt else set()
    seeds = await look_for(world.postgres.admin, world.past.seeds, Place(folder).seeds)
    return DataTruth(seeds, len(acknowledged), len(missing))


def _acknowledged(path: Path) -> Iterator[str]:
    with path.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):  # else it is being written
                yield msgspec.json.decode(line, type=Acknowledged).hash


async def _not_kept(dsn: str, hashes: list[str]) -> set[str]:
    """Those of the hashes that no transaction in the database has."""
    missing = set(hashes)
    try:
        async with await AsyncConnection.connect(dsn, connect_timeout=_LIMIT_S) as connection:
            for first in range(0, len(hashes), _ASKED_AT_ONCE):
                asked = hashes[first : first + _ASKED_AT_ONCE]
                found = await connection.execute(
                    "SELECT hash FROM transactions WHERE hash = ANY(%s)", (asked,)
                )
                missing -= {str(row[0]) for row in await found.fetchall()}
    except psycopg.errors.UndefinedTable:
        return missing
    except psycopg.Error as error:
        raise DrillError(f"the transactions could not be read: {one_line(error)}") from error
    return missing


def _receipted(path: Path) -> Iterable[str]:
    """Ids of the transactions that went; none when there is no such file, because none went."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            if line["why"] == "gone":
                yield line["id"]
