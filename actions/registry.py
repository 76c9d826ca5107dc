"""The verbs that a runbook may name, and the class that does each."""

from actions.action import Action
from actions.deploy import Deploy
from actions.fetch import Fetch
from actions.integrate import Integrate
from actions.prove_health import ProveHealth
from actions.push_branch import PushBranch
from actions.restore_tree import RestoreTree
from actions.rows import CompareRows, CountRows
from actions.run_command import RunCommand
from actions.tidy import Tidy

ACTIONS: dict[str, type[Action]] = {
    "compare-rows": CompareRows,
    "count-rows": CountRows,
    "deploy": Deploy,
    "fetch": Fetch,
    "integrate": Integrate,
    "prove-health": ProveHealth,
    "push-branch": PushBranch,
    "restore-tree": RestoreTree,
    "run-command": RunCommand,
    "tidy": Tidy,
}
