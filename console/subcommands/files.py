"""The files that people write: made to start from."""

from pathlib import Path

from console.config.check import init as write_files


def init(directory: Path = Path()) -> None:
    """Write strategy.yaml and roster.yaml to start from, never over a file.

    Parameters
    ----------
    directory
        Where to; here, if none is named.
    """
    for path in write_files(directory):
        print(f"wrote {path}")
