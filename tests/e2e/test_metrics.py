"""`GET /metrics` of a service whose server processes are killed."""

import os
import random
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from prometheus_client.parser import text_string_to_metric_families

from registry import Registry
from service.telemetry.model_labels import MOST_MODELS
from tests.e2e.conftest import Service, StartService
from tests.patience import DEADLINE_SECONDS, until
from tests.service.small_models import serve, small_model

ROW = {"x1": 0.1, "x2": 0.2, "x3": 0.3, "x4": 9.0}
REQUESTS = 320
THREADS = 8


def samples(service: Service, name: str) -> dict[tuple[str, ...], float]:
    """Return a metric's samples by label values, in the order of the label names."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(service.get("/metrics").text)
        for sample in family.samples
        if sample.name == name
    }


def server_processes(service: Service) -> list[int]:
    pid = service.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def open_files(process: int) -> int:
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


def ask(service: Service, times: int) -> int:
    """Predict one row `times` times over kept-alive connections; return how many were answered."""

    def some(_: int) -> int:
        answered, url = 0, f"{service.url}/predict"
        with requests.Session() as session:
            for _ in range(times // THREADS):
                try:
                    answered += session.post(url, json=ROW, timeout=DEADLINE_SECONDS).ok
                except requests.RequestException:  # the server process was killed
                    continue
        return answered

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(some, range(THREADS)))


OF_DEFAULT = ("native", "POST", "numnet", "/predict")  # dialect, method, model, route
PREDICT = (*OF_DEFAULT, "200")


def counted(service: Service) -> float:
    return samples(service, "numnet_requests_total").get(PREDICT, 0)


def kill_one(service: Service) -> None:
    """Kill a server process, and wait until it has been replaced."""
    until(lambda: len(server_processes(service)) == service.workers)
    victim = server_processes(service)[0]
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in server_processes(service))
    until(lambda: samples(service, "numnet_workers") == {(): service.workers})


def test_counters_stay_exact_when_server_processes_are_killed_and_replaced(
    start_service: StartService, tmp_path: Path
) -> None:
    serve(Registry.local(tmp_path / "models"), small_model())
    service = start_service(workers=3)
    files = []
    for times in range(1, 5):
        assert ask(service, REQUESTS) == REQUESTS
        # a response is counted right after it is sent
        until(lambda times=times: counted(service) == times * REQUESTS)  # type: ignore[misc]
        kill_one(service)
        assert counted(service) == times * REQUESTS
        files.append(open_files(service.process.pid))
    total = 4 * REQUESTS
    duration = "numnet_request_duration_seconds"
    assert samples(service, f"{duration}_count")[OF_DEFAULT] == total
    seconds = samples(service, f"{duration}_sum")[OF_DEFAULT]
    assert 0 < seconds < total
    assert samples(service, "numnet_predictions_total") == {("numnet", "success", "1"): total}
    assert samples(service, "numnet_predicted_rows_total") == {("numnet", "1"): total}
    assert samples(service, "numnet_out_of_range_values_total") == {("x4", "numnet"): total}
    until(lambda: samples(service, "numnet_worker_starts_total") == {(): 3 + 4})
    assert set(files) == {files[0]}
    names = {name for (name,) in samples(service, "numnet_process_resident_memory_bytes")}
    assert names == {"master", "worker-0", "worker-1", "worker-2"}


def test_a_killed_server_process_loses_only_the_counts_of_requests_in_flight(
    start_service: StartService, tmp_path: Path
) -> None:
    serve(Registry.local(tmp_path / "models"), small_model())
    service = start_service(workers=2)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask, service, 6 * REQUESTS)
        deaths = 0
        while not asking.done():
            kill_one(service)
            deaths += 1
        answered = asking.result()
    uncounted = answered - until(lambda: counted(service))
    # a thread may have sent a response that is not counted yet, or counted one that was not sent
    assert abs(uncounted) <= deaths * THREADS
    until(lambda: samples(service, "numnet_worker_starts_total") == {(): 2 + deaths})
    versions = samples(service, "numnet_predictions_total")
    assert abs(versions["numnet", "success", "1"] - counted(service)) <= deaths


def test_every_server_process_returns_the_same_metrics(
    start_service: StartService, tmp_path: Path
) -> None:
    serve(Registry.local(tmp_path / "models"), small_model())
    service = start_service(workers=3)
    ask(service, 96)
    until(lambda: counted(service) == 96)
    assert {counted(service) for _ in range(20)} == {96}


def test_server_processes_agree_on_the_models_that_are_counted_alone(
    start_service: StartService, tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    serve(Registry.local(folder), small_model())
    serve(Registry.local(folder / "m0"), small_model())
    names = ["numnet", *(f"m{number}" for number in range(MOST_MODELS + 10))]
    for name in names[2:]:
        shutil.copytree(folder / "m0", folder / name)
    service = start_service(workers=3)

    def ask_all(seed: int) -> None:
        for name in random.Random(seed).sample(names, len(names)):
            url = f"{service.url}/models/{name}/predict"
            assert requests.post(url, json=ROW, timeout=DEADLINE_SECONDS).ok  # a new connection

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(ask_all, range(THREADS)))

    def predictions() -> dict[str, float]:
        found = samples(service, "numnet_predictions_total")
        return {model: number for (model, _, _), number in found.items()}

    until(lambda: sum(predictions().values()) == THREADS * len(names))
    counted = predictions()
    assert counted.pop("other") == THREADS * (len(names) - MOST_MODELS)
    assert counted == dict.fromkeys(counted, THREADS)
    assert len(counted) == MOST_MODELS
    for _ in range(10):
        for gauge in ("numnet_model_loaded", "numnet_model_version"):
            assert samples(service, gauge) == dict.fromkeys([(name,) for name in counted], 1)
