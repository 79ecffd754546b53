"""Latency of `/livez` while a large version is promoted and loaded."""

import sys
import time
from collections.abc import Callable
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
PROBES_PER_SECOND, PREDICTIONS_PER_SECOND = 200.0, 10.0
WINDOW_SECONDS = 1.5
PROMOTED_AFTER_SECONDS = 0.3
RATIO_BAR, MILLISECONDS_BAR = 1.5, 30.0


def measure(new: Side, old: Side, promotions: int, verdicts: Verdicts) -> None:
    """Print the slowest `/livez` with and without promotions."""
    versions = _publish_large_versions(new, old)
    sys.setswitchinterval(0.0005)  # otherwise a thread of this client waits 5 ms for another
    with new.server() as ours, old.server() as theirs, on_core(LOAD_CORE):
        quiet: dict[Server, list[float]] = {ours: [], theirs: []}
        promoted: dict[Server, list[float]] = {ours: [], theirs: []}
        for server in (ours, theirs):  # so that all windows have a large version
            _promotion(server, versions[-1])()
        for number in range(promotions):
            for server in (ours, theirs):
                quiet[server].append(_slowest(server, lambda: None))
                promotion = _promotion(server, versions[number % 2])
                promoted[server].append(_slowest(server, promotion))
    print("\n### A promotion of 1,000,000 parameters\n")
    print(
        f"slowest of the GET /livez requests in a window, in ms; {PROBES_PER_SECOND:g} per second "
        f"for {WINDOW_SECONDS:g} s, while another connection sends {PREDICTIONS_PER_SECOND:g} "
        f"predictions per second; one server process; median [quartiles] and maximum of "
        f"{promotions} windows\n"
    )
    print(
        "| | without | slowest | with a promotion | slowest | slowest with ÷ without | bar | |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    for server in (ours, theirs):
        slowest = max(promoted[server])
        ratio = slowest / max(quiet[server])
        bar = " | "
        if server is ours:
            met = ratio <= RATIO_BAR or slowest <= MILLISECONDS_BAR
            bar = f"≤ {RATIO_BAR} or ≤ {MILLISECONDS_BAR:g} ms | {verdicts.note(met)}"
        print(
            f"| {server.program.name} | {spread(quiet[server], '.1f')} | "
            f"{max(quiet[server]):.1f} | {spread(promoted[server], '.1f')} | {slowest:.1f} | "
            f"{ratio:.1f} | {bar} |",
            flush=True,
        )


def _publish_large_versions(*sides: Side) -> list[int]:
    """Publish two large versions on each side and return their numbers, the same on all sides."""
    trained = train(synthetic_table(400, seed=0), LARGE)
    for side in sides:
        registry = Registry.local(side.folder / "models")
        versions = [
            registry.publish(trained.model, trained.card, trained.golden_inputs).number
            for _ in range(2)
        ]
    return versions


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
