"""The description of exports, with its code executed."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from werkzeug.serving import make_server

from config import Settings
from export import FORMATS
from network import Model
from registry import Registry
from service.app import create_app
from tests.documents import ROOT, sections
from tests.service.small_models import serve, small_model, some_calibration

DOCUMENT = "docs/exports.md"
ADDRESS = "http://127.0.0.1:8000"


def run(heading: str, address: str = ADDRESS) -> dict[str, Any]:
    """Execute the code of a section, and return its variables."""
    [(language, block)] = sections(DOCUMENT)[heading]
    assert language == "python"
    names: dict[str, Any] = {}
    exec(block.replace(ADDRESS, address), names)  # of our own documentation
    return names


@pytest.fixture(scope="module")
def model() -> Model:
    return small_model()


@pytest.fixture(scope="module")
def address(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service with a version."""
    folder = tmp_path_factory.mktemp("models")
    serve(Registry.local(folder), model, some_calibration())
    server = make_server("127.0.0.1", 0, create_app(Settings(models=folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_onnx_is_downloaded_and_run(model: Model, address: str, folder: Path) -> None:
    run("", address)
    assert (folder / "model.onnx").exists()
    found = run("ONNX")
    X = np.array([*found["columns"].values()]).T
    np.testing.assert_allclose(found["prediction"], model.predict(X), rtol=1e-12)
    lower, upper = some_calibration().offsets(0.9)
    np.testing.assert_allclose(found["lower"], model.predict(X) + lower, rtol=1e-12)
    np.testing.assert_allclose(found["upper"], model.predict(X) + upper, rtol=1e-12)


def test_json_is_downloaded_and_read(
    model: Model, address: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sections(DOCUMENT)[""][0][1].replace(".onnx", ".json").replace(ADDRESS, address)
    exec(path, {})  # of our own documentation
    document = json.loads((folder / "model.json").read_text())
    run("JSON")
    shown = capsys.readouterr().out
    assert shown.startswith("How to predict with this model")
    assert str(document["example"]["row"]) in shown
    assert "y = unscale of scaled_y" in shown


def test_every_format_is_listed() -> None:
    text = (ROOT / DOCUMENT).read_text()
    for suffix in FORMATS:
        assert f"| `model.{suffix}` | " in text
