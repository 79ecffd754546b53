"""Whether a folder is on a local file system."""

from pathlib import Path

# On others (nfs, cifs, fuse, 9p, ceph, …) a system call may wait for a network.
LOCAL_TYPES = frozenset(
    {"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "ramfs", "tmpfs", "xfs", "zfs"}
)


def is_local(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> bool:
    """Return whether a system call for a file in the folder does not wait for a network.

    The answer is True on systems without `/proc/self/mountinfo`.

    Source: proc_pid_mountinfo(5).
    """
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return True
    path = folder.resolve()
    found = Path(), ""
    for line in lines:
        before, _, after = line.partition(" - ")
        mount_point = Path(_unescaped(before.split(" ")[4]))
        if path.is_relative_to(mount_point) and len(mount_point.parts) >= len(found[0].parts):
            found = mount_point, after.split(" ")[0]  # of two on one mount point the last counts
    return found[1] in LOCAL_TYPES


def _unescaped(text: str) -> str:
    """Return a mount point without octal escapes, as for a space."""
    for octal in ("040", "011", "012", "134"):
        text = text.replace(f"\\{octal}", chr(int(octal, 8)))
    return text
