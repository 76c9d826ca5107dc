"""The environment file: saved with a manifest, and swapped for the one that the good release ran with.

No value of it is ever in a plan, on the screen, in the journal or in an output: names of keys alone.
"""

import asyncio
from pathlib import Path

from msgspec import Struct

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Undo, World
from console.core.env_backups import EnvManifest, Judged, Rules, choose
from console.core.env_file import differences, merged
from console.core.format import count, short
from console.core.moments import written
from console.core.plan import WayBack
from console.core.strategy import Environment
from console.targets.env_file import Current, EnvError, EnvFiles, digest

_READ_AT_START = "what was started in between has read the other one: start it anew"


class SaveEnv(Action):
    """Save the file as it is: the way back if the swap goes wrong."""

    repeatable = True
    serves = "code"

    @classmethod
    def belongs(cls, environment: Environment) -> bool:
        """Only where the strategy names the file."""
        return environment.environment_file is not None

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Reads the file, and writes beside the backups alone."""
        files, running = files_of(world), inputs.change.running if inputs.change else None
        name = f"{_compact(inputs.since)}-{inputs.incident}"
        path = files.backup_path(name)
        return Preview(
            f"save {files.path.name} as {path.parent.name}/{path.name}, with a manifest of its keys' names",
            (f"copy {files.path} to {path}, and fsync",),
            {
                "name": name,
                "release": running.tag if running else inputs.options.get("tag", ""),
                "commit": running.commit if running else inputs.options.get("commit", ""),
            },
        )

    async def probe(self) -> Finding:
        """By the copy itself."""
        return await asyncio.to_thread(self._probe)

    def _probe(self) -> Finding:
        files, name = files_of(self.world), self.params["name"]
        known = {backup.path: backup for backup in files.backups()}
        backup = known.get(str(files.backup_path(name)))
        if backup is None or backup.manifest is None:
            return Finding("not done", f"there is no complete backup {name}")
        files.read(Path(backup.path), backup.manifest.sha256)
        return Finding("done", f"{name} is complete, {count(len(backup.manifest.keys), 'key')}")

    async def perform(self, report: Report) -> None:
        """Once is enough: what an attempt before this one has completed is kept."""
        if (await self.probe()).found != "done":
            report("saving the environment file")
            await asyncio.to_thread(self._save)

    def _save(self) -> None:
        files = files_of(self.world)
        now = files.current()
        manifest = EnvManifest(
            environment=self.world.name,
            sha256=now.sha256,
            bytes=len(now.raw),
            mode=f"{now.mode:04o}",
            taken=self.world.clock.now().utc_us,
            keys=tuple(sorted(files.parsed(now.raw, files.path).settings)),
            release=self.params["release"],
            commit=self.params["commit"],
        )
        files.save(self.params["name"], manifest, now.raw)

    async def verify(self) -> Proof:
        """Read the copy again."""
        found = await self.probe()
        if found.found != "done":
            raise ActionError(found.words)
        return Proof(found.words, {"backup": self.params["name"]})


class SwapEnvBack(Action):
    """Put back what the file held before it was swapped in this incident."""

    repeatable = True
    serves = "asked"

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """From the file that the swap has left beside it."""
        files = files_of(world)
        before = _first_kept(files, inputs.incident)
        if not before.exists():
            raise ActionError(
                f"there is no {before.name}: {files.path.name} was not swapped in that incident"
            )
        old = files.bytes_of(before)
        now = files.current()
        parsed = files.parsed(old, before), files.parsed(now.raw, files.path)
        kept = files.path.with_name(f"{before.name}_undone_{short(now.sha256)}")
        apart = differences(parsed[1], parsed[0]).words
        return Preview(
            f"put {before.name} back in place of {files.path.name}; {apart}",
            (f"write {before} beside {files.path}; link {files.path} as {kept.name}; rename",),
            {"before": now.sha256, "after": digest(old), "from": str(before), "kept": str(kept)},
        )

    async def probe(self) -> Finding:
        """By what the file holds."""
        return await asyncio.to_thread(_stands, self.world, self.params["before"], self.params["after"])

    async def perform(self, report: Report) -> None:
        """One rename, as the swap."""
        report("putting the environment file back")
        await asyncio.to_thread(self._swap_back)

    def _swap_back(self) -> None:
        files, params = files_of(self.world), self.params
        if files.current().sha256 != params["after"]:
            old = files.read(Path(params["from"]), params["after"])
            files.swap(old, params["before"], Path(params["kept"]))

    async def verify(self) -> Proof:
        """It holds what it held."""
        found = await self.probe()
        if found.found != "done":
            raise ActionError(found.words)
        return Proof(f"{found.words}; {_READ_AT_START}")


class UndoSwapEnv(Undo):
    """Put back what the file held; where it was not swapped, there is nothing to do."""

    @staticmethod
    def preview(params: dict[str, str], world: World) -> WayBack:
        """From the file that the swap leaves beside it."""
        name, kept = files_of(world).path.name, Path(params["kept"]).name
        return WayBack(
            f"put {kept} back in place of {name}; {_READ_AT_START}",
            (f"write {params['kept']} beside {name}, with its owner and mode; rename",),
        )

    @property
    def _back(self) -> SwapEnvBack:
        swapped, kept = self.params["after"], self.params["kept"]
        params = {
            "before": swapped,
            "after": self.params["before"],
            "from": kept,
            "kept": f"{kept}_undone_{short(swapped)}",
        }
        return SwapEnvBack(params, self.world, self.token)

    async def probe(self) -> Finding:
        """By what the file holds."""
        return await self._back.probe()

    async def perform(self, report: Report) -> None:
        """One rename."""
        await self._back.perform(report)

    async def verify(self) -> Proof:
        """It holds what it held."""
        return await self._back.verify()


class SwapEnv(Action):
    """Put the chosen backup in the file's place; what it held stays beside it."""

    repeatable = True
    serves = "code"
    undo = UndoSwapEnv

    @classmethod
    def way_back(cls, params: dict[str, str], world: World) -> WayBack | None:
        """None where the file stays as it is."""
        return super().way_back(params, world) if params["backup"] else None

    @classmethod
    def belongs(cls, environment: Environment) -> bool:
        """Only where the strategy names the file."""
        return environment.environment_file is not None

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Which backup, and which keys change; where none fits, the file stays, and it says why.

        That closes no way back: the release can go back without it, as long as people see that it does.
        """
        files = files_of(world)
        wanted = _wanted(inputs, world, files)
        if not wanted.name:
            return Preview(f"leave {files.path.name} as it is: {wanted.why}", (), {"backup": ""})
        kept = kept_as(files, inputs.incident, wanted.before)
        return Preview(
            f"swap {files.path.name} for {wanted.name}, {wanted.why}; {wanted.changes}",
            (
                f"write {wanted.path} beside {files.path}, with its owner and mode, and fsync",
                f"link {files.path} as {kept.name}; rename the new one over {files.path}",
            ),
            {
                "before": wanted.before,
                "after": wanted.after,
                "kept": str(kept),
                "backup": wanted.path,
                "sha256": wanted.sha256,
                "keeps": " ".join(wanted.keeps),
            },
        )

    async def probe(self) -> Finding:
        """By what the file holds."""
        if not self.params["backup"]:
            return Finding("done", f"{files_of(self.world).path.name} stays as it is")
        return await asyncio.to_thread(_stands, self.world, self.params["before"], self.params["after"])

    async def perform(self, report: Report) -> None:
        """Verified on the backup itself; then one rename."""
        if self.params["backup"]:
            report("swapping the environment file")
            await asyncio.to_thread(self._swap)

    def _swap(self) -> None:
        files, params = files_of(self.world), self.params
        if files.current().sha256 == params["after"]:
            return
        now = _as_planned(files, params["before"])
        content = _content(files, now, Path(params["backup"]), params["sha256"], _keys(params["keeps"]))
        if digest(content) != params["after"]:
            raise ActionError("what would be written is not what the plan says: plan again")
        files.swap(content, params["before"], Path(params["kept"]))

    async def verify(self) -> Proof:
        """It holds what was planned."""
        found = await self.probe()
        if found.found != "done":
            raise ActionError(found.words)
        return Proof(found.words, {"kept": self.params["kept"]} if self.params["backup"] else {})


# -- what they share --------------------------------------------------------------------------------


class _Wanted(Struct, frozen=True):
    """What the file is to hold; by digests, names and paths alone."""

    why: str
    name: str = ""
    """Of the backup; empty: the file stays as it is."""
    path: str = ""
    sha256: str = ""
    """Of the backup."""
    keeps: tuple[str, ...] = ()
    before: str = ""
    after: str = ""
    changes: str = ""


def files_of(world: World) -> EnvFiles:
    """The environment file; ActionError where the strategy names none."""
    if world.env_files is None:
        raise ActionError(f"the strategy names no `environment_file` of {world.name}")
    return world.env_files


def _first_kept(files: EnvFiles, incident: str) -> Path:
    """What the file held before the first swap of an incident."""
    return files.path.with_name(f"{files.path.name}_before_{incident}")


def kept_as(files: EnvFiles, incident: str, sha256: str) -> Path:
    """Where what the file holds now stays when an incident swaps it; never over what is there already."""
    kept = _first_kept(files, incident)
    if kept.exists() and digest(files.bytes_of(kept)) != sha256:
        return kept.with_name(f"{kept.name}_{short(sha256)}")
    return kept


def _wanted(inputs: Inputs, world: World, files: EnvFiles) -> _Wanted:
    chosen, judged = choose(files.backups(), _rules(inputs, world, files))
    if chosen is None or chosen.backup.manifest is None:
        return _Wanted(_none(judged))
    name, path, sha256 = chosen.backup.name, Path(chosen.backup.path), chosen.backup.manifest.sha256
    try:
        now = files.current()
        content = _content(files, now, path, sha256, chosen.keeps)
        apart = differences(files.parsed(now.raw, files.path), files.parsed(content, path))
    except EnvError as error:
        return _Wanted(str(error))
    if digest(content) == now.sha256:
        return _Wanted(f"it holds what {name} does")
    return _Wanted(
        chosen.why, name, str(path), sha256, chosen.keeps, now.sha256, digest(content), apart.words
    )


def _rules(inputs: Inputs, world: World, files: EnvFiles) -> Rules:
    """By what the backups are judged."""
    change = inputs.change
    bad = frozenset(known.tag for known in world.releases().known if known.verdict == "bad")
    return Rules(
        target=change.target if change else None,
        running=change.running if change else None,
        onset=inputs.onset,
        rotated=files.rules.rotations,
        older=files.rules.older,
        bad=bad,
    )


def _none(judged: tuple[Judged, ...]) -> str:
    if not judged:
        return "there is no backup of it"
    newest = judged[0]
    more = f", nor {count(len(judged) - 1, 'older one')}" if len(judged) > 1 else ""
    return f"no backup fits; not {newest.backup.name}, {newest.why}{more}"


def _content(files: EnvFiles, now: Current, backup: Path, sha256: str, keeps: tuple[str, ...]) -> bytes:
    """The backup, verified; with today's values of keys that were rotated since."""
    raw = files.read(backup, sha256)
    old = files.parsed(raw, backup)
    if not keeps:
        return raw
    return merged(old, files.parsed(now.raw, files.path), keeps).text.encode()


def _stands(world: World, before: str, after: str) -> Finding:
    """Whether the file holds what it is to hold, what it held, or something else."""
    files = files_of(world)
    now = files.current().sha256
    if now == after:
        return Finding("done", f"{files.path.name} holds what was planned ({short(now)})")
    if now == before:
        return Finding("not done", f"{files.path.name} is as it was ({short(now)})")
    return Finding("cannot tell", f"{files.path.name} holds neither: somebody has changed it ({short(now)})")


def _as_planned(files: EnvFiles, sha256: str) -> Current:
    now = files.current()
    if now.sha256 != sha256:
        raise ActionError(f"{files.path.name} was changed by somebody since the plan was made: plan again")
    return now


def _keys(words: str) -> tuple[str, ...]:
    return tuple(words.split())


def _compact(seconds: int) -> str:
    """A moment in a name: `20261123T140530Z`."""
    return written(seconds * 1_000_000).replace("-", "").replace(":", "")
