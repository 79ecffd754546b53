"""What every benchmark prints: the machine, and medians with their spread."""

import os
import platform
import statistics
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path


def machine(*packages: str) -> str:
    """One line on what it ran on, and the versions of the packages named."""
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0].partition(":")[2].strip() if names else platform.processor()
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}"
    )


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """The median, and the quartiles in brackets."""
    low, middle, high = quartiles(values)
    return f"{middle:{form}} [{low:{form}}, {high:{form}}]"


def verdict(met: bool) -> str:
    """How a bar's line ends."""
    return "met" if met else "MISSED"
