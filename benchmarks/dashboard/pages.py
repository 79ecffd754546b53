"""The dashboard in a browser: bytes over the wire, first paint, and what an open page costs."""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from benchmarks.chromium import chromium
from benchmarks.report import Verdicts, machine, spread
from benchmarks.servers.programs import NUMNET
from benchmarks.servers.running import Server, running, train

PAGES = {
    "Now": "/",
    "Try it": "/try",
    "Versions": "/versions",
    "one version": "/versions/1",
    "Retraining": "/retraining",
}
PAINTS = 11
OPEN_SECONDS = 60.0
MAX_KILOBYTES, MAX_PAINT_MS, MAX_CORE_PERCENT = 150, 300, 1.0


def _context(browser: Browser, server: Server) -> BrowserContext:
    return browser.new_context(base_url=f"http://127.0.0.1:{server.port}")


def _load(page: Page, path: str) -> float:
    """Open a page with everything that it asks for, and return the kilobytes over the wire."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    received: list[float] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    answer = page.goto(path, wait_until="networkidle")
    if answer is None or not answer.ok:
        sys.exit(f"{path} answered {answer and answer.status}")
    session.detach()
    return sum(received) / 1e3


def _kilobytes(browser: Browser, server: Server) -> dict[str, float]:
    """Return what each page takes with an empty cache, and all pages one after the other."""
    found = {}
    for name, path in PAGES.items():
        with _context(browser, server) as context:
            found[name] = _load(context.new_page(), path)
    with _context(browser, server) as context:
        page = context.new_page()
        found["all pages, one after the other"] = sum(_load(page, each) for each in PAGES.values())
    return found


def _first_paint(browser: Browser, server: Server, path: str) -> list[float]:
    """Return the milliseconds until the first contentful paint, each time with an empty cache."""
    found = []
    for _ in range(1 + PAINTS):  # the first one warms up browser and service
        with _context(browser, server) as context:
            page = context.new_page()
            page.goto(path, wait_until="load")
            found.append(
                page.evaluate(
                    """() => new Promise(resolve => new PerformanceObserver(list => {
                      for (const entry of list.getEntries())
                        if (entry.name === "first-contentful-paint") resolve(entry.startTime);
                    }).observe({type: "paint", buffered: true}))"""
                )
            )
    return found[1:]


def _core_percent(server: Server) -> float:
    """Return the processor time that the service takes, as a percentage of a core."""
    before, begun = server.processor_seconds(), time.monotonic()
    time.sleep(OPEN_SECONDS)
    return 100 * (server.processor_seconds() - before) / (time.monotonic() - begun)


def _lines(browser: Browser, server: Server, verdicts: Verdicts) -> Iterator[tuple[str, str, str]]:
    """Yield what was measured, its figure, and the cells of its bar."""
    for name, size in _kilobytes(browser, server).items():
        yield f"kilobytes: {name}", f"{size:.0f}", verdicts.at_most([size], MAX_KILOBYTES)
    for name, path in PAGES.items():
        paints = _first_paint(browser, server, path)
        what = f"first contentful paint on loopback, ms: {name}"
        yield what, spread(paints, ".0f"), verdicts.at_most(paints, MAX_PAINT_MS)
    idle = _core_percent(server)
    yield "processor time without a page, % of a core", f"{idle:.2f}", " | "
    with _context(browser, server) as context:
        _load(context.new_page(), PAGES["Now"])
        cost = _core_percent(server) - idle
    what = "what an open page adds, % of a core"
    yield what, f"{cost:.2f}", verdicts.at_most([cost], MAX_CORE_PERCENT)


def main() -> None:
    print(machine("flask", "playwright"))
    verdicts = Verdicts()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        train(Path(folder))
        print("\n| | | bar | |\n|---|---|---|---|")
        with running(NUMNET, Path(folder)) as server:
            for what, figure, cells in _lines(browser, server, verdicts):
                print(f"| {what} | {figure} | {cells} |", flush=True)
    sys.exit(verdicts.missed)


if __name__ == "__main__":
    main()
