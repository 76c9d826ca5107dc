"""What a drill cannot do without, looked for before anything is started."""

import shutil

from console.drill.place import DrillError

_PROGRAMS = {"git": "git", "setpriv": "util-linux", "setsid": "util-linux"}


def check_needs() -> None:
    """DrillError that names the programs that are missing and how to get them."""
    programs = [name for name in _PROGRAMS if shutil.which(name) is None]
    if programs:
        packages = ", ".join(sorted({_PROGRAMS[name] for name in programs}))
        raise DrillError(f"the drill needs the programs {', '.join(programs)}: install {packages}")
