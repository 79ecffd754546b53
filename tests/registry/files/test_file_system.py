"""Local file systems are told from those behind a network."""

import sys
from pathlib import Path

import pytest

from registry.files.file_system import is_local

MOUNTS = r"""
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
30 22 0:40 / /srv/models rw,relatime shared:5 - nfs4 server:/models rw
31 30 0:41 / /srv/models/cache rw - tmpfs tmpfs rw
32 22 0:42 / /mnt/two\040words rw - fuse.sshfs host: rw
33 22 0:43 / /mnt/twice rw - cifs //host/share rw
34 22 0:44 / /mnt/twice rw - xfs /dev/vdb rw
""".lstrip()


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/", True),
        ("/home/models", True),
        ("/srv/models", False),
        ("/srv/models/numnet", False),
        ("/srv/models2", True),
        ("/srv/models/cache/numnet", True),
        ("/mnt/two words/models", False),
        ("/mnt/twice", True),
        ("/proc/1", False),
    ],
)
def test_the_innermost_mount_decides(folder: str, expected: bool, tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert is_local(Path(folder), mounts) is expected


def test_a_link_is_followed(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    link = tmp_path / "models"
    link.symlink_to("/srv/models/numnet")
    assert is_local(link, mounts) is False


def test_systems_without_mountinfo_count_as_local(tmp_path: Path) -> None:
    assert is_local(tmp_path, tmp_path / "missing") is True


@pytest.mark.skipif(sys.platform != "linux", reason="mountinfo is Linux's")
def test_this_systems_mounts_can_be_read() -> None:
    assert is_local(Path("/proc/self")) is False
