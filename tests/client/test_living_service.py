"""Clients of a service that is killed, restarted, overloaded and promoted meanwhile."""

import os
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from network import Model
from numnet import Client, ServiceUnavailable
from registry import Registry
from tests.e2e.conftest import ADMIN_TOKEN, Service, StartService
from tests.patience import until
from tests.service.small_models import FEATURES, publish, random_rows, serve, small_model

X = random_rows(500)
ROWS = [dict(zip(FEATURES, row, strict=True)) for row in X.tolist()]
THREADS = 32


def test_threads_share_a_client(client: Client, model: Model) -> None:
    expected = model.predict(X)[:, 0].tolist()
    begin = threading.Barrier(THREADS)

    def work(first: int) -> list[tuple[int, object]]:
        begin.wait()
        rows = range(first, len(X), THREADS)
        return [(row, client.predict(ROWS[row]).prediction) for row in rows]

    with ThreadPoolExecutor(THREADS) as threads:
        found = dict(pair for part in threads.map(work, range(THREADS)) for pair in part)
    assert [found[row] for row in range(len(X))] == expected


def test_a_client_may_be_closed_while_others_use_it(client: Client, model: Model) -> None:
    expected = model.predict(X)[:, 0].tolist()
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda row: client.predict(row).prediction, ROWS)
        for _ in range(20):
            client.close()
        assert list(found) == expected


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_connections_of_its_own(client: Client, model: Model) -> None:
    client.predict(ROWS[0])
    receive, send = os.pipe()
    if (child := os.fork()) == 0:
        try:
            found = [float(client.predict(row)) for row in ROWS[:100]]
            os.write(send, np.array(found).tobytes())
        finally:
            os._exit(0)
    ours = [float(client.predict(row)) for row in ROWS[:100]]
    os.waitpid(child, 0)
    os.close(send)
    with os.fdopen(receive, "rb") as pipe:
        theirs = np.frombuffer(pipe.read()).tolist()
    assert ours == theirs == model.predict(X[:100])[:, 0].tolist()


def test_no_prediction_is_lost_while_the_service_is_killed_and_restarted(
    start_service: StartService, registry: Registry
) -> None:
    model = small_model()
    serve(registry, model)
    service = start_service()
    expected = model.predict(X)[:, 0].tolist()
    done = threading.Event()
    kills = 0

    def kill() -> None:
        nonlocal kills
        while not done.wait(0.5):
            os.killpg(service.process.pid, signal.SIGKILL)
            service.process.wait()
            service.start()
            kills += 1

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with Client(service.url, retries=20) as client:
            while kills < 3:
                assert [client.predict(row).prediction for row in ROWS[:200]] == expected[:200]
                assert list(client.predict(X).values) == expected
    finally:
        done.set()
        killer.join()


def test_a_table_is_answered_by_one_version_while_others_are_promoted(
    start_service: StartService, registry: Registry
) -> None:
    models = {str(number): small_model(seed=number) for number in (1, 2)}
    serve(registry, models["1"])
    publish(registry, models["2"])
    service = start_service(workers=2)
    done = threading.Event()

    def promote() -> None:
        with Client(service.url, token=ADMIN_TOKEN) as admin:
            while not done.is_set():
                for number in models:
                    admin.promote(number)

    thread = threading.Thread(target=promote)
    thread.start()
    versions = Counter[str]()
    try:
        with Client(service.url, block_bytes=2000) as client:

            def both_were_used() -> bool:
                predictions = client.predict(X)
                versions[predictions.version] += 1
                expected = models[predictions.version].predict(X)
                assert np.asarray(predictions).tobytes() == expected.tobytes()
                return len(versions) == 2 and versions.total() >= 5

            until(both_were_used)
            pinned = client.predict(X, version=1)
    finally:
        done.set()
        thread.join()
    assert np.asarray(pinned).tobytes() == models["1"].predict(X).tobytes()


def test_an_overloaded_service_is_asked_again_when_it_says(
    start_service: StartService, registry: Registry
) -> None:
    model = small_model()
    serve(registry, model)
    service = start_service(settings={"NUMNET_THREADS": "1", "NUMNET_MAX_WAITING": "1"})
    table = random_rows(20_000)
    expected = model.predict(table).tobytes()

    def predict(retries: int) -> object:
        with Client(service.url, retries=retries) as client:
            try:
                return np.asarray(client.predict(table)).tobytes()
            except ServiceUnavailable as error:
                return error

    with ThreadPoolExecutor(16) as threads:
        patient = list(threads.map(predict, [100] * 16))
        assert patient == [expected] * 16
        hasty = list(threads.map(predict, [0] * 64))
    refused = [each for each in hasty if isinstance(each, ServiceUnavailable)]
    assert refused
    assert {each.retry_after_seconds for each in refused} == {1.0}
    assert set(map(type, hasty)) == {bytes, ServiceUnavailable}
    log = Counter(entry["status"] for entry in service.access_log())
    assert log[503] > len(refused)  # of the patient ones, too


def test_a_huge_table_has_the_bits_of_the_model(service: Service, model: Model) -> None:
    table = random_rows(300_000)
    with Client(service.url) as client:
        predictions = client.predict(table, interval=0.5)
    assert np.asarray(predictions).tobytes() == model.predict(table).tobytes()
    outside = model.outside(table)
    rows, columns = np.nonzero(outside)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    assert list(predictions.extrapolating) == [(row, FEATURES[column]) for row, column in pairs]
    frame = predictions.to_frame()
    assert (frame["lower"] < frame["upper"]).all()
    assert (frame["extrapolating"] != "").sum() == outside.any(axis=1).sum()
