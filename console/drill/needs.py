"""What a drill cannot do without, looked for before anything is started."""

import shutil
from importlib.util import find_spec

from console.drill.place import DrillError

_MODULES = ("starlette", "uvicorn")
_PROGRAMS = {"git": "git", "setpriv": "util-linux", "setsid": "util-linux"}


def check_needs() -> None:
    """DrillError that names what is missing and how to get it."""
    modules = [name for name in _MODULES if find_spec(name) is None]
    if modules:
        raise DrillError(f"the drill needs {', '.join(modules)}: pip install 'warroom[drill]'")
    programs = [name for name in _PROGRAMS if shutil.which(name) is None]
    if programs:
        packages = ", ".join(sorted({_PROGRAMS[name] for name in programs}))
        raise DrillError(f"the drill needs the programs {', '.join(programs)}: install {packages}")
