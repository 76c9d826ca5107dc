"""How a scratch server is set up so that it recovers to a moment, and what its log says of that."""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from console.targets.postgres.scratch import PORT, Home

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEAST = {
    "max_connections setting": "max_connections",
    "max_worker_processes setting": "max_worker_processes",
    "max_wal_senders setting": "max_wal_senders",
    "max_prepared_xacts setting": "max_prepared_transactions",
    "max_locks_per_xact setting": "max_locks_per_transaction",
}
"""What a server that answers while it recovers must not have less of, by pg_controldata's names for it."""
LEAST = tuple(_LEAST.values())

_OURS = {
    # Nothing of the original's configuration is read: its files, addresses, libraries and sizes are its own.
    "listen_addresses": "",
    "port": str(PORT),
    "shared_buffers": "128MB",
    "dynamic_shared_memory_type": "mmap",
    "hot_standby": "on",
    # It writes into no archive, follows nobody, and pulls nothing from where the original subscribes to.
    "archive_mode": "off",
    "max_logical_replication_workers": "0",
    "recovery_target_inclusive": "off",
    "recovery_target_action": "promote",
    "recovery_target_timeline": "latest",
    # It is thrown away, and must only be read.
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    # The log is read below.
    "lc_messages": "C",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_line_prefix": "",
    "log_min_messages": "warning",
    "log_timezone": "UTC",
}
_TRUST = "local all all trust\n"
"""Whoever can enter the socket's folder, which is the server's user alone (and root)."""


def configuration(
    home: Home, target: int, restore_command: str, least: Mapping[str, int], *, name: str
) -> dict[Path, str]:
    """The files that a server at `home` needs to recover to `target`, with their contents."""
    hba = home.path / "pg_hba.conf"
    settings = {
        **_OURS,
        **{setting: str(number) for setting, number in least.items()},
        "cluster_name": name,
        "hba_file": str(hba),
        "unix_socket_directories": str(home.socket),
        "restore_command": restore_command,
        "recovery_target_time": _timestamp(target),
    }
    lines = (f"{setting} = {_quoted(value)}\n" for setting, value in settings.items())
    return {
        home.path / "postgresql.conf": "".join(lines),
        hba: _TRUST,
        home.data / "postgresql.auto.conf": "",  # the original's, which would be read last
        home.data / "recovery.signal": "",
    }


def least(control: str, live: Mapping[str, int]) -> dict[str, int]:
    """The settings that must be no less than in the base (by pg_controldata), and now on the live server."""
    found = {}
    for line in control.splitlines():
        name, _, value = line.partition(":")
        if setting := _LEAST.get(name.strip()):
            found[setting] = max(int(value), live.get(setting, 0))
    return found


class RecoveryLog:
    """Hears the server's log: whether it stopped at the target, why it gave up, when it is ready."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        """Set when it is a server like any other."""
        self.stopped: int | None = None
        """Time of the commit or abort that it stopped before, UTC microseconds; None while it has not."""
        self.segment = ""
        """The WAL file that was fetched last."""
        self.fatal = ""
        """What it ended with."""
        self.insufficient = ""
        """Why it waits for ever."""
        self.fault = ""
        """What is wrong with the last WAL that was read."""

    def hear(self, line: str) -> None:
        """One line of it."""
        if stopped := _STOPPED.search(line):
            self.stopped = (datetime.fromisoformat(stopped[1]) - _EPOCH) // timedelta(microseconds=1)
        elif restored := _RESTORED.search(line):
            self.segment, self.fault = restored[1], ""
        elif _FAULT.search(line):
            self.fault = line.partition(":")[2].strip()
        elif "database system is ready to accept connections" in line:
            self.ready.set()
        elif _INSUFFICIENT in line:
            self.insufficient = line.partition(":")[2].strip()
        elif line.startswith(("FATAL:", "PANIC:")) and not _NOT_YET.search(line):
            self.fatal = line.partition(":")[2].strip()


_STOPPED = re.compile(r"recovery stopping before \w+ of(?: \w+)? transaction \d+, time (.+)")
_RESTORED = re.compile(r'restored log file "(\w+)" from archive')
_FAULT = re.compile(r"^LOG: .*\b(?:record|contrecord|page|address|magic number)\b.* [0-9A-F]+/[0-9A-F]+")
_NOT_YET = re.compile(r"the database system is (?:starting up|not yet accepting|shutting down)")
"""What it says to us who ask how far it is."""
_INSUFFICIENT = "hot standby is not possible because of insufficient parameter settings"


def _timestamp(utc_us: int) -> str:
    seconds, rest = divmod(utc_us, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest:06}+00"


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
