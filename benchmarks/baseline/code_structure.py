"""Size of the HTTP server, files per folder and circles of imports."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.baseline.sides import Side
from benchmarks.report import Verdicts
from benchmarks.repository import ROOT

PACKAGES = ("config", "network", "registry", "trainer", "service")
LINES_BAR, FILES_BAR = 550, 6


def measure(new: Side, old: Side, verdicts: Verdicts) -> None:
    """Print the figures of both sides."""
    print("\n### The code\n")
    print("| | new | old | bar | |\n|---|---|---|---|---|")
    figures = [(_figures(new.root)), (_figures(old.root))]
    bars = (LINES_BAR, FILES_BAR, FILES_BAR, 0)
    for name, bar in zip(figures[0], bars, strict=True):
        ours, theirs = (each[name] for each in figures)
        told = "–" if theirs is None else str(theirs)
        print(f"| {name} | {ours} | {told} | {verdicts.at_most([ours or 0], bar, 'd')} |")


def _figures(root: Path) -> dict[str, int | None]:
    return {
        "lines of Python under `service/server/`, by `wc -l`": _lines(root / "service" / "server"),
        "files directly in `service/`": _files(root / "service"),
        "files directly in `trainer/`": _files(root / "trainer"),
        "circles of imports, by grimp": _circles(root),
    }


def _lines(folder: Path) -> int | None:
    """Return the lines of all Python files, blank ones and comments too."""
    if not folder.is_dir():
        return None
    return sum(path.read_bytes().count(b"\n") for path in folder.rglob("*.py"))


def _files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.iterdir())


def _circles(root: Path) -> int:
    packages = [package for package in PACKAGES if (root / package).is_dir()]
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks/baseline/import_cycles.py", *packages],
        env={**os.environ, "PYTHONPATH": str(root)},
        cwd=root,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return len(done.stdout.splitlines())
