"""The verdict on a release, against real servers and real builds; whatever goes wrong is a verdict too."""

import dataclasses
from typing import Any

import pytest

from console.core.schema_verdict import Difference
from tests.integration.schema.kit import PASSWORD, House, python, rules


def ruled(house: House, **changes: Any) -> House:
    """The house under another strategy."""
    house.trial = dataclasses.replace(house.trial, rules=rules(**changes))
    house.world = dataclasses.replace(house.world, trial=house.trial)
    return house


def building(code: str, limit: str = "20s") -> dict[str, Any]:
    return {"build": {"argv": python(code), "limit": limit}}


async def test_a_release_that_builds_what_there_is(house: House) -> None:
    verdict = await house.verdict("v2.0")
    assert (verdict.kind, verdict.differences) == ("same", ())
    assert verdict.live == verdict.expected != ""
    assert "building the schema of v2.0" in house.shown


async def test_a_column_that_it_need_not_fill(house: House) -> None:
    house.live("ALTER TABLE users ADD COLUMN wallet text")
    verdict = await house.verdict("v2.0")
    assert verdict.kind == "expanded"
    assert verdict.differences == (Difference("expanded", "users.wallet added, may be null"),)
    assert verdict.live != verdict.expected


async def test_a_table_that_it_misses_and_the_nearest_release_that_does_not(house: House) -> None:
    """The others are judged in their order, and the first that fits is named."""
    verdict = await house.verdict("v2.1", "v2.1", "v2.0")
    assert verdict.kind == "contracted"
    assert verdict.differences == (Difference("contracted", "table contacts dropped"),)
    assert verdict.nearest == "v2.0"
    assert (await house.verdict("v2.1")).nearest == ""


async def test_one_that_only_expanded_and_is_not_rehearsed_is_no_way_out(house: House) -> None:
    house.live("ALTER TABLE users ADD COLUMN wallet text")
    assert (await house.verdict("v2.1", "v2.0", rehearsed=False)).nearest == ""
    assert (await house.verdict("v2.1", "v2.0")).nearest == "v2.0"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (building("raise SystemExit('npm is not itself')"), "npm is not itself"),
        (building("pass"), "has made no table"),
        (building("import time; time.sleep(60)", limit="500ms"), "took longer than 0.5 s"),
        ({"build": {"argv": ["no-such-program"], "limit": "5s"}}, "no-such-program"),
        ({"build": None}, "names no `build`"),
        ({"new_rows": {"odd": {"title": "odd", "sql": "SELECT * FROM nowhere"}}}, "cannot be asked"),
    ],
    ids=["fails", "builds nothing", "hangs", "is not there", "is not named", "a question that is none"],
)
async def test_what_cannot_be_told_is_unknown_with_its_reason(
    house: House, changes: dict[str, Any], why: str
) -> None:
    verdict = await ruled(house, **changes).verdict("v2.0")
    assert verdict.kind == "unknown"
    assert why in verdict.why
    assert not verdict.unknown_allowed
    allowed = await ruled(house, **changes, unknown="allows").verdict("v2.0")
    assert (allowed.kind, allowed.unknown_allowed) == ("unknown", True)


async def test_a_strategy_without_a_word_about_it(house: House) -> None:
    house.world = dataclasses.replace(house.world, trial=None)
    verdict = await house.verdict("v2.0")
    assert verdict.kind == "unknown"
    assert "names no `schema` of testnet" in verdict.why


async def test_a_server_that_cannot_be_asked(house: House) -> None:
    nowhere = house.trial.server.__class__(lambda: "host=127.0.0.1 port=1", house.trial.server.shell)
    house.world = dataclasses.replace(house.world, trial=dataclasses.replace(house.trial, server=nowhere))
    verdict = await house.verdict("v2.0")
    assert (verdict.kind, verdict.live) == ("unknown", "")


async def test_rows_that_only_newer_code_understands_are_a_contraction(house: House) -> None:
    """They are looked for in the live data, whatever the schema is."""
    asked = {"short": {"title": "new addresses", "sql": "SELECT id FROM users WHERE address = '7'"}}
    ruled(house, new_rows=asked)
    assert (await house.verdict("v2.0")).kind == "same"
    house.live("INSERT INTO users (address) VALUES ('7')")
    verdict = await house.verdict("v2.0")
    assert verdict.kind == "contracted"
    assert "violates `short` (new addresses)" in verdict.differences[0].words


async def test_a_release_is_built_once(house: House) -> None:
    """What it expects does not change; the live schema may, and is read each time."""
    assert (await house.verdict("v2.0")).kind == "same"
    house.shown.clear()
    house.live("ALTER TABLE users ADD COLUMN wallet text")
    assert (await house.verdict("v2.0")).kind == "expanded"
    assert "building the schema of v2.0" not in house.shown


async def test_what_a_build_says_is_kept_without_the_password(house: House) -> None:
    ruled(house, **building("import os; print('to', os.environ['WARROOM_SCRATCH_DSN']); raise SystemExit(3)"))
    verdict = await house.verdict("v2.0")
    (kept,) = house.world.evidence.glob("schema-*.txt")
    for said in (verdict.why, kept.read_text()):
        assert "to [secret]" in said
        assert PASSWORD not in said
