"""Verbs that can be asked for by themselves, and which of them wait for the gate."""

from msgspec import Struct

from console.core.plan import Authority, Phase


class Verb(Struct, frozen=True):
    """A verb by itself is a plan, of it and what it cannot do without, through the same gate as any other."""

    title: str
    phase: Phase
    limit_s: float
    expected_s: float = 60.0
    needs_backups: bool = True
    needs_cache: bool = False
    needs_env_file: bool = False
    first: tuple[str, ...] = ()
    """Actions of COMPANIONS without which it cannot be done, in their order."""
    then: tuple[str, ...] = ()
    """Those that tidy up behind it."""

    @property
    def alone(self) -> bool:
        """Whether it runs beside an incident, because it touches nothing that users do."""
        return self.phase is Phase.PREPARE

    @property
    def authority(self) -> Authority:
        """What touches users waits for the gate."""
        return Authority.NONE if self.alone else Authority.MATRIX


RESTORE_ROWS = "restore-rows"
UNFREEZE = "unfreeze"
SAVE_ENV = "save-env"
VERBS = {
    "backup": Verb("back up", Phase.PREPARE, limit_s=4 * 3600),
    "base-backup": Verb("base backup", Phase.PREPARE, limit_s=4 * 3600),
    "verify-backup": Verb("verify a backup", Phase.PREPARE, limit_s=4 * 3600),
    UNFREEZE: Verb("unfreeze the CI", Phase.PREPARE, limit_s=300, expected_s=5, needs_backups=False),
    "invalidate-cache": Verb("invalidate cache", Phase.SWITCH, limit_s=600, expected_s=5, needs_cache=True),
    "flush-cache": Verb("flush the cache", Phase.SWITCH, limit_s=600, expected_s=5, needs_cache=True),
    "restore-cache": Verb("restore cache", Phase.SWITCH, limit_s=3600, expected_s=30, needs_cache=True),
    RESTORE_ROWS: Verb(
        "restore rows",
        Phase.SWITCH,
        limit_s=600,
        expected_s=5,
        first=("build-candidate", "show-rows"),
        then=("drop-candidate",),
    ),
    SAVE_ENV: Verb(
        "save env file",
        Phase.PREPARE,
        limit_s=60,
        expected_s=1,
        needs_backups=False,
        needs_env_file=True,
    ),
    "swap-env-back": Verb(
        "env file back",
        Phase.SWITCH,
        limit_s=60,
        expected_s=1,
        needs_backups=False,
        needs_env_file=True,
    ),
    "swap-back": Verb("swap back", Phase.SWITCH, limit_s=600, expected_s=5),
}
"""By the name of the action that does it."""
COMPANIONS = {
    "build-candidate": Verb("build the candidate", Phase.PREPARE, limit_s=4 * 3600, expected_s=120),
    "show-rows": Verb("show the rows", Phase.PREPARE, limit_s=600, expected_s=5),
    "drop-candidate": Verb("drop the candidate", Phase.CLOSE, limit_s=600, expected_s=2),
}
"""What is done around a verb and nobody asks for, by the action's name; a runbook's own line goes first."""
