"""Files without a path, which a process shares with the processes that it forks."""

import os
import sys
import tempfile
import weakref


def anonymous_file(owner: object, name: str) -> int:
    """Return the descriptor of an empty file, which is closed when its owner is deleted.

    Parameters
    ----------
    name : for listings of open files
    """
    if sys.platform == "linux":
        file = os.memfd_create(name)
    else:
        with tempfile.TemporaryFile() as temporary:
            file = os.dup(temporary.fileno())
    weakref.finalize(owner, os.close, file)
    return file
