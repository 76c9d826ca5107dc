"""The keys of a rehearsal: everybody in its roster has one, in a folder of the drill."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from console.drill.place import DrillError


class Keyring:
    """Key pairs by handle."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the drill's."""
        self._folder = folder / "keys"

    def private(self, handle: str) -> Path:
        """The file that they sign with."""
        return self._folder / handle

    def public(self, handle: str) -> str:
        """Their line in the roster."""
        return self.private(handle).with_suffix(".pub").read_text().strip()

    def make(self, handles: Iterable[str]) -> None:
        """A key for each who has none yet; DrillError when ssh-keygen makes none."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        for handle in handles:
            if not self.private(handle).exists():
                self._make(handle)

    def _make(self, handle: str) -> None:
        path = str(self.private(handle))
        words = ("-q", "-t", "ed25519", "-N", "", "-C", f"{handle} in a drill", "-f", path)
        try:
            made = subprocess.run(("ssh-keygen", *words), capture_output=True, text=True, check=False)
        except OSError as error:
            raise DrillError(f"cannot run ssh-keygen: {error.strerror}; install openssh-client") from error
        if made.returncode:
            raise DrillError(f"ssh-keygen makes no key for {handle}: {made.stderr.strip()}")
