"""`make pictures`: the README's pictures, from a running installation.

The installation has the example task as version 1 of the default model, and the README's plant as a
model of its own.
"""

import math
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect

from benchmarks.chromium import chromium
from benchmarks.http_api import TOKEN
from benchmarks.installation import Installation, Service
from benchmarks.repository import ROOT
from pictures.animation import animation
from pictures.recording import Recording, shortened

FOLDER = ROOT / "docs" / "pictures"
COLUMNS, LINES = 96, 28
WIDTH, HEIGHT = 1200, 760
LONGEST_SECONDS = 2.5
COMMANDS = (
    "numnet status",
    "numnet predict x1=0.1 x2=0.2 x3=0.3 x4=0.4 --interval 0.9",
    "numnet train plant.csv --target yield --model plant",
    "numnet predict temperature=190 pressure=2 --model plant --interval 0.9",
    "numnet show 1 --plot --model plant",
    "numnet export 1 c --model plant -o plant.c",
)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Installation(Path(folder)) as installation:
        first = [sys.executable, str(ROOT / "trainer" / "train.py"), "--target-mse", "1e-8"]
        subprocess.run(first, check=True, env=installation.environment(), capture_output=True)
        service = installation.start_service()
        installation.start_trainer()
        record_terminal(installation, service)
        with chromium() as browser:
            photograph(browser, service)


def record_terminal(installation: Installation, service: Service) -> None:
    """Record the commands in a shell that finds `numnet` and the service."""
    make_plant(installation.folder / "plant.csv")
    environment = installation.environment(
        NUMNET_URL=service.url,
        NUMNET_TOKEN=TOKEN,
        PATH=f"{Path(sys.executable).parent}:{os.defpath}",
    )
    with Recording(installation.folder, environment, columns=COLUMNS, lines=LINES) as recording:
        for command in COMMANDS:
            recording.run(command, pause=2.5)
        frames = shortened(recording.frames(), LONGEST_SECONDS)
    title = "The numnet command: predict, train on a table, compare, take a model away"
    (FOLDER / "terminal.svg").write_text(animation(frames, COLUMNS, LINES, title))


def make_plant(path: Path) -> None:
    """Write the README's table: the yield of a plant, with noise."""
    rng = random.Random(1)
    with path.open("w") as file:
        print("temperature,pressure,yield", file=file)
        for _ in range(500):
            temperature, pressure = rng.uniform(150, 250), rng.uniform(1, 5)
            truth = 60 + 15 * math.log(pressure) - (temperature - 200) ** 2 / 100
            print(f"{temperature:.1f},{pressure:.2f},{rng.gauss(truth, 1):.2f}", file=file)


def photograph(browser: Browser, service: Service) -> None:
    """Take a picture of the page where a model can be tried."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=1.5)
    page.goto(f"{service.url}/try?model=plant#x.temperature=190&x.pressure=2")
    expect(page.locator("#prediction")).not_to_have_text("–")
    page.wait_for_timeout(1000)  # until the curves are drawn
    page.screenshot(path=FOLDER / "dashboard.png")
    page.close()


if __name__ == "__main__":
    main()
