"""The verbs that a runbook may name, and the class that does each."""

from actions.action import Action
from actions.backup import Backup
from actions.base_backup import BaseBackup
from actions.build_candidate import BuildCandidate, DropCandidate
from actions.cache import FlushCache, InvalidateCache, ProveCache
from actions.capture import Capture
from actions.deploy import Deploy
from actions.deploy_ready import DeployReady
from actions.drift_lock import DriftLock
from actions.env_file import SaveEnv, SwapEnv, SwapEnvBack
from actions.fetch import Fetch
from actions.freeze import Freeze, Unfreeze
from actions.integrate import Integrate
from actions.loss import FinalReceipt, JudgeLoss, LossReceipt
from actions.mitigate import Mitigate, UndoMitigation
from actions.pass_commit import PassCommit
from actions.prove_health import ProveHealth
from actions.push_branch import PushBranch
from actions.rehearse import Rehearse
from actions.restorable_point import RestorablePoint
from actions.restore_cache import RestoreCache
from actions.restore_rows import RestoreRows, ShowRows
from actions.restore_tree import RestoreTree
from actions.revert_commits import RevertCommits
from actions.rows import CompareRows, CountRows
from actions.run_command import RunCommand
from actions.same_schema import SameSchema
from actions.swap import SwapBack, SwapDatabase
from actions.tidy import Tidy
from actions.verify_backup import VerifyBackup
from actions.writers import StartWriters, StopWriters

ACTIONS: dict[str, type[Action]] = {
    "backup": Backup,
    "base-backup": BaseBackup,
    "build-candidate": BuildCandidate,
    "capture": Capture,
    "compare-rows": CompareRows,
    "count-rows": CountRows,
    "deploy": Deploy,
    "deploy-ready": DeployReady,
    "drop-candidate": DropCandidate,
    "drift-lock": DriftLock,
    "fetch": Fetch,
    "final-receipt": FinalReceipt,
    "flush-cache": FlushCache,
    "freeze": Freeze,
    "integrate": Integrate,
    "invalidate-cache": InvalidateCache,
    "judge-loss": JudgeLoss,
    "loss-receipt": LossReceipt,
    "mitigate": Mitigate,
    "pass-commit": PassCommit,
    "prove-cache": ProveCache,
    "prove-health": ProveHealth,
    "push-branch": PushBranch,
    "rehearse": Rehearse,
    "restorable-point": RestorablePoint,
    "restore-cache": RestoreCache,
    "restore-rows": RestoreRows,
    "restore-tree": RestoreTree,
    "revert-commits": RevertCommits,
    "run-command": RunCommand,
    "same-schema": SameSchema,
    "save-env": SaveEnv,
    "show-rows": ShowRows,
    "start-writers": StartWriters,
    "stop-writers": StopWriters,
    "swap-back": SwapBack,
    "swap-database": SwapDatabase,
    "swap-env": SwapEnv,
    "swap-env-back": SwapEnvBack,
    "tidy": Tidy,
    "undo-mitigation": UndoMitigation,
    "unfreeze": Unfreeze,
    "verify-backup": VerifyBackup,
}
