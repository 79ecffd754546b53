"""Seconds from `git clone` to the first prediction in a browser, with pip's cache filled.

The first turn fills the cache and is not counted. A clone has the last commit.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Error, Page, expect

from benchmarks.chromium import chromium
from benchmarks.ports import free_port
from benchmarks.report import machine, quartiles, spread, verdict
from benchmarks.repository import ROOT

TURNS = 3
BAR_SECONDS = 30.0
DEADLINE_SECONDS = 600.0


def seconds_to_prediction(page: Page) -> float:
    """Clone, run, and wait until the page shows a prediction."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "numnet"
        started = time.perf_counter()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        with make_run(clone) as url:
            open_page(page, f"{url}try", started)
            expect(page.locator("#prediction")).not_to_have_text("–")
            return time.perf_counter() - started


@contextlib.contextmanager
def make_run(clone: Path) -> Iterator[str]:
    """Execute `make run` in a clone, and yield the address of the service."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NUMNET_")}
    port = free_port()
    process = subprocess.Popen(
        ["make", "run"],
        cwd=clone,
        env={**kept, "NUMNET_PORT": str(port)},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait()


def open_page(page: Page, url: str, started: float) -> None:
    """Open a page as soon as there is a service that answers."""
    while True:
        try:
            page.goto(url)
        except Error:
            if time.perf_counter() - started > DEADLINE_SECONDS:
                sys.exit(f"no service answered within {DEADLINE_SECONDS:.0f} s")
            time.sleep(0.05)
        else:
            return


def main() -> None:
    print(machine("pip", "numpy", "flask"))
    with chromium() as browser:
        first, *taken = [seconds_to_prediction(browser.new_page()) for _ in range(1 + TURNS)]
    met = quartiles(taken)[1] <= BAR_SECONDS
    print(f"first turn, which fills pip's cache: {first:.1f} s")
    print(
        f"clone to the first prediction in a browser: {spread(taken, '.1f')} s "
        f"(bar ≤ {BAR_SECONDS:.0f} s): {verdict(met)}"
    )
    sys.exit(not met)


if __name__ == "__main__":
    main()
