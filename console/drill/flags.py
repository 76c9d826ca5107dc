"""The flags of the drill's service, switched by `python -m console.drill.flags FILE NAME [on|off]`.

Without a word it is a probe: exit code 0 when the flag is off, 1 when it is on, 2 when nobody can tell.
"""

import sys
from pathlib import Path

import msgspec

from console.drill.place import write_atomically

OFF, ON, UNKNOWN = 0, 1, 2


def write(path: Path, flags: dict[str, bool]) -> None:
    """Have these flags, and no others."""
    write_atomically(path, "".join(f"{name} = {str(on).lower()}\n" for name, on in flags.items()).encode())


def read(path: Path) -> dict[str, bool]:
    """The flags of that file; OSError or DecodeError where it holds none."""
    return msgspec.toml.decode(path.read_bytes(), type=dict[str, bool])


def main() -> None:
    """Switch one, or say how it is."""
    path, name, *word = Path(sys.argv[1]), *sys.argv[2:]
    try:
        flags = read(path)
        if word:
            write(path, {**flags, name: word == ["on"]})
            flags = read(path)
    except (OSError, msgspec.DecodeError) as error:
        sys.stdout.write(f"the flags cannot be read: {error}\n")
        sys.exit(UNKNOWN)
    sys.stdout.write(f"{name} is {'on' if flags.get(name) else 'off'}\n")
    sys.exit(OFF if word or not flags.get(name) else ON)


if __name__ == "__main__":
    main()
