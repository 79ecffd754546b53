"""How the service starts and stops: settings, folders and signals."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from registry import Registry
from tests.e2e.conftest import ROOT, StartService
from tests.patience import DEADLINE_SECONDS
from tests.service.small_models import FEATURES, serve, small_model

ROW = dict.fromkeys(FEATURES, 0.5)


def test_a_service_starts_on_a_read_only_models_folder(
    registry: Registry, start_service: StartService, tmp_path: Path
) -> None:
    serve(registry, small_model())
    models = tmp_path / "models"
    folders = [models, models / "promotions"]
    # root may write anywhere, unless it drops the capability
    wrapper = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert subprocess.run([*wrapper, "touch", models / "x"], check=False).returncode != 0
        service = start_service(wrapper=wrapper)
        assert service.predict(ROW).json()["version"] == "1"
        assert service.get("/models").json()["current"] == "1"
        assert [entry for entry in service.log() if entry["level"] != "INFO"] == []
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_a_restarted_service_serves_the_same_version(
    registry: Registry, start_service: StartService
) -> None:
    serve(registry, small_model())
    service = start_service()
    before = service.predict(ROW).json()
    assert service.stop() == 0
    service.start()
    assert service.predict(ROW).json() == before
    assert service.stop() == 0


@pytest.mark.parametrize(
    "setting",
    [
        {"NUMNET_PORT": "http"},
        {"NUMNET_WORKERS": "-1"},
        {"NUMNET_MODELS": "s3://bucket/prefix"},
        {"NUMNET_TOKENS_FILE": "/nowhere/tokens"},
    ],
)
def test_an_invalid_setting_ends_the_start_with_one_line(setting: dict[str, str]) -> None:
    (name,) = setting
    assert start_in_vain("-m", "service", **setting).startswith(f"error: {name}")


def test_a_port_in_use_ends_the_start_with_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = {"NUMNET_PORT": str(port), "NUMNET_STATE": str(tmp_path)}
        error = start_in_vain("-m", "service", **settings)
    assert error.startswith(f"error: cannot listen on 127.0.0.1, port {port}: Address already in")
    assert "NUMNET_PORT" in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("program", ["service", "trainer.worker"])
def test_a_missing_temporary_folder_ends_the_start_with_one_line(program: str) -> None:
    without = (
        "import runpy, tempfile; "
        "tempfile._candidate_tempdir_list = lambda: ['/proc/none']; "
        f"runpy.run_module({program!r}, run_name='__main__')"
    )
    error = start_in_vain("-c", without)
    assert error.startswith("error: No usable temporary directory found in ['/proc/none']")
    assert "set TMPDIR" in error


def start_in_vain(*program: str, **settings: str) -> str:
    """Return the only line that `python PROGRAM` writes before it ends with status 1."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NUMNET_")}
    outcome = subprocess.run(
        [sys.executable, *program],
        cwd=ROOT,
        env=kept | settings,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert outcome.stderr.count("\n") == 1
    return outcome.stderr


def test_ctrl_c_stops_every_process(start_service: StartService) -> None:
    """The signal goes to the whole process group. Repeated, because it failed only sometimes."""
    service = start_service(workers=2)
    for _ in range(5):
        assert service.predict(ROW).status_code == 503
        process = service.process
        assert process
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(DEADLINE_SECONDS) == 0
        service.start()
