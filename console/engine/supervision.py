"""Whether a service manager started this process, and would start it again."""

from collections.abc import Mapping

EXEC_PID, INVOCATION, NOTIFY = "SYSTEMD_EXEC_PID", "INVOCATION_ID", "NOTIFY_SOCKET"


def supervised(environ: Mapping[str, str], pid: int) -> bool:
    """By what systemd leaves in the environment of process `pid`.

    Children inherit that: a terminal of a desktop session has it too, and so has an engine that a console
    started there. Since version 248 systemd also says which process it meant, and then that one alone counts.
    """
    if meant := environ.get(EXEC_PID):
        return meant == str(pid)
    return INVOCATION in environ or NOTIFY in environ
