"""A thousand models behind one port, beside one: throughput, memory, cold models, start, list."""

import dataclasses
import http.client
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.cores import LOAD_CORE
from benchmarks.load import wrk
from benchmarks.report import Verdicts, machine, spread
from benchmarks.servers.programs import NUMNET
from benchmarks.servers.running import Server, running, train
from network import Model
from registry import Models, Version

MODELS = 1_000
TURNS, WARM_UP_SECONDS, SECONDS = 11, 10, 2.0
STARTS, LISTS = 5, 21
CONNECTIONS = 16
PATHS = [f"/models/sensor-{number:04d}/predict" for number in range(MODELS)]


@dataclass
class Seen:
    """What was measured; the lists have an entry for each turn unless stated otherwise.

    Attributes
    ----------
    one, evenly : requests/s of one of 1,000 models, and spread evenly over all
    default_ratio : processor time of a plain row of the default beside 1,000 others ÷ that without
    start_ratio : processor time of a start with 1,000 others ÷ that without others
    cold : milliseconds of the first request to each model
    lists : milliseconds of `GET /models`, again and again; the first is of a new process
    """

    one: list[float] = field(default_factory=list)
    evenly: list[float] = field(default_factory=list)
    default_ratio: list[float] = field(default_factory=list)
    start_ratio: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    lists: list[float] = field(default_factory=list)
    megabytes: float = 0.0

    @property
    def evenly_ratio(self) -> list[float]:
        """Requests/s spread evenly over all models ÷ those of one."""
        return [many / one for one, many in zip(self.one, self.evenly, strict=True)]


def publish_others(folder: Path) -> None:
    """Publish and promote models with the default's architecture, and weights of their own."""
    models = Models.local(folder, "numnet")
    first = models.registry("numnet").load(1)
    rng = np.random.default_rng(0)
    for number in range(MODELS):
        _publish(models, f"sensor-{number:04d}", first, rng)


def _publish(models: Models, name: str, first: Version, rng: np.random.Generator) -> None:
    model = first.model
    if not isinstance(model, Model):
        raise TypeError("the models have to be single networks")
    theta = model.theta * (1.0 + 1e-3 * rng.normal(size=model.theta.shape))
    registry = models.registry(name)
    golden = rng.uniform(-1.0, 1.0, (3, 4))
    changed = dataclasses.replace(model, theta=theta)
    published = registry.publish(changed, first.card, golden, first.calibration)
    registry.promote(published.number, by="a benchmark", reason="first", at=datetime.now(UTC))


def _measure(alone: Path, beside: Path) -> Seen:
    """Measure the services of two installations, one of which has other models."""
    seen = Seen()
    for _ in range(STARTS):
        seconds = [_start_seconds(folder) for folder in (alone, beside)]
        seen.start_ratio.append(seconds[1] / seconds[0])
    with running(NUMNET, beside) as server:
        seen.lists = _milliseconds(server, "GET", ["/models"] * LISTS)
    with running(NUMNET, alone) as few, running(NUMNET, beside) as many:
        order = np.random.default_rng(1).permutation(len(PATHS))
        seen.cold = _milliseconds(many, "POST", [PATHS[each] for each in order])
        wrk.burst(many, CONNECTIONS, WARM_UP_SECONDS, paths=PATHS)
        for _ in range(TURNS):
            seen.one.append(wrk.burst(many, CONNECTIONS, SECONDS, paths=PATHS[:1]).rate)
            seen.evenly.append(wrk.burst(many, CONNECTIONS, SECONDS, paths=PATHS).rate)
            servers = (few, many) if len(seen.default_ratio) % 2 else (many, few)
            cpu = {each.port: wrk.burst(each, CONNECTIONS, SECONDS).cpu for each in servers}
            seen.default_ratio.append(cpu[many.port] / cpu[few.port])
        seen.megabytes = many.megabytes()
    return seen


def _milliseconds(server: Server, method: str, paths: Sequence[str]) -> list[float]:
    """Return how long each request takes, one after the other over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    body = NUMNET.body if method == "POST" else None
    found = [_timed(connection, method, path, body) for path in paths]
    connection.close()
    return found


def _timed(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
) -> float:
    begun = time.perf_counter()
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        sys.exit(f"{path} answered {response.status}: {content[:500]!r}")
    return 1000.0 * (time.perf_counter() - begun)


def _start_seconds(folder: Path) -> float:
    """Return the processor time until a service has answered its first row."""
    with running(NUMNET, folder) as server:
        return server.processor_seconds()


def main() -> None:
    wrk.require("wrk", "taskset")
    os.sched_setaffinity(0, {LOAD_CORE})
    print(machine("gunicorn", "flask", "numpy"))
    verdicts = Verdicts()
    with tempfile.TemporaryDirectory() as parent:
        alone, beside = (Path(parent) / name for name in ("alone", "beside"))
        for folder in (alone, beside):
            folder.mkdir()
            train(folder)
        publish_others(beside / "models")
        seen = _measure(alone, beside)
    print("\n| | | bar | |\n|---|---|---|---|")
    for what, figure, cells in _lines(seen, verdicts):
        print(f"| {what} | {figure} | {cells} |")
    sys.exit(verdicts.missed)


def _lines(seen: Seen, verdicts: Verdicts) -> Iterator[tuple[str, str, str]]:
    """Yield what was measured, its figure, and the cells of its bar."""
    least, most = verdicts.at_least, verdicts.at_most
    p50, p99 = (float(np.percentile(seen.cold, each)) for each in (50, 99))
    rates = seen.one, seen.evenly, seen.evenly_ratio
    yield "requests/s of one model of 1,000", spread(rates[0], ",.0f"), " | "
    yield "requests/s spread evenly over 1,000 models", spread(rates[1], ",.0f"), " | "
    yield "ratio within a turn", spread(rates[2]), least(rates[2], 0.8)
    yield "memory of the service (PSS), MB", f"{seen.megabytes:.0f}", most([seen.megabytes], 250)
    what = "processor time of a plain row of the default model, beside 1,000 others ÷ alone"
    yield what, spread(seen.default_ratio, ".3f"), most(seen.default_ratio, 1.02)
    yield "first request to a cold model, median, ms", f"{p50:.1f}", " | "
    yield "first request to a cold model, p99, ms", f"{p99:.1f}", most([p99], 30)
    what = "processor time of a start with 1,000 models ÷ with one"
    yield what, spread(seen.start_ratio), most(seen.start_ratio, 1.2)
    first, later = seen.lists[:1], seen.lists[1:]
    yield "`GET /models` of a new process, ms", f"{first[0]:.0f}", most(first, 200)
    yield "`GET /models` later, ms", spread(later, ".0f"), most(later, 200)


if __name__ == "__main__":
    main()
