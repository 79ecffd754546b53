"""The command `numnet predict`: one row beside two imports, and a million rows of CSV."""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cores import LOAD_CORE, on_core
from benchmarks.process_usage import peak_megabytes, processor_seconds
from benchmarks.report import Verdicts, machine, spread
from benchmarks.repository import ROOT
from benchmarks.servers.programs import NUMNET
from benchmarks.servers.running import Server, running, train

TURNS, TABLE_TURNS, ROWS = 15, 5, 1_000_000
IMPORTS = ("-c", "import click, requests")
COMMAND = ("-c", "from numnet.command import main; main()")
ROW = ("x1=0.1", "x2=0.2", "x3=0.3", "x4=0.4")


@dataclass(frozen=True)
class Used:
    """What a process used."""

    seconds: float
    processor_seconds: float
    peak_megabytes: float


def run(server: Server, *arguments: str) -> Used:
    """Run Python on the core of the load, to its end."""
    url = f"http://127.0.0.1:{server.port}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "client"), "NUMNET_URL": url}
    with on_core(LOAD_CORE):
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{arguments} ended with {process.returncode}")
    used = usage.ru_utime + usage.ru_stime
    return Used(seconds, used, usage.ru_maxrss * 1024 / 1e6)


def write_table(path: Path, digits: int) -> None:
    """Write rows with numbers of so many decimals."""
    draw = random.Random(0).uniform
    with path.open("w") as file:
        file.write("x1,x2,x3,x4\n")
        for _ in range(ROWS):
            file.write(",".join(f"{draw(-1.0, 1.0):.{digits}f}" for _ in range(4)) + "\n")


def one_row(server: Server, verdicts: Verdicts) -> Iterator[str]:
    """Yield the lines of the table about one row."""
    pairs = [(run(server, *IMPORTS), run(server, *COMMAND, "predict", *ROW)) for _ in range(TURNS)]
    for title, place in (("`import click, requests`", 0), ("`numnet predict x1=… x2=…`", 1)):
        values = [1000 * pair[place].processor_seconds for pair in pairs]
        yield f"| {title}, processor time, ms | {spread(values, '.0f')} | | |"
    ratios = [command.processor_seconds / imports.processor_seconds for imports, command in pairs]
    yield f"| ratio within a turn | {spread(ratios)} | {verdicts.at_most(ratios, 1.3)} |"


def many_rows(
    server: Server, folder: Path, digits: int, verdicts: Verdicts, *, barred: bool
) -> Iterator[str]:
    """Yield the lines of the table about a million rows."""
    table, title = folder / "rows.csv", f"{ROWS:,} rows of CSV, {digits} decimals"
    write_table(table, digits)
    arguments = (*COMMAND, "predict", str(table), "-o", str(folder / "out.csv"))
    runs, served = list[Used](), list[float]()
    for _ in range(TABLE_TURNS):
        before = processor_seconds(server.process.pid)
        runs.append(run(server, *arguments))
        served.append(ROWS / (processor_seconds(server.process.pid) - before))
    rates = [ROWS / each.seconds for each in runs]
    own = [ROWS / each.processor_seconds for each in runs]
    peaks = [each.peak_megabytes for each in runs]
    bar = 150_000.0 if barred else None
    yield f"| {title}: rows/s | {spread(rates, ',.0f')} | {verdicts.at_least(rates, bar, ',.0f')} |"
    yield f"| rows per second of processor time, service | {spread(served, ',.0f')} | | |"
    yield f"| rows per second of processor time, command | {spread(own, ',.0f')} | | |"
    most = verdicts.at_most(peaks, 150)
    yield f"| peak memory of the command, MB | {spread(peaks, '.0f')} | {most} |"


def main() -> None:
    print(machine("click", "requests", "gunicorn", "numpy"))
    print(f"\n{TURNS} turns for one row, {TABLE_TURNS} for a table\n")
    print("| | | bar | |\n|---|---|---|---|")
    verdicts = Verdicts()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train(folder)
        with running(NUMNET, folder) as server:
            for line in one_row(server, verdicts):
                print(line, flush=True)
            for digits, barred in ((6, True), (16, False)):
                for line in many_rows(server, folder, digits, verdicts, barred=barred):
                    print(line, flush=True)
            children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
            peak = [peak_megabytes(int(each)) for each in children.read_text().split()]
            print(
                f"| peak memory of the service's process, MB | {max(peak):.0f} "
                f"| {verdicts.at_most(peak, 150)} |"
            )
    sys.exit(verdicts.missed > 0)


if __name__ == "__main__":
    main()
