"""Which file system a path lies on, by the text that the kernel gives."""

from pathlib import Path

import pytest

from console.store.mounts import NETWORK, filesystem

MOUNTINFO = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:40 / /home rw,relatime shared:2 - nfs4 server:/home rw,vers=4.2
24 23 8:2 / /home/local rw - xfs /dev/sdb1 rw
25 22 0:41 / /mnt/with\040blank rw master:3 - cifs //server/share rw
26 22 8:3 / /srv rw - ext4 /dev/sdc1 rw
27 22 0:42 / /srv rw - fuse.sshfs host:/srv rw
28 22 8:4 / /homes rw - btrfs /dev/sdd1 rw
""".strip()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/x", "ext4"),
        ("/home/someone/.local", "nfs4"),
        ("/home", "nfs4"),
        ("/home/local/x", "xfs"),
        ("/mnt/with blank/x", "cifs"),
        ("/srv/x", "fuse.sshfs"),
        ("/homes/x", "btrfs"),
    ],
)
def test_the_innermost_and_latest_mount_counts(path: str, kind: str) -> None:
    """Not the first that matches, not a name that only begins alike, not one that is hidden."""
    assert filesystem(Path(path), MOUNTINFO) == kind


def test_local_kinds_are_no_network() -> None:
    """What people have their home on."""
    assert NETWORK.isdisjoint({"ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "f2fs", "bcachefs", "fuse"})
