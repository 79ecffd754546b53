"""The memory of processes, on systems with /proc."""

import os
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(process: int) -> int:
    """Return a process's memory, including what it shares with others.

    Raises
    ------
    OSError
        there is no such process, or no /proc.

    Source: proc_pid_statm(5), resident.
    """
    return _PAGE_BYTES * int(Path(f"/proc/{process}/statm").read_text().split()[1])


def proportional_bytes(process: int) -> int:
    """Return a process's memory, with its proportion of what it shares.

    Raises
    ------
    OSError
        there is no such process, or no /proc.

    Source: proc_pid_smaps(5), Pss.
    """
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return 1024 * int(line.split()[1])
    raise ProcessLookupError(process)
