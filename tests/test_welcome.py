"""`make run` says on a terminal what is served, how good it is, and where."""

import os
import sys
from pathlib import Path

import numpy as np

from benchmarks.ports import free_port
from config import Settings
from registry import Models
from tests.e2e.conftest import ROOT
from tests.service.small_models import promote, small_model
from tests.terminal import Terminal
from welcome import address, welcome


def settings(folder: Path, **more: str) -> Settings:
    variables = {"NUMNET_MODELS": f"{folder}/models", "NUMNET_STATE": f"{folder}/state"}
    return Settings.from_environment({**variables, **more})


def test_version_is_shown_with_its_error_and_that_of_simpler_models(tmp_path: Path) -> None:
    where = settings(tmp_path)
    registry = Models.local(where.models, where.model_name).registry(where.model_name)
    model = small_model(features=tuple("abcdefgh"))
    baselines = {"mean": {"rmse": 7.3}, "linear": {"rmse": 2.0}}
    found = {"rmse": 1.046, "r2": 0.98935, "baselines": baselines}
    card = {"metrics": {"out_of_fold": found, "test": {"rmse": 9.0}}}
    promote(registry, registry.publish(model, card, np.zeros((1, 8))).number)
    lines = welcome(where).splitlines()
    assert lines[1:3] == [
        "  serves  version 1: y from a, b, c, d, e, f and 2 more",
        (
            "  quality RMSE 1.05, R² 0.98935 on rows that it was not trained on; "
            "simpler models: mean 7.3, linear 2"
        ),
    ]


def test_names_of_a_version_have_no_control_characters(tmp_path: Path) -> None:
    where = settings(tmp_path)
    registry = Models.local(where.models, where.model_name).registry(where.model_name)
    model = small_model(features=("a\x1b[2J\nb",))
    promote(registry, registry.publish(model, {}, np.zeros((1, 1))).number)
    assert welcome(where).splitlines()[1] == "  serves  version 1: y from a�[2J�b"


def test_without_a_version_it_says_so(tmp_path: Path) -> None:
    assert "serves  no version yet\n" in welcome(settings(tmp_path))


def test_address_is_one_that_a_browser_on_this_machine_can_open(tmp_path: Path) -> None:
    for host, expected in (
        ("127.0.0.1", "http://127.0.0.1:8001/"),
        ("0.0.0.0", "http://127.0.0.1:8001/"),
        ("::", "http://[::1]:8001/"),
    ):
        where = settings(tmp_path, NUMNET_HOST=host, NUMNET_PORT="8001")
        assert address(where) == expected


def test_token_of_the_environment_is_not_shown(tmp_path: Path) -> None:
    text = welcome(settings(tmp_path, NUMNET_ADMIN_TOKEN="a-secret-of-m0re-than-16-characters"))
    assert "a-secret" not in text
    assert "token   NUMNET_ADMIN_TOKEN" in text


def test_terminal_has_lines_for_people_and_no_json(tmp_path: Path) -> None:
    port = str(free_port())
    folders = {"NUMNET_MODELS": f"{tmp_path}/models", "NUMNET_STATE": f"{tmp_path}/state"}
    environment = {**os.environ, **folders, "NUMNET_PORT": port, "NO_COLOR": "1"}
    terminal = Terminal([sys.executable, "run.py"], environment, ROOT)
    try:
        terminal.wait_for(f"open    http://127.0.0.1:{port}/").wait_for("stop    Ctrl-C")
        assert terminal.exit_code("\x03") == 0
    finally:
        terminal.close()
    assert "service: starting numnet" in terminal.shown
    assert '{"' not in terminal.shown
