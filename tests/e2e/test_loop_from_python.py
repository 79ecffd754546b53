"""The whole loop from Python alone: try, train, watch, judge, compare, promote, take away."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from numpy.typing import NDArray

import numnet
from tests.client.training import training_service
from tests.e2e.conftest import ADMIN_TOKEN, Service

ROWS = 600
FEATURES = ["length", "width", "load"]
ROW = {"x1": 0.1, "x2": 0.2, "x3": 0.3, "x4": 0.4}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service with a trainer, and a first version of the example task."""
    with training_service(tmp_path) as running:
        with numnet.Client(running.url, token=ADMIN_TOKEN) as client:
            client.retrain(samples=500, max_seconds=5, wait=True)
        yield running


def own_table() -> pd.DataFrame:
    """Return a table as people have it: numbers, and the deflection of a plate."""
    rng = np.random.default_rng(5)
    length, width, load = (
        rng.uniform(low, high, ROWS) for low, high in ((1.0, 3.0), (0.1, 0.3), (0.0, 10.0))
    )
    bend = load * length**2 * (1 - width) + rng.normal(0, 0.1, ROWS)
    return pd.DataFrame({"length": length, "width": width, "load": load, "bend": bend})


def test_the_whole_loop(service: Service, tmp_path: Path) -> None:
    visit(service)
    table = own_table()
    known, future = table[: ROWS // 2], table[ROWS // 2 :]
    known.to_csv(tmp_path / "plates.csv", index=False)
    with numnet.Client(service.url, token=ADMIN_TOKEN, model="plates") as client:
        train(client, tmp_path / "plates.csv", known)
        judge(client, future, tmp_path)
        predictions = compare(client, future)
        assert client.promote(2).previous == "1"
        assert client.predict(future[FEATURES]).version == "2"
        assert client.rollback().version == "1"
        found = np.asarray(client.predict(future[FEATURES]))
        assert found.tobytes() == predictions.tobytes()
        take_away(client, future, predictions, tmp_path / "taken")


def visit(service: Service) -> None:
    """Try the service without a token."""
    with numnet.Client(service.url) as visitor:
        prediction = visitor.predict(ROW, interval=0.9, explain=True)
        assert prediction.lower is not None
        assert prediction.contributions is not None
        assert visitor.status().version == prediction.version == "1"
        with pytest.raises(numnet.Unauthorized):
            visitor.retrain()


def train(client: numnet.Client, file: Path, table: pd.DataFrame) -> None:
    """Train a model on a table of our own, and watch."""
    understood = client.upload("plates.csv", file, targets=["bend"])
    assert (understood.rows, understood.targets) == (len(table), ("bend",))
    assert client.upload("plates.csv", table, targets=["bend"]).rows == len(table)
    with pytest.raises(numnet.TableExists):
        client.upload("plates.csv", table[:100], targets=["bend"])
    job = client.retrain("plates.csv", targets=["bend"], max_seconds=8)
    jobs = list(client.watch(job))
    assert jobs[-1].state == "promoted"
    assert "running" in {each.state for each in jobs}
    assert jobs[-1].version == client.versions().current == "1"


def judge(client: numnet.Client, future: pd.DataFrame, folder: Path) -> None:
    """See how good the version is on rows that it has never seen."""
    frame = client.predict(future[FEATURES], interval=0.9).to_frame(index=future.index)
    errors = frame["prediction"] - future["bend"]
    assert errors.std() < 0.1 * future["bend"].std()
    inside = future["bend"].between(frame["lower"], frame["upper"])
    assert inside.mean() > 0.75
    assert client.card(1)["metrics"]
    assert client.report(1, folder).read_text().startswith("<!doctype html>")


def compare(client: numnet.Client, future: pd.DataFrame) -> NDArray[np.float64]:
    """Train a second version that is not promoted; return what the first one predicts."""
    kept = client.retrain(wait=True, promote=False, seed=7, max_seconds=8)
    assert (kept.state, kept.version) == ("kept_back", "2")
    old, new = (client.predict(future[FEATURES], version=each) for each in (1, 2))
    assert client.predict(future[FEATURES]).version == "1"
    assert (old.version, new.version) == ("1", "2")
    assert np.abs(np.asarray(old) - np.asarray(new)).max() > 0.0
    return np.asarray(old)


def take_away(
    client: numnet.Client, rows: pd.DataFrame, expected: NDArray[np.float64], folder: Path
) -> None:
    """Predict without numnet."""
    folder.mkdir()
    client.download(1, folder)
    client.export(1, "c", folder, level=0.9)
    model = onnxruntime.InferenceSession(client.export(1, "onnx", folder))
    inputs = {name: rows[[name]].to_numpy(np.float64) for name in FEATURES}
    found = np.ravel(model.run(None, inputs)[0])
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    names = {each.name for each in folder.iterdir()}
    assert names == {"plates-1.npz", "plates-1.c", "plates-1.onnx"}
