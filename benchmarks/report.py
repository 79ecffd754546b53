"""What every benchmark prints: the machine, medians with quartiles, and bars with verdicts."""

import os
import platform
import statistics
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np


def machine(*packages: str) -> str:
    """Return one line with the processor, the system and the versions of packages.

    The vector extensions are those that NumPy uses: NPY_DISABLE_CPU_FEATURES may disable some.
    """
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0].partition(":")[2].strip() if names else platform.processor()
    extensions = np.show_config(mode="dicts")["SIMD Extensions"]
    used = [*extensions["baseline"], *extensions["found"]]
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{model} (NumPy uses {' '.join(used)}), {os.cpu_count()} cores, "
        f"{platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}"
    )


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return lower quartile, median and upper quartile."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """Return the median with the quartiles in brackets."""
    low, middle, high = quartiles(values)
    return f"{middle:{form}} [{low:{form}}, {high:{form}}]"


def verdict(met: bool) -> str:
    """Return the last word of a bar's line."""
    return "met" if met else "MISSED"


class Verdicts:
    """Writes each bar's two cells of a table, and counts the bars that are missed."""

    def __init__(self) -> None:
        self.missed = 0

    def at_least(self, values: Sequence[float], bar: float | None, form: str = "g") -> str:
        """Return the bar and the verdict on the median; empty cells when there is no bar."""
        return self._cells("≥", bar, form, bar is None or statistics.median(values) >= bar)

    def at_most(self, values: Sequence[float], bar: float | None, form: str = ".3g") -> str:
        """Return the bar and the verdict on the median; empty cells when there is no bar."""
        return self._cells("≤", bar, form, bar is None or statistics.median(values) <= bar)

    def note(self, met: bool) -> str:
        """Return the verdict on a bar that the caller describes."""
        self.missed += not met
        return verdict(met)

    def _cells(self, relation: str, bar: float | None, form: str, met: bool) -> str:
        return " | " if bar is None else f"{relation} {bar:{form}} | {self.note(met)}"
