"""Predictions per second while a slider of the page Try it is dragged."""

import itertools
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.chromium import chromium
from benchmarks.installation import Installation
from benchmarks.report import machine, verdict
from benchmarks.repository import ROOT

SECONDS = 5.0
BAR_PER_SECOND = 30.0
_COUNT = """
const original = fetch;
window.drag = {shown: 0, inputs: 0, inFlight: 0, most: 0, curves: 0, milliseconds: []};
window.fetch = async (where, options) => {
  if (!String(where).includes("explain=true")) {
    drag.curves += 1;
    return original(where, options);
  }
  drag.inFlight += 1;
  drag.most = Math.max(drag.most, drag.inFlight);
  const start = performance.now();
  try { return await original(where, options); } finally {
    drag.inFlight -= 1;
    drag.milliseconds.push(performance.now() - start);
  }
};
"""
_OBSERVE = """() => {
  const output = document.getElementById("prediction");
  new MutationObserver(() => { drag.shown += 1; }).observe(output, {childList: true});
  document.querySelector(".slider").addEventListener("input", () => { drag.inputs += 1; });
}"""


@dataclass(frozen=True)
class Drag:
    """What happened while a slider was dragged.

    Attributes
    ----------
    inputs : values of the slider
    shown : predictions that were shown
    curves : requests for response curves
    most_in_flight : of requests for a prediction at one time
    milliseconds : of each request for a prediction, ascending
    """

    seconds: float
    inputs: int
    shown: int
    curves: int
    most_in_flight: int
    milliseconds: list[float]

    @property
    def per_second(self) -> float:
        return self.shown / self.seconds


def drag(page: Page, url: str, seconds: float) -> Drag:
    """Open the page Try it and drag its first slider to and fro with the mouse."""
    page.add_init_script(_COUNT)
    page.goto(f"{url}/try")
    page.wait_for_function("() => document.getElementById('prediction').textContent !== '–'")
    box = page.locator(".slider").first.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    left, right = box["x"] + 0.2 * box["width"], box["x"] + 0.8 * box["width"]
    page.mouse.move(left, y)
    page.mouse.down()
    page.evaluate(_OBSERVE)
    page.evaluate("() => Object.assign(drag, {curves: 0, most: 0, milliseconds: []})")
    started = time.perf_counter()
    for x in itertools.cycle((right, left)):
        page.mouse.move(x, y, steps=100)
        if (lasted := time.perf_counter() - started) >= seconds:
            break
    found = page.evaluate("() => drag")
    page.mouse.up()
    times = sorted(found["milliseconds"])
    return Drag(lasted, found["inputs"], found["shown"], found["curves"], found["most"], times)


def report(found: Drag) -> bool:
    """Print what was measured; return whether the bars are met."""
    middle, late = (found.milliseconds[int(p * len(found.milliseconds))] for p in (0.5, 0.99))
    print(
        f"dragging for {found.seconds:.1f} s: {found.inputs} values, {found.shown} predictions, "
        f"{found.curves} requests for curves; a prediction took {middle:.1f} ms, p99 {late:.1f} ms"
    )
    is_fast = found.per_second >= BAR_PER_SECOND
    print(f"{found.per_second:.0f} predictions/s (bar ≥ {BAR_PER_SECOND:.0f}): {verdict(is_fast)}")
    has_no_queue = found.most_in_flight == 1
    print(f"{found.most_in_flight} request at a time (bar 1): {verdict(has_no_queue)}")
    return is_fast and has_no_queue


def main() -> None:
    print(machine("playwright", "numpy"))
    with tempfile.TemporaryDirectory() as folder, Installation(Path(folder)) as installation:
        command = [sys.executable, "trainer/train.py", "--models", str(installation.models)]
        subprocess.run([*command, "--epochs", "50"], cwd=ROOT, check=True, capture_output=True)
        service = installation.start_service()
        with chromium() as browser:
            print(f"chromium {browser.version}")
            is_met = report(drag(browser.new_page(), service.url, SECONDS))
    sys.exit(not is_met)


if __name__ == "__main__":
    main()
