"""Memory and processor time of a process and all its descendants, from /proc."""

import os
from collections.abc import Iterator
from pathlib import Path


def megabytes(process: int) -> float:
    """Return the proportional set size (PSS): a page that n processes share counts 1/n to each."""
    return sum(map(_pss_bytes, _tree(process))) / 1e6


def peak_megabytes(process: int) -> float:
    """Return the peak resident set size of the process alone, since its program was started."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1e6


def processor_seconds(process: int) -> float:
    """Return the user and system time that the processes have used so far."""
    return sum(map(_processor_seconds, _tree(process)))


def _tree(process: int) -> Iterator[int]:
    yield process
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    for child in children:
        yield from _tree(int(child))


def _pss_bytes(process: int) -> int:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _processor_seconds(process: int) -> float:
    """Source: proc_pid_stat(5), fields 14 and 15, utime and stime."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
