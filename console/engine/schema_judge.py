"""Judges whether a release can work with today's schema: builds what it expects beside it, and compares.

Whatever goes wrong is a verdict too: *unknown*, with its reason. No plan fails because of it.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from actions.action import World
from console.core import beside
from console.core.errors import StatedError
from console.core.format import short
from console.core.plan import Release
from console.core.releases import Known
from console.core.schema import Schema, digest
from console.core.schema_compare import compare
from console.core.schema_rules import SchemaCommand
from console.core.schema_verdict import Difference, SchemaVerdict, closes, unknown, worst
from console.targets.postgres.integrity import violated
from console.targets.postgres.schema import read
from console.targets.scratch_release import ScratchReleases

OTHERS = 3
"""Older good releases that are judged at most, where the one that is wanted does not fit."""
NEW_ROWS_S = 20.0
"""How long one question for rows that only newer code understands may take."""
_SAID = 200
"""Lines that are kept of what a build says."""


async def judge(
    world: World, goal: Release, others: Sequence[Known], show: Callable[[str], None], *, rehearsed: bool
) -> SchemaVerdict:
    """The verdict on the release that is gone back to; where it closes the way, with the nearest that fits.

    `others` are good releases to look among, nearest first. `rehearsed`: whether the plan rehearses.
    """
    trial = world.trial
    if trial is None:
        return unknown(f"the strategy names no `schema` of {world.name}: name what builds a release's schema")
    verdict = await _Judge(world, trial, show).verdict(goal)
    verdict = replace(verdict, rehearsed=rehearsed, unknown_allowed=trial.rules.unknown == "allows")
    if verdict.kind != "contracted":
        return verdict
    return replace(verdict, nearest=await _nearest(world, trial, others, show, rehearsed=rehearsed))


async def live_digest(world: World) -> str:
    """The digest of the live schema; empty where it cannot be read, or nobody has said how."""
    if world.trial is None:
        return ""
    try:
        return digest(await read(world.trial.server))
    except StatedError:
        return ""  # the verdict on the release that is chosen says why


async def _nearest(
    world: World,
    trial: ScratchReleases,
    others: Sequence[Known],
    show: Callable[[str], None],
    *,
    rehearsed: bool,
) -> str:
    for known in others[:OTHERS]:
        found = await _Judge(world, trial, show).verdict(world.clone.release(known.tag))
        if not closes(replace(found, rehearsed=rehearsed)):
            return known.tag
    return ""


class _Judge:
    """One look at the live schema and at that of a release."""

    def __init__(self, world: World, trial: ScratchReleases, show: Callable[[str], None]) -> None:
        self._world = world
        self._trial = trial
        self._show = show

    async def verdict(self, goal: Release) -> SchemaVerdict:
        """Same, expanded, contracted; or unknown, and why."""
        build = self._trial.rules.build
        self._show("reading the schema")
        try:
            live = await read(self._trial.server)
        except StatedError as error:
            return unknown(str(error))
        if build is None:
            why = f"the strategy's `schema` names no `build`: what brings an empty database to {goal.tag}?"
            return unknown(why, live=digest(live))
        try:
            expected = await self._expected(goal, build)
            rows = await self._new_rows()
        except (StatedError, OSError) as error:
            return unknown(f"{goal.tag}: {error}", live=digest(live))
        if expected.is_empty and not live.is_empty:
            return unknown(f"{goal.tag}: `{build.argv[0]}` has made no table", live=digest(live))
        found = compare(expected, live)
        differences = (*rows, *found.differences)
        kind = worst((found.kind, *(one.kind for one in rows)))
        return SchemaVerdict(kind, differences, live=digest(live), expected=digest(expected))

    async def _new_rows(self) -> tuple[Difference, ...]:
        """Rows that only newer code understands, the first of the first question that finds some."""
        asked = self._trial.rules.new_rows
        if not asked:
            return ()
        self._show("looking for rows that only newer code understands")
        server = self._trial.server
        found = await violated(server, server.database, asked, limit_s=NEW_ROWS_S)
        return () if found is None else (Difference("contracted", f"the data {found}"),)

    async def _expected(self, goal: Release, build: SchemaCommand) -> Schema:
        """What the release builds; from its file where this release was built before by the same command."""
        made = hashlib.sha256(" ".join((goal.tree, *build.argv)).encode()).hexdigest()[:16]
        kept = self._world.evidence / f"schema-{made}.json"
        if kept.exists():
            return msgspec.json.decode(await asyncio.to_thread(kept.read_bytes), type=Schema)
        self._show(f"building the schema of {goal.tag}")
        said: list[str] = []
        try:
            expected = await self._built(goal, build, made, said.append)
        finally:
            await asyncio.to_thread(_keep, kept.with_suffix(".txt"), "\n".join(said[-_SAID:]).encode())
        await asyncio.to_thread(_keep, kept, msgspec.json.encode(expected, order="deterministic"))
        return expected

    async def _built(
        self, goal: Release, build: SchemaCommand, made: str, on_line: Callable[[str], None]
    ) -> Schema:
        """Run the build in a worktree of the release, on a database that is gone afterwards."""
        clone, name = self._world.clone, beside.built(self._trial.server.database, made)
        worktree = self._world.worktrees / f"schema-{short(goal.commit)}"
        await clone.remove_worktree(worktree)
        try:
            await clone.add_detached(worktree, goal.commit)
            async with self._trial.database(name, self._world.name, f"schema of {goal.tag}"):
                await self._trial.run(build, worktree, name, migrations="run", on_line=on_line)
                return await read(self._trial.server, name)
        finally:
            await clone.remove_worktree(worktree)


def _keep(path: Path, content: bytes) -> None:
    """Write it whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
