"""Base backups as folders: copied by pg_basebackup, verified by pg_verifybackup, and only then called one."""

import asyncio
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct, field

from console.targets.postgres import wal
from console.targets.postgres.archiving import ask
from console.targets.postgres.dsn import variables
from console.targets.postgres.programs import Programs
from console.targets.postgres.reach import ArchiveError, Base, moment
from console.targets.postgres.rights import Rights
from console.targets.postgres.server import Server
from console.targets.process import Finished
from console.targets.progress import Progress
from console.targets.shell import Shell

PARTIAL = ".partial"
"""Ends the name of a base backup's folder for as long as it is none."""
_FACTS = "base.json"
_DATA = "data"
_OPTIONS = (
    "--format=plain",
    "--wal-method=stream",
    "--checkpoint=fast",
    "--manifest-checksums=SHA256",
)
_COPIED = re.compile(r"(\d+)/(\d+) kB")
_C = {"LC_ALL": "C"}
"""What programs say is read: it must be in one language."""
_RATE_KB = (32, 1024 * 1024)
"""What pg_basebackup takes as a rate, in kB a second."""


class _File(Struct, frozen=True):
    size: int = field(name="Size")


class _Range(Struct, frozen=True):
    timeline: int = field(name="Timeline")
    start: str = field(name="Start-LSN")
    end: str = field(name="End-LSN")


class _BackupManifest(Struct, frozen=True):
    """What we read of the manifest that PostgreSQL puts into a base backup."""

    files: list[_File] = field(name="Files")
    ranges: list[_Range] = field(name="WAL-Ranges")


class BaseFolders:
    """A folder of base backups that only we write to, each with `base.json` and the cluster's data."""

    def __init__(self, path: Path, here: Shell, postgres: Programs) -> None:
        """`here` is this machine, `postgres` its programs."""
        self.path = path
        self._here = here
        self._postgres = postgres

    def all(self) -> tuple[Base, ...]:
        """Those that are complete, oldest first."""
        found = (_read(folder) for folder in self._folders())
        return tuple(sorted((base for base in found if isinstance(base, Base)), key=lambda base: base.ends))

    def aside(self) -> list[str]:
        """Folders that were never finished, or do not say what they are; a sentence each."""
        return [trouble for folder in self._folders() if isinstance(trouble := _read(folder), str)]

    def _folders(self) -> list[Path]:
        try:
            return sorted(path for path in self.path.iterdir() if path.is_dir())
        except FileNotFoundError:
            return []  # it is made with the first base backup
        except OSError as error:
            raise ArchiveError(f"cannot read {self.path}: {error.strerror}") from error

    def effects(self, base_id: str) -> tuple[str, ...]:
        """What `make` runs."""
        folder = self.path / f"{base_id}{PARTIAL}"
        return (
            f"pg_basebackup {' '.join(_OPTIONS)} into {folder}",
            f"pg_verifybackup of that, then it is renamed to {base_id}",
        )

    async def make(self, server: Server, base_id: str, progress: Progress, rate: int | None) -> Base:
        """Copy the cluster, verify what has come here, and write what it is."""
        asked = await ask(server)
        if asked.tablespaces:
            raise ArchiveError(
                "the cluster has tablespaces of its own, which base backups of plain files do not hold: "
                "use pgbackrest for `archive`"
            )
        folder = self._begin(base_id)
        facts = await server.facts()
        await self._copy(server, folder / _DATA, facts.major, progress, rate)
        ends = (await server.facts()).now
        progress("verifying the base backup")
        words = await self._verify(folder / _DATA, facts.major, progress.left_s)
        manifest = await asyncio.to_thread(_manifest, folder / _DATA)
        base = Base(
            id=base_id,
            began=facts.now,
            ends=ends,
            timeline=manifest.ranges[-1].timeline,
            start_lsn=wal.position(manifest.ranges[0].start),
            end_lsn=wal.position(manifest.ranges[-1].end),
            # What it needs up to its end, it has in itself.
            wal_from=wal.position(manifest.ranges[-1].end),
            system_identifier=asked.system_identifier,
            version=facts.version,
            bytes=sum(file.size for file in manifest.files),
            segment_bytes=asked.segment_bytes,
            verified=words,
        )
        await asyncio.to_thread(self._finish, base)
        return base

    def _begin(self, base_id: str) -> Path:
        folder = self.path / f"{base_id}{PARTIAL}"
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise ArchiveError(f"cannot make {folder}: {error.strerror}") from error
        return folder

    async def _copy(
        self, server: Server, data: Path, major: int, progress: Progress, rate: int | None
    ) -> None:
        program = await self._postgres.find("pg_basebackup", major)
        slow = (f"--max-rate={min(max(rate // 1000, _RATE_KB[0]), _RATE_KB[1])}",) if rate else ()

        def heard(line: str) -> None:
            if copied := _COPIED.search(line):
                done, total = int(copied[1]) / 1000, int(copied[2]) / 1000
                progress("copying the cluster", done=done, total=max(done, total), unit="MB")

        finished = await self._here.run(
            (
                *(program, f"--pgdata={data}", *_OPTIONS, *slow),
                *("--label=warroom", "--progress", "--no-password"),
            ),
            limit_s=progress.left_s,
            environment=variables(await server.reached()) | _C,
            on_line=heard,
        )
        if finished.code:
            raise ArchiveError(f"the base backup failed: {_fault(finished)}")

    async def _verify(self, data: Path, major: int, limit_s: float) -> str:
        """See that every file is what the manifest says, and that WAL up to its end is there; in words."""
        program = await self._postgres.find("pg_verifybackup", major)
        finished = await self._here.run((program, str(data)), limit_s=limit_s, environment=_C)
        if finished.code or "successfully verified" not in finished.out:
            raise ArchiveError(f"the base backup in {data} is not whole: {_fault(finished)}")
        return f"pg_verifybackup {major}: {finished.reason}"

    def _finish(self, base: Base) -> None:
        """Write what it is, and give the folder its name: from now on it is a base backup."""
        partial, path = self.path / f"{base.id}{PARTIAL}", self.path / base.id
        try:
            descriptor = os.open(partial / _FACTS, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(base)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            partial.rename(path)
            _sync(self.path)
        except OSError as error:
            raise ArchiveError(f"cannot complete {path}: {error.strerror}") from error

    async def discard(self, base_id: str) -> None:
        """Remove the folder of one that was begun and not finished."""
        folder = self.path / f"{base_id}{PARTIAL}"
        if folder.is_dir():
            await asyncio.to_thread(shutil.rmtree, folder)

    async def lay_out(self, base: Base, data: Path, target: int, rights: Rights, progress: Progress) -> None:
        """Copy it, and verify the copy: it may have rotted since it was made."""
        progress(f"unpacking base backup {base.id}, the last one before {moment(target)}")
        source = f"{self.path / base.id / _DATA}/."
        copy = ("cp", "-R", "--reflink=auto", "--preserve=mode,timestamps", source, str(data))
        await self._run(copy, progress.left_s)
        progress(f"verifying base backup {base.id}")
        await self._verify(data, base.major, progress.left_s)
        if rights.drops:
            await self._run(("chown", "-R", f"{rights.user}:{rights.group}", str(data)), progress.left_s)

    async def _run(self, argv: Sequence[str], limit_s: float) -> None:
        finished = await self._here.run(argv, limit_s=limit_s)
        if finished.code:
            raise ArchiveError(f"the base backup cannot be unpacked: {finished.reason}")


def _read(folder: Path) -> Base | str:
    """The base backup in that folder, or why it is none."""
    if folder.name.endswith(PARTIAL):
        return f"{folder} is a base backup that was never finished: remove it, unless one is under way"
    try:
        base = msgspec.json.decode((folder / _FACTS).read_bytes(), type=Base)
    except (OSError, msgspec.DecodeError) as error:
        return f"{folder} is no base backup of ours: {_FACTS} cannot be read ({error})"
    return base if base.id == folder.name else f"{folder} says that it is base backup {base.id}"


def _manifest(data: Path) -> _BackupManifest:
    try:
        return msgspec.json.decode((data / "backup_manifest").read_bytes(), type=_BackupManifest)
    except (OSError, msgspec.DecodeError) as error:
        raise ArchiveError(f"the manifest in {data} cannot be read: {error}") from error


def _fault(finished: Finished) -> str:
    """The first error that a program names; what follows is its tidying up."""
    faults = (line for line in finished.err.splitlines() if "error:" in line)
    return next(faults, finished.reason).strip()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
