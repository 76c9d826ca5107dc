"""The one home of file names: what lies where in an environment's state folder and runtime folder."""

from pathlib import Path

from msgspec import Struct


class Layout(Struct, frozen=True):
    """The files of one environment, below the folder that outlives processes and reboots."""

    state: Path

    @property
    def journal(self) -> Path:
        """The events; SQLite keeps `-wal` and `-shm` beside it."""
        return self.state / "journal.db"

    @property
    def reserve(self) -> Path:
        """Room on the disk that is given up so that a full disk can still be journalled."""
        return self.state / "journal.reserve"

    @property
    def clone(self) -> Path:
        """Our own clone of the service's repository."""
        return self.state / "clone.git"

    @property
    def inbox(self) -> Path:
        """Folder of requests that no engine has answered."""
        return self.state / "inbox"

    @property
    def samples(self) -> Path:
        """Folder of the metrics' rows, a file an hour."""
        return self.state / "samples"

    @property
    def live(self) -> Path:
        """Heartbeat and progress of the engine."""
        return self.state / "live.json"

    @property
    def log(self) -> Path:
        """What an engine has to say that a console has started."""
        return self.state / "engine.log"

    @property
    def lock(self) -> Path:
        """What the engine of the environment holds, and the work that outlives it."""
        return self.state / "engine.lock"

    @property
    def automatic_off(self) -> Path:
        """While it is there, no automatic rollback begins; what it says is told."""
        return self.state / "automatic.off"

    @property
    def output(self) -> Path:
        """Folder of what steps printed."""
        return self.state / "output"

    @property
    def evidence(self) -> Path:
        """Folder of what was measured for a gate."""
        return self.state / "evidence"

    @property
    def worktrees(self) -> Path:
        """Folder of git's working trees."""
        return self.state / "worktrees"

    @property
    def sockets(self) -> Path:
        """The runtime folder where engine and consoles have accounts of their own, and none in common."""
        return self.state / "run"


class Runtime(Struct, frozen=True):
    """The sockets of one environment, below a folder that is gone after a reboot."""

    folder: Path

    @property
    def engine_bell(self) -> Path:
        """What a console rings when it has left a request."""
        return self.folder / "engine.bell"

    @property
    def tmux(self) -> Path:
        """The socket of the tmux in which a team shares one terminal."""
        return self.folder / "tmux"

    @property
    def bells(self) -> Path:
        """Folder of the bells that the engine rings after a commit, one for each reader."""
        return self.folder / "bells"
