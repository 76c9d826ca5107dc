"""An image with PostgreSQL 15 and 18, Redis 6.2 and 7, made of this machine's own files in a few seconds."""

import io
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.servers import postgres_folder, redis_program

POSTGRES = (15, 18)
REDIS = ("6.2", "7")
UID = 999
"""Of the servers inside."""
_TOOLS = (
    *("sh", "cat", "chmod", "chown", "cp", "date", "dd", "dirname", "env", "false", "find", "grep", "head"),
    *("id", "ln", "ls", "mkdir", "mv", "printf", "rm", "sed", "seq", "sha256sum", "sleep", "sort", "stat"),
    *("sync", "tail", "tee", "touch", "tr", "true", "wc", "setpriv", "yes"),
)
_FOLDERS = ("/usr/share/zoneinfo", "/usr/lib/locale")
_LINKS = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64"}
_USERS = f"root:x:0:0::/root:/bin/sh\npostgres:x:{UID}:{UID}::/var/lib/postgresql:/bin/sh\n"
_GROUPS = f"root:x:0:\npostgres:x:{UID}:\n"
_DROP = f"setpriv --reuid={UID} --regid={UID} --clear-groups"
_POSTGRES = f"""#!/bin/sh
# As the official image does it: the first start makes the cluster, with $POSTGRES_PASSWORD.
set -e
data=/var/lib/postgresql/data
if [ ! -s $data/PG_VERSION ]; then
  mkdir -p $data && chmod 700 $data && chown {UID}:{UID} /var/lib/postgresql $data /var/run/postgresql
  printf %s "$POSTGRES_PASSWORD" >/tmp/password
  {_DROP} initdb -D $data -U "$POSTGRES_USER" --pwfile=/tmp/password -A scram-sha-256 --no-sync \\
    --locale=C.UTF-8 -E UTF8
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>$data/pg_hba.conf
  echo 'host replication all all scram-sha-256' >>$data/pg_hba.conf
fi
exec {_DROP} postgres -D $data -c 'listen_addresses=*' -c fsync=off "$@"
"""
_REDIS = f"""#!/bin/sh
# Its data and its settings lie in the volume /data.
set -e
[ -e /data/redis.conf ] || cat >/data/redis.conf <<END
dir /data
bind 0.0.0.0
requirepass $REDIS_PASSWORD
appendonly yes
save ""
END
chown -R {UID}:{UID} /data
exec {_DROP} redis-server /data/redis.conf "$@"
"""
_SCRIPTS = {"usr/local/bin/start-postgres": _POSTGRES, "usr/local/bin/start-redis": _REDIS}


def postgres_programs(major: int) -> str:
    """Folder of a server's programs inside."""
    return f"/usr/lib/postgresql/{major}/bin"


def redis_programs(version: str) -> str:
    """Folder of a server's programs inside."""
    return f"/usr/lib/redis/{version}/bin"


def search_path(*folders: str) -> str:
    """Where programs are looked for inside: in a container with one server, in that one's folder."""
    return ":".join((*folders, "/usr/local/bin", "/usr/bin"))


CHANGES = [f"ENV PATH={search_path(postgres_programs(15), redis_programs('7'))}", "ENV LANG=C.UTF-8"]
"""What `docker import` is told besides the files."""


def write(archive: Path, *, servers: bool) -> None:
    """Write the image's file system as a tar; skips or fails the test where a server is not installed."""
    files = {_place(path): path for path in _tools()}
    if servers:
        for placed in (_shared(), *map(_postgres, POSTGRES), *map(_redis, REDIS)):
            files |= placed
    programs = [path for place, path in files.items() if "/bin/" in place or path.suffix == ".so"]
    files |= {_place_of_library(path): path for path in _needed(programs)}
    with tarfile.open(archive, "w", dereference=True) as tar:
        for link, target in _LINKS.items():
            tar.addfile(_entry(link, type=tarfile.SYMTYPE, linkname=target))
        for folder in ("tmp", "root", "data", "var/run/postgresql", "var/lib/postgresql"):
            tar.addfile(_entry(folder, type=tarfile.DIRTYPE, mode=0o1777 if folder == "tmp" else 0o755))
        for place, path in sorted(files.items()):
            tar.add(path, place, recursive=False)
        for name, text in {**_SCRIPTS, "etc/passwd": _USERS, "etc/group": _GROUPS}.items():
            tar.addfile(_entry(name, size=len(text.encode())), io.BytesIO(text.encode()))


def _postgres(major: int) -> dict[str, Path]:
    """A server with all that it finds beside itself: Debian keeps some of it elsewhere, a wheel does not."""
    programs = postgres_folder(major)
    whole, inside = programs.parent, postgres_programs(major).lstrip("/").removesuffix("/bin")
    # The compiler of queries weighs more than all other modules.
    found = [path for path in (whole / "lib").glob("*.so") if path.name != "llvmjit.so"]
    found += [*programs.iterdir(), *_files(whole / "share")]
    placed = {f"{inside}/{path.relative_to(whole)}": path for path in found}
    return placed | {_place(path): path for path in _files(Path(f"/usr/share/postgresql/{major}"))}


def _redis(version: str) -> dict[str, Path]:
    """A server and its client; its checks run where backups are, not inside."""
    programs, inside = redis_program(version).parent, redis_programs(version).lstrip("/")
    return {f"{inside}/{name}": programs / name for name in ("redis-server", "redis-cli")}


def _needed(files: Iterable[Path]) -> set[Path]:
    """The shared libraries that those need, and the loader."""
    told = subprocess.run(("ldd", *map(str, files)), capture_output=True, text=True, check=False).stdout
    return {Path(path) for path in re.findall(r"(?:=> |^\s+)(/\S+) \(0x", told, re.MULTILINE)}


def _tools() -> Iterator[Path]:
    return (Path(shutil.which(tool) or tool) for tool in _TOOLS)


def _shared() -> dict[str, Path]:
    return {_place(path): path for folder in _FOLDERS for path in _files(Path(folder))}


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _place(path: Path) -> str:
    """Where a file of this machine goes: `/lib` is a link there, as it is here."""
    name = str(path).lstrip("/")
    return name if name.startswith("usr/") else f"usr/{name}"


def _place_of_library(path: Path) -> str:
    """A wheel's own goes where the loader looks."""
    systems = path.parts[1] == "usr" or path.parts[1].startswith("lib")
    return _place(path) if systems else f"usr/lib/{path.name}"


def _entry(name: str, **settings: object) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode = 0o755
    for key, value in settings.items():
        setattr(entry, key, value)
    return entry
