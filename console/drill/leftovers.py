"""Ends what a keeper that was killed has left behind."""

import os
import signal
from pathlib import Path

import psutil

from console.drill.place import VARIABLE, Place

_PATIENCE_S = 2.0


def end_leftovers(place: Place) -> list[str]:
    """End the processes of this drill that still run, and remove its folders elsewhere.

    To be called by whoever holds the drill's lock. Returns the names of the processes it ended.
    """
    left = _left(place)
    for process in left:
        _tell(process, signal.SIGINT if process.info["name"] == "postgres" else signal.SIGTERM)
    _, stubborn = psutil.wait_procs(left, timeout=_PATIENCE_S)
    for process in stubborn:
        _tell(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=_PATIENCE_S)
    place.clear_outside()
    return [process.info["name"] for process in left]


def _left(place: Place) -> list[psutil.Process]:
    """Processes of this drill, but for ourselves and those that started us."""
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    data = {str(home / "data") for home in (place.postgres, *map(Path, place.noted().outside))}
    return [
        process
        for process in psutil.process_iter(["name", "environ", "cmdline"])
        if process.pid not in spared and _is_of(process, place.root, data)
    ]


def _is_of(process: psutil.Process, root: Path, data: set[str]) -> bool:
    """Whether a process carries the drill's mark or, where that cannot be read, serves its data.

    Root in a container may not read the environment of a server that runs as somebody else.
    """
    if process.info["environ"] is None:
        return not data.isdisjoint(process.info["cmdline"] or ())
    return bool(process.info["environ"].get(VARIABLE) == str(root))


def _tell(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return  # it has ended meanwhile, which is what we want
