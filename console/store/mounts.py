"""Which kind of file system a path lies on: on a network one a journal would be torn sooner or later."""

import re
from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")
NETWORK = frozenset(
    {
        "9p", "afs", "beegfs", "ceph", "ceph-fuse", "cephfs", "cifs", "coda", "curlftpfs", "davfs", "davfs2",
        "gcsfuse", "gfs2", "glusterfs", "gpfs", "lustre", "mfs", "moosefs", "ncpfs", "nfs", "nfs4", "ocfs2",
        "orangefs", "rclone", "s3fs", "seaweedfs", "smb3", "smbfs", "sshfs",
    }
)  # fmt: skip
"""Kinds whose locks and shared memory do not reach every machine that has them mounted."""


def filesystem(path: Path, mountinfo: str) -> str:
    """Kind of the file system that holds `path` (absolute, resolved), by the text of /proc/self/mountinfo."""
    best, kind = -1, ""
    for line in mountinfo.splitlines():
        mount, _, source = line.partition(" - ")
        point = Path(_unescaped(mount.split(" ")[4]))
        # A later mount at the same place hides the earlier one, hence >=.
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), source.split(" ")[0]
    return kind


def network_filesystem(path: Path) -> str | None:
    """Kind of the network file system that holds `path`; None where it is a local one."""
    kind = filesystem(path.resolve(), MOUNTINFO.read_text(errors="surrogateescape"))
    return kind if kind.removeprefix("fuse.") in NETWORK else None


def _unescaped(point: str) -> str:
    """A mount point as it is: mountinfo writes blanks and backslashes as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), point)
