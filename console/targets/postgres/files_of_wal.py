"""An archive of plain files: the folder that archive_command copies to, and a folder of base backups."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from console.targets.postgres import wal
from console.targets.postgres.archive import Archive
from console.targets.postgres.archiving import archive_command, quoted
from console.targets.postgres.base_folders import BaseFolders
from console.targets.postgres.reach import ArchiveError, Base, Kept
from console.targets.postgres.rights import Rights
from console.targets.postgres.server import Server
from console.targets.process import Programs
from console.targets.progress import Progress

_MAKE_FOLDER = "make it on this machine, for PostgreSQL's user to write and for the engine to read"


class FilesOfWal(Archive):
    """WAL in one folder, base backups in another, both made with PostgreSQL's own programs alone."""

    holds_tablespaces = False

    def __init__(
        self, server: Server, programs: Programs, folder: str | None = None, *, wal: Path, bases: Path
    ) -> None:
        """`wal` is what archive_command copies to; only we write to `bases`. For the others see Archive."""
        super().__init__(server, programs, folder)
        self._wal = wal
        self._bases = BaseFolders(bases, self.here, self.postgres)

    @property
    def words(self) -> str:
        """The folder of WAL."""
        return str(self._wal)

    @property
    def command(self) -> str:
        """Copies into the folder of WAL."""
        return archive_command(self._wal)

    async def bases(self) -> tuple[Base, ...]:
        """The folders that say of themselves what they are."""
        return self._bases.all()

    async def aside(self) -> list[str]:
        """The other folders; and the one of WAL, where it is not there."""
        try:
            told = [] if self._wal.is_dir() else [f"{self._wal} is not there: {_MAKE_FOLDER}"]
        except OSError as error:
            raise self._unreadable(error) from error
        return told + self._bases.aside()

    async def kept(self, bases: Sequence[Base]) -> Kept:
        """Every file by its name, its size and its first bytes."""
        if not bases:
            return Kept(frozenset(), {}, {})
        try:
            return await asyncio.to_thread(self._kept, bases)
        except OSError as error:
            raise self._unreadable(error) from error

    def _kept(self, bases: Sequence[Base]) -> Kept:
        newest = bases[-1]
        first = min(base.wal_from for base in bases) // newest.segment_bytes
        whole, broken, histories = set(), {}, {}
        for path in self._wal.iterdir():
            if history := wal.HISTORY.fullmatch(path.name):
                histories[int(history[1], 16)] = path.read_text(encoding="utf-8")
            elif wal.SEGMENT.fullmatch(path.name) and wal.number(path.name, newest.segment_bytes) >= first:
                if trouble := _trouble(path, newest):
                    broken[path.name] = trouble
                else:
                    whole.add(path.name)
        return Kept(frozenset(whole), broken, histories)

    @asynccontextmanager
    async def segment(self, name: str) -> AsyncIterator[Path]:
        """The file itself."""
        yield self._wal / name

    def effects(self, base_id: str) -> tuple[str, ...]:
        """The programs that are run."""
        return self._bases.effects(base_id)

    async def make_base(self, base_id: str, progress: Progress, *, rate: int | None = None) -> Base:
        """Over the server's address, by pg_basebackup."""
        return await self._bases.make(self.server, base_id, progress, rate)

    async def made(self, base_id: str) -> Base | None:
        """The one in the folder of that name."""
        return next((base for base in await self.bases() if base.id == base_id), None)

    async def discard(self, base_id: str) -> None:
        """Its `*.partial`."""
        await self._bases.discard(base_id)

    def rights(self) -> Rights:
        """Whoever the WAL files belong to, since only they can read them for sure."""
        try:
            owned = self._some_file().stat()
        except OSError as error:
            raise self._unreadable(error) from error
        return Rights(self.programs, owned.st_uid, owned.st_gid)

    def _some_file(self) -> Path:
        """A file of WAL; the folder while it has none."""
        return next((path for path in self._wal.iterdir() if wal.SEGMENT.fullmatch(path.name)), self._wal)

    async def lay_out(self, base: Base, data: Path, target: int, rights: Rights, progress: Progress) -> str:
        """A verified copy; a `restore_command` for which it is an answer that there is no such file."""
        if not await rights.reads(self._some_file()):
            raise ArchiveError(
                f"uid {rights.user}, which a scratch server runs as, cannot read {self._wal}: let WAL "
                "belong to the user that PostgreSQL runs as"
            )
        await self._bases.lay_out(base, data, target, rights, progress)
        return f"test -f {quoted(self._wal)}/%f && cp {quoted(self._wal)}/%f %p"

    def _unreadable(self, error: OSError) -> ArchiveError:
        return ArchiveError(
            f"cannot read {error.filename or self._wal}: {error.strerror}; whoever runs the engine must be "
            "able to read WAL and its folder"
        )


def _trouble(path: Path, base: Base) -> str:
    """What is wrong with a segment, as far as its size and its first bytes tell."""
    bytes_ = path.stat().st_size
    if bytes_ != base.segment_bytes:
        return f"is truncated: it has {bytes_:,} of {base.segment_bytes:,} bytes"
    with path.open("rb") as file:
        header = wal.header(file.read(wal.HEADER_BYTES))
    if header is None:
        return "does not begin as WAL does"
    if header.system_identifier != base.system_identifier:
        return f"is of another cluster, {header.system_identifier}, not {base.system_identifier}"
    begins = wal.number(path.name, base.segment_bytes) * base.segment_bytes
    if header.position != begins:
        return f"holds WAL of another place, {wal.words(header.position)}, not {wal.words(begins)}"
    return ""
