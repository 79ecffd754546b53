"""Install the client as users do: a wheel, in an environment without the project."""

import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

import numnet
from config import VERSION
from tests.e2e.conftest import ROOT, Service
from tests.patience import DEADLINE_SECONDS

pytestmark = pytest.mark.slow

CLIENT = ROOT / "client"

PROGRAM = """
import sys
import numnet

assert "client" not in sys.modules and "numpy" not in sys.modules
with numnet.Client(sys.argv[1]) as client:
    prediction = client.predict({"x1": 0.1, "x2": 0.2, "x3": 0.3, "x4": 0.4})
    print(numnet.__file__, numnet.__version__, float(prediction), prediction.version)
"""

TYPED_PROGRAM = """
import numnet

client = numnet.Client(token="a-token")
one = client.predict({"x1": 0.1}, interval=0.9)
many = client.predict([[0.1], [0.2]])
reveal_type(one)
reveal_type(many)
reveal_type(many[0])
reveal_type(client.predict([0.1, 0.2]))
reveal_type(client.predict("rows.csv"))
reveal_type(client.retrain("sales.csv", wait=True, max_seconds=60).version)
try:
    client.promote(1)
except numnet.InvalidInput as error:
    reveal_type(error.errors[0].pointer)
"""
TYPES = [
    "numnet.results.Prediction",
    "numnet.results.Predictions",
    "numnet.results.Prediction",
    "numnet.results.Prediction",
    "numnet.results.Predictions",
    "str | None",
    "str",
]


def run(*command: Any, **options: Any) -> str:
    process = subprocess.run(
        [str(each) for each in command],
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
        **options,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return str(process.stdout)


def build(kind: str, folder: Path) -> Path:
    """Build a wheel or an sdist of a copy of the client, with the locked backend."""
    if importlib.util.find_spec("flit_core") is None:
        reason = "flit_core is not installed: make setup"
        assert "CI" not in os.environ, reason
        pytest.skip(reason)
    code = f"from flit_core.buildapi import build_{kind} as b; print(b({str(folder)!r}))"
    return folder / run(sys.executable, "-c", code, cwd=CLIENT).split()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment with the wheel, which finds its dependencies here."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False, symlinks=True)
    [packages] = folder.glob("lib/python*/site-packages")
    target = ["--target", packages, "--no-deps", "--no-index", "--disable-pip-version-check"]
    run(sys.executable, "-m", "pip", "install", *target, wheel)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin" / "python"


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]
    assert project["version"] == numnet.__version__ == VERSION


def test_the_license_is_that_of_the_project() -> None:
    assert (CLIENT / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_every_dependency_is_locked_with_hashes() -> None:
    lock = (ROOT / "requirements" / "client.txt").read_text()
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["build-system"]["requires"]
    for requirement in wanted:
        name = re.split(r"[^\w-]", requirement)[0].replace("_", "-")
        assert re.search(rf"^{name}==\S+ \\\n    --hash=sha256:", lock, flags=re.M), name


def test_the_wheel_works_without_the_project(
    python: Path, service: Service, tmp_path: Path
) -> None:
    output = run(python, "-c", PROGRAM, service.url, cwd=tmp_path, env=environment())
    file, version, number, by = output.split()
    assert Path(file).is_relative_to(python.parents[1])
    assert (version, by) == (VERSION, "2")
    float(number)


def test_the_types_are_known_to_users(python: Path, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(TYPED_PROGRAM)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, "program.py"]
    output = run(*mypy, "--python-executable", python, cwd=tmp_path, env=environment())
    assert re.findall(r'Revealed type is "(.*)"', output) == TYPES
    assert "Success: no issues found" in output


def test_the_wheel_has_the_package_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        [entry_points] = [name for name in names if name.endswith("entry_points.txt")]
        assert "numnet=numnet.command:main" in archive.read(entry_points).decode()
    assert {name.split("/")[0] for name in names} == {"numnet", f"numnet-{VERSION}.dist-info"}
    assert "numnet/py.typed" in names
    assert f"numnet-{VERSION}.dist-info/licenses/LICENSE" in names


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    sdist = build("sdist", tmp_path)
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    [source] = [each for each in tmp_path.iterdir() if each.is_dir()]
    code = f"from flit_core.buildapi import build_wheel as b; print(b({str(tmp_path)!r}))"
    built = tmp_path / run(sys.executable, "-c", code, cwd=source).split()[-1]
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(built) as other:
        assert one.namelist() == other.namelist()
        for name in one.namelist():
            assert one.read(name) == other.read(name), name
