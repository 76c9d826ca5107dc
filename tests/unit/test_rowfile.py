"""The merge of two lists of rows that are in order, against a plain look at both; and their file."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.targets.postgres.rowfile import Compared, RowsError, What, counted, merged, recorded

HEAD = b'{"type":"table","schema":"public","name":"%s","key":["id"],"columns":["id"],"whole":false}\n'
_key = st.sampled_from([b'["a"]', b'["a","b"]', b'["a\\\\n"]', b'["10"]', b'["9"]', b"[null]", "é".encode()])
_unique = st.dictionaries(_key, st.integers(-3, 3), max_size=7)
_several = st.lists(st.tuples(_key, st.integers(-1, 1)), max_size=12)


def lines(rows: list[tuple[bytes, int]]) -> list[bytes]:
    """As the database sends them: by the bytes of the key, then by hash."""
    return [b"%s\t%d\n" % row for row in sorted(rows)]


async def each(rows: list[bytes]) -> AsyncIterator[bytes]:
    for row in rows:
        yield row


@given(_unique, _unique)
@settings(max_examples=300, deadline=None)
async def test_the_merge_tells_each_key_as_a_look_at_both_lists_would(
    old: dict[bytes, int], now: dict[bytes, int]
) -> None:
    """Gone, new, changed: counted, and each key named once."""
    heard: list[tuple[What, bytes]] = []
    told = await merged(
        iter(lines(list(old.items()))), each(lines(list(now.items()))), lambda *what: heard.append(what)
    )
    wanted = [("only recorded", key) for key in old.keys() - now.keys()]
    wanted += [("only present", key) for key in now.keys() - old.keys()]
    wanted += [("changed", key) for key in old.keys() & now.keys() if old[key] != now[key]]
    assert sorted(heard) == sorted(wanted)
    kinds = Counter(what for what, _ in wanted)
    assert told == Compared(
        len(old), len(now), kinds["only recorded"], kinds["only present"], kinds["changed"]
    )


@given(_several, _several)
@settings(max_examples=300, deadline=None)
async def test_a_key_that_is_there_several_times_counts_so_often(
    old: list[tuple[bytes, int]], now: list[tuple[bytes, int]]
) -> None:
    told = await merged(iter(lines(old)), each(lines(now)))
    before, after = (Counter(key for key, _ in rows) for rows in (old, now))
    assert (told.before, told.after) == (len(old), len(now))
    assert (told.missing, told.new) == ((before - after).total(), (after - before).total())


async def test_progress_is_told_as_rows_come() -> None:
    heard: list[int] = []
    rows = lines([(b'["%d"]' % number, 1) for number in range(25_000)])
    await merged(iter(rows), each(rows), on_rows=heard.append)
    assert sum(heard) == 20_000


@given(st.lists(_several, max_size=4))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_tells_its_tables_and_rows_also_where_nobody_reads_the_rows(
    tmp_path: Path, tables: list[list[tuple[bytes, int]]]
) -> None:
    path = tmp_path / "rows"
    body = b"".join(HEAD % b"t%d" % number + b"".join(lines(rows)) for number, rows in enumerate(tables))
    path.write_bytes(body + b'{"type":"end","rows":%d}\n' % sum(map(len, tables)))
    assert counted(path) == sum(map(len, tables))
    with recorded(path) as file:
        assert [table.qualified for table, _ in file.parts()] == [f"public.t{n}" for n in range(len(tables))]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_file_that_was_cut_off_anywhere_is_none(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "rows"
    whole = HEAD % b"t" + b'["a"]\t1\n["b"]\t-5\n' + b'{"type":"end","rows":2}\n'
    path.write_bytes(whole[:-cut])
    if whole[:-cut].endswith(b"}"):
        assert counted(path) == 2, "only its last line break is lacking"
        return
    with pytest.raises(RowsError, match="is not as it was written"):
        counted(path)
