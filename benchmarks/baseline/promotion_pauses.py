"""Latency of `/livez` while a large version is promoted and loaded."""

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks.baseline.sides import Side
from benchmarks.cores import LOAD_CORE, on_core
from benchmarks.http_api import Api
from benchmarks.load.steady_rate import send_steadily
from benchmarks.report import Verdicts, spread
from benchmarks.servers.running import Server
from registry import Registry
from trainer.data.synthetic import synthetic_table
from trainer.training.recipe import Recipe
from trainer.training.training import train

LARGE = Recipe(
    layers=(1000, 1000), solver="adam", learning_rate=1e-3, epochs=5, starts=1
)  # 1,007,001 parameters
PROBES_PER_SECOND, PREDICTIONS_PER_SECOND = 200.0, 50.0
WINDOW_SECONDS = 1.5
PROMOTED_AFTER_SECONDS = 0.3
RATIO_BAR, MILLISECONDS_BAR = 1.5, 30.0


def publish_large_versions(sides: Sequence[Side]) -> list[int]:
    """Publish two large versions for each side and return their numbers."""
    trained = train(synthetic_table(400, seed=0), LARGE)
    for side in sides:
        registry = Registry.local(side.folder / "models")
        versions = [
            registry.publish(trained.model, trained.card, trained.golden_inputs).number
            for _ in range(2)
        ]
    return versions


def measure(
    new: Server, old: Server, versions: list[int], promotions: int, verdicts: Verdicts
) -> None:
    """Print the slowest `/livez` with and without promotions."""
    sys.setswitchinterval(0.0005)  # or a thread of this client would wait 5 ms for another
    quiet: dict[Server, list[float]] = {new: [], old: []}
    promoted: dict[Server, list[float]] = {new: [], old: []}
    with on_core(LOAD_CORE):
        for number in range(promotions):
            for server in (new, old):
                quiet[server].append(_slowest(server, lambda: None))
                version = versions[number % 2]
                promoted[server].append(_slowest(server, _promotion(server, version)))
    print("\n### A promotion of 1,000,000 parameters\n")
    print(
        f"slowest GET /livez in ms, of {PROBES_PER_SECOND:g} a second for {WINDOW_SECONDS:g} s, on "
        f"a connection of its own beside {PREDICTIONS_PER_SECOND:g} predictions a second; one "
        f"server process; median [quartiles] of {promotions} windows, and of all of them the "
        "slowest\n"
    )
    print(
        "| | without | slowest | with a promotion | slowest | slowest with ÷ without | bar | |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    for server in (new, old):
        slowest = max(promoted[server])
        ratio = slowest / max(quiet[server])
        bar = "| |"
        if server is new:
            met = ratio <= RATIO_BAR or slowest <= MILLISECONDS_BAR
            bar = f"≤ {RATIO_BAR} or ≤ {MILLISECONDS_BAR:g} ms | {verdicts.note(met)} |"
        print(
            f"| {server.program.name} | {spread(quiet[server], '.1f')} | "
            f"{max(quiet[server]):.1f} | {spread(promoted[server], '.1f')} | {slowest:.1f} | "
            f"{ratio:.1f} | {bar}",
            flush=True,
        )


def _promotion(server: Server, version: int) -> Callable[[], None]:
    def promote() -> None:
        time.sleep(PROMOTED_AFTER_SECONDS)
        Api(server.port).post(f"/models/{version}/promote").raise_for_status()

    return promote


def _slowest(server: Server, action: Callable[[], None]) -> float:
    """Return the slowest `/livez` in ms while the action runs beside predictions."""
    with ThreadPoolExecutor(2) as pool:
        probes = pool.submit(
            send_steadily, server.port, PROBES_PER_SECOND, WINDOW_SECONDS, path="/livez"
        )
        predictions = pool.submit(
            send_steadily,
            server.port,
            PREDICTIONS_PER_SECOND,
            WINDOW_SECONDS,
            path="/predict",
            body=server.program.body,
        )
        action()
        predictions.result()
        return float(probes.result()[:, 1].max())
