"""An image with PostgreSQL 15 and Redis 7, made of this machine's own files in a few seconds."""

import io
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.servers import postgres_folder, redis_program

MAJOR = 15
UID = 999
"""Of both servers inside."""
_TOOLS = (
    *("sh", "cat", "chmod", "chown", "cp", "date", "dd", "dirname", "env", "false", "find", "grep", "head"),
    *("id", "ln", "ls", "mkdir", "mv", "printf", "rm", "sed", "seq", "sha256sum", "sleep", "sort", "stat"),
    *("sync", "tail", "tee", "touch", "tr", "true", "wc", "setpriv", "yes"),
)
_FOLDERS = ("usr/share/zoneinfo", "usr/lib/locale", f"usr/share/postgresql/{MAJOR}")
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
CHANGES = [f"ENV PATH=/usr/lib/postgresql/{MAJOR}/bin:/usr/local/bin:/usr/bin", "ENV LANG=C.UTF-8"]
"""What `docker import` is told besides the files."""


def write(archive: Path) -> None:
    """Write the image's file system as a tar; skips or fails the test where a server is not installed."""
    programs = postgres_folder(MAJOR)
    redis = redis_program("7").parent
    files = {*programs.iterdir(), *_libraries_of_postgres(programs.parent / "lib")}
    files |= {redis / name for name in ("redis-server", "redis-cli", "redis-check-rdb", "redis-check-aof")}
    files |= {Path(shutil.which(tool) or tool) for tool in _TOOLS}
    with tarfile.open(archive, "w", dereference=True) as tar:
        for link, target in _LINKS.items():
            tar.addfile(_entry(link, type=tarfile.SYMTYPE, linkname=target))
        for folder in ("tmp", "root", "data", "var/run/postgresql", "var/lib/postgresql"):
            tar.addfile(_entry(folder, type=tarfile.DIRTYPE, mode=0o1777 if folder == "tmp" else 0o755))
        for path in sorted(files | _needed(files) | set(_shared())):
            tar.add(path, _place(path), recursive=False)
        for name, text in {**_SCRIPTS, "etc/passwd": _USERS, "etc/group": _GROUPS}.items():
            tar.addfile(_entry(name, size=len(text.encode())), io.BytesIO(text.encode()))


def _libraries_of_postgres(folder: Path) -> Iterator[Path]:
    """The server's own modules; not the compiler of queries, which weighs more than all others."""
    return (path for path in folder.glob("*.so") if path.name != "llvmjit.so")


def _needed(files: Iterable[Path]) -> set[Path]:
    """The shared libraries that those need, and the loader."""
    told = subprocess.run(("ldd", *map(str, files)), capture_output=True, text=True, check=False).stdout
    return {Path(path) for path in re.findall(r"(?:=> |^\s+)(/\S+) \(0x", told, re.MULTILINE)}


def _shared() -> Iterator[Path]:
    return (path for folder in _FOLDERS for path in (Path("/") / folder).rglob("*") if path.is_file())


def _place(path: Path) -> str:
    """Where a file of this machine goes: `/lib` is a link there, as it is here."""
    name = str(path).lstrip("/")
    return name if name.startswith("usr/") else f"usr/{name}"


def _entry(name: str, **settings: object) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode = 0o755
    for key, value in settings.items():
        setattr(entry, key, value)
    return entry
