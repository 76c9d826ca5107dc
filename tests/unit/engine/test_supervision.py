"""Who would start the engine again: told by what systemd leaves in its environment."""

import pytest

from console.engine.supervision import supervised


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({}, False),
        ({"INVOCATION_ID": "d3adbeef", "SYSTEMD_EXEC_PID": "41"}, True),
        ({"INVOCATION_ID": "d3adbeef", "SYSTEMD_EXEC_PID": "40"}, False),
        ({"NOTIFY_SOCKET": "/run/systemd/notify", "SYSTEMD_EXEC_PID": "40"}, False),
        ({"INVOCATION_ID": "d3adbeef"}, True),
        ({"NOTIFY_SOCKET": "/run/systemd/notify"}, True),
        ({"HOME": "/", "PATH": "/bin"}, False),
    ],
)
def test_only_the_process_that_systemd_started_counts(environ: dict[str, str], *, told: bool) -> None:
    """A terminal in a desktop session inherits what systemd told the desktop; older ones name no process."""
    assert supervised(environ, 41) is told
