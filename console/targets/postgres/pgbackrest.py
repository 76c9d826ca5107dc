"""An archive kept by pgBackRest: its repository is listed, written and read by its own program alone."""

import asyncio
import configparser
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from console.targets.postgres import wal
from console.targets.postgres.archive import Archive
from console.targets.postgres.archiving import quoted
from console.targets.postgres.dsn import variables
from console.targets.postgres.pgbackrest_info import Stanza, base_of
from console.targets.postgres.reach import ArchiveError, Base, Kept, moment
from console.targets.postgres.rights import Rights
from console.targets.postgres.server import Server
from console.targets.process import Finished, Programs
from console.targets.progress import Progress
from console.targets.shell import Sink

_LIMIT_S = 60.0
_ANNOTATION = "warroom"
"""Says under which id we made and verified a backup: its label is pgBackRest's to choose."""
_MADE = re.compile(r"new backup label = (\S+)")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)%\)")
_SEGMENT = re.compile(r"(?:.*/)?([0-9A-F]{24})-[0-9a-f]{40}(?:\.\w+)?")
_REPOSITORY = "/var/lib/pgbackrest"
"""Where it is when its configuration does not say."""
_UNUSED = frozenset({0, 2})
"""Codes of a stanza that is in order, with backups or without."""


class PgBackRestArchive(Archive):
    """A stanza of pgBackRest's first repository; its program runs as whoever the repository belongs to."""

    def __init__(
        self,
        server: Server,
        programs: Programs,
        folder: str | None = None,
        *,
        stanza: str,
        config: Path,
        program: str = "pgbackrest",
    ) -> None:
        """`config` is its configuration file. For the others see Archive."""
        super().__init__(server, programs, folder)
        self._stanza = stanza
        self._config = config
        self._program = program
        self._segment_bytes: int | None = None

    @property
    def words(self) -> str:
        """The stanza."""
        return f"stanza {self._stanza} of pgBackRest"

    @property
    def command(self) -> str:
        """Its own way to push a file."""
        return f"{self._shell_words} archive-push %p"

    @property
    def _shell_words(self) -> str:
        """The program with its options, for a shell that a server starts."""
        return f"{self._program} --config={quoted(self._config)} --stanza={quoted(self._stanza)}"

    async def bases(self) -> tuple[Base, ...]:
        """Its backups of the cluster that the stanza is used for now, but for those with errors."""
        stanza = await self._info()
        whole = [backup for backup in stanza.of_now if not backup.error]
        if not whole:
            return ()
        size = await self._size_of(whole[-1].archive.start)
        return tuple(base_of(backup, stanza.database, size) for backup in whole)

    async def aside(self) -> list[str]:
        """What `info` says of the stanza, and of backups with errors."""
        stanza = await self._info()
        told = [] if stanza.status.code in _UNUSED else [f"{self.words}: {stanza.status.message}"]
        return told + [
            f"backup {backup.label} of pgBackRest has pages with wrong checksums: it is not used"
            for backup in stanza.of_now
            if backup.error
        ]

    async def kept(self, bases: Sequence[Base]) -> Kept:
        """By the names in the repository; what is in them, pgBackRest compares whenever it gets one."""
        stanza = await self._info()
        if not bases or stanza.place is None:
            return Kept(frozenset(), {}, {})
        place = f"archive/{self._stanza}/{stanza.place}"
        listed = await self._list(place)
        segments = [match[1] for name in listed if (match := _SEGMENT.fullmatch(name))]
        twice = [name for name, times in Counter(segments).items() if times > 1]
        histories = {
            int(match[1], 16): await self._out("repo-get", f"{place}/{name}")
            for name in listed
            if (match := wal.HISTORY.fullmatch(name))
        }
        return Kept(
            frozenset(segments).difference(twice),
            dict.fromkeys(twice, "is there twice, with different contents"),
            histories,
        )

    async def _list(self, place: str) -> dict[str, object]:
        raw = bytearray()

        async def sink(piece: bytes) -> None:
            raw.extend(piece)

        await self._do("repo-ls", "--output=json", "--recurse", place, sink=sink)
        return msgspec.json.decode(bytes(raw), type=dict[str, object])

    @asynccontextmanager
    async def segment(self, name: str) -> AsyncIterator[Path]:
        """Got as for a recovery, into a folder of its own."""
        folder = Path(tempfile.mkdtemp(prefix="warroom-wal-"))
        try:
            self.rights().give(folder)
            finished = await self._run("archive-get", name, str(folder / name), limit_s=_LIMIT_S)
            if finished.code:
                raise ArchiveError(f"WAL file {name} cannot be got from {self.words}: {_fault(finished)}")
            yield folder / name
        finally:
            shutil.rmtree(folder)

    async def _size_of(self, name: str) -> int:
        """Bytes of a segment, as one of them says."""
        if self._segment_bytes is None:
            async with self.segment(name) as path:
                with path.open("rb") as file:
                    header = wal.header(file.read(wal.HEADER_BYTES))
            if header is None:
                raise ArchiveError(f"WAL file {name} of {self.words} does not begin as WAL does")
            self._segment_bytes = header.segment_bytes
        return self._segment_bytes

    def effects(self, base_id: str) -> tuple[str, ...]:
        """The commands that are run."""
        words = f"{self._program} --config={self._config} --stanza={self._stanza}"
        return (
            f"{words} backup --start-fast",
            f"{words} verify",
            f"{words} annotate --annotation={_ANNOTATION}={base_id}",
        )

    async def make_base(self, base_id: str, progress: Progress, *, rate: int | None = None) -> Base:
        """A backup of the kind that its configuration asks for, annotated when it has been verified."""
        words = "backing up with pgBackRest" + (", which knows no rate" if rate else "")
        label = await self._back_up(words, progress)
        progress("verifying the repository with pgBackRest")
        said = await self._out("verify", "--output=text", "--verbose", limit_s=progress.left_s)
        if f"backup: {label}, status: valid" not in said:
            # Its exit code says nothing of what it finds.
            raise ArchiveError(f"pgBackRest finds its backup {label} not valid: {' '.join(said.split())}")
        await self._out("annotate", f"--set={label}", f"--annotation={_ANNOTATION}={base_id}")
        base = await self.made(base_id)
        if base is None:
            raise ArchiveError(f"pgBackRest does not list its backup {label} as one without errors")
        # It tells whole seconds: only from the next one on, WAL is known to lead on from it.
        await asyncio.sleep(max(0, base.ends - (await self.server.facts()).now) / 1e6)
        return base

    async def _back_up(self, words: str, progress: Progress) -> str:
        """Make one; its label."""
        progress(words)
        finished = await self._run(
            *("backup", "--start-fast", "--log-level-console=detail"),
            limit_s=progress.left_s,
            environment=variables({"password": self.server.params().get("password")}),
            on_line=_sharing(progress, words),
        )
        made = _MADE.search(finished.out)
        if finished.code or made is None:
            raise ArchiveError(f"pgBackRest could not back up: {_fault(finished)}")
        return made[1]

    async def made(self, base_id: str) -> Base | None:
        """The one that is annotated with the id, as only what was verified is."""
        for base in reversed(await self.bases()):
            stanza = await self._info(f"--set={base.id}")
            if any(backup.annotation.get(_ANNOTATION) == base_id for backup in stanza.backup):
                return base
        return None

    async def discard(self, base_id: str) -> None:
        """Nothing: pgBackRest itself resumes or removes what was cut off, with its next backup."""

    def rights(self) -> Rights:
        """Whoever the repository belongs to; where it is on another machine, the configuration."""
        config = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            config.read_string(self._config.read_text(encoding="utf-8"))
            section = self._stanza if config.has_option(self._stanza, "repo1-path") else "global"
            path = Path(config.get(section, "repo1-path", fallback=_REPOSITORY))
            owned = (path if path.is_dir() else self._config).stat()
        except (OSError, UnicodeDecodeError, configparser.Error) as error:
            raise ArchiveError(f"cannot read {self._config}: {' '.join(str(error).split())}") from error
        return Rights(self.programs, owned.st_uid, owned.st_gid)

    async def lay_out(self, base: Base, data: Path, target: int, rights: Rights, progress: Progress) -> str:
        """Restored by pgBackRest, which compares every file's checksum; from there on it gets WAL."""
        spaces = data.with_name("tablespaces")
        spaces.mkdir(mode=0o700)
        rights.give(spaces)
        finished = await self._run(
            *("restore", f"--set={base.id}", "--type=time", f"--target={moment(target)[:-4]}+00"),
            *("--target-exclusive", "--target-action=promote", "--archive-mode=off"),
            *(f"--pg1-path={data}", f"--tablespace-map-all={spaces}", "--log-level-console=detail"),
            limit_s=progress.left_s,
            on_line=_sharing(progress, f"restoring base backup {base.id}"),
        )
        if finished.code:
            raise ArchiveError(f"pgBackRest could not restore backup {base.id}: {_fault(finished)}")
        return f'{self._shell_words} --pg1-path={quoted(data)} --no-archive-async archive-get %f "%p"'

    async def _info(self, *words: str) -> Stanza:
        said = await self._out("info", "--output=json", *words)
        try:
            stanzas = msgspec.json.decode(said, type=list[Stanza])
        except msgspec.DecodeError as error:
            raise ArchiveError(f"what pgBackRest says of {self.words} cannot be read: {error}") from error
        if not stanzas:
            raise ArchiveError(f"there is no {self.words}: create it with `pgbackrest stanza-create`")
        return stanzas[0]

    async def _out(self, *words: str, limit_s: float = _LIMIT_S) -> str:
        return (await self._do(*words, limit_s=limit_s)).out

    async def _do(self, *words: str, limit_s: float = _LIMIT_S, sink: Sink | None = None) -> Finished:
        finished = await self._run(*words, limit_s=limit_s, sink=sink)
        if finished.code:
            raise ArchiveError(f"`{self._program} {words[0]}` of {self.words} failed: {_fault(finished)}")
        return finished

    async def _run(
        self,
        *words: str,
        limit_s: float,
        environment: dict[str, str] | None = None,
        sink: Sink | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        program = (self._program, f"--config={self._config}", f"--stanza={self._stanza}")
        return await self.here.run(
            (*self.rights().words, *program, *words),
            limit_s=limit_s,
            environment=environment,
            sink=sink,
            on_line=on_line,
        )


def _sharing(progress: Progress, words: str) -> Callable[[str], None]:
    """Hears how many per cent of the files are done."""

    def heard(line: str) -> None:
        if share := _SHARE.search(line):
            progress(words, done=float(share[1]), total=100.0, unit="%")

    return heard


def _fault(finished: Finished) -> str:
    """The error that it names; hints follow it."""
    lines = f"{finished.err}\n{finished.out}".splitlines()
    return next((line.partition("ERROR:")[2].strip() for line in lines if "ERROR:" in line), finished.reason)
