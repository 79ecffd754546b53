"""How many processors this process may use."""

import math
import os
from contextlib import suppress
from pathlib import Path


def available_processors(control_groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Count the processors of the machine that this process, or its container, may use."""
    has_affinity = hasattr(os, "sched_getaffinity")
    processors = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    quota = _quota(control_groups)
    return processors if quota >= processors else max(1, math.ceil(quota))


def _quota(control_groups: Path) -> float:
    """Return the processors that control groups, version 2 or 1, allow; infinite if unlimited."""
    for quota_file, period_file in (
        ("cpu.max", "cpu.max"),
        ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"),
    ):
        with suppress(OSError, ValueError):  # no such file, or "max" in place of a number
            quota = int((control_groups / quota_file).read_text().split()[0])
            period = int((control_groups / period_file).read_text().split()[-1])
            return quota / period if quota > 0 else math.inf
    return math.inf
