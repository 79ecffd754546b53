"""The description of exports, with its code executed."""

import json
import subprocess
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
from tests.export.tools import tool
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


def download(suffix: str, address: str) -> None:
    """Execute the code that downloads a file, for another format."""
    [(_, block)] = sections(DOCUMENT)[""]
    exec(block.replace(".onnx", f".{suffix}").replace(ADDRESS, address), {})


def output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def expected(model: Model) -> list[float]:
    """The prediction for the row of the examples, and the ends of its interval."""
    y = model.predict([[0.1, -0.5, 0.9, 0.0]])
    found = np.ravel([y, *(y + offset for offset in some_calibration().offsets(0.9))])
    numbers: list[float] = found.tolist()
    return numbers


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
    download("json", address)
    document = json.loads((folder / "model.json").read_text())
    run("JSON")
    shown = capsys.readouterr().out
    assert shown.startswith("How to predict with this model")
    assert str(document["example"]["row"]) in shown
    assert "y = unscale of scaled_y" in shown


def test_c_is_downloaded_compiled_and_run(
    expected: list[float], address: str, folder: Path
) -> None:
    tool("gcc")
    download("c", address)
    (_, program), (_, commands) = sections(DOCUMENT)["C"]
    (folder / "main.c").write_text(program)
    own, command = output("sh", "-ec", commands).splitlines()
    assert [float(each) for each in own.split()] == pytest.approx(expected, rel=1e-12)
    name, *numbers = command.split("\t")
    assert name == "y"
    assert [float(each) for each in numbers] == pytest.approx(expected, rel=1e-12)


def test_javascript_is_downloaded_and_run(
    expected: list[float], address: str, folder: Path
) -> None:
    node = tool("node")
    download("js", address)
    [(_, script)] = sections(DOCUMENT)["JavaScript"]
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "script.js").write_text(script)
    *numbers, extrapolating = output(node, "script.js").split(maxsplit=3)
    assert [float(each) for each in numbers] == pytest.approx(expected, rel=1e-12)
    assert extrapolating.strip() == "[]"


def test_sql_is_downloaded_and_run(expected: list[float], address: str, folder: Path) -> None:
    download("sql", address)
    first, second = run("SQL")["selected"]
    assert (first["id"], first["x2"], second["numnet_row"]) == (7, -0.5, 2)
    found = [first[name] for name in ("prediction", "lower", "upper")]
    assert found == pytest.approx(expected, rel=1e-12)


def test_every_format_is_listed() -> None:
    text = (ROOT / DOCUMENT).read_text()
    for suffix in FORMATS:
        assert f"| `model.{suffix}` | " in text
