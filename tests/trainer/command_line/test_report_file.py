"""The file of `--report`."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from registry import Registry
from tests.service.small_models import small_model
from trainer.command_line.report_file import check_report_file, write_report
from trainer.errors import RecipeError


def test_a_path_in_a_folder_that_can_be_written_is_accepted_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    check_report_file(path)
    assert list(tmp_path.iterdir()) == []
    path.write_text("old")
    check_report_file(path)
    assert path.read_text() == "old"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=re.escape(f"got the folder {tmp_path}")):
        check_report_file(tmp_path)


def test_a_path_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="No such file or directory"):
        check_report_file(tmp_path / "missing" / "report.html")


def test_a_path_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecipeError, match="Not a directory"):
        check_report_file(tmp_path / "file" / "report.html")


@pytest.mark.parametrize("name", ["a" * 300, "a\0b"], ids=["too long", "zero byte"])
def test_an_impossible_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecipeError, match="cannot be written"):
        check_report_file(tmp_path / name)


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RecipeError, match="must be a file"):
        check_report_file(tmp_path / "pipe")


def test_a_report_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    version = Registry.local(tmp_path / "models").publish(small_model(), {}, np.zeros((1, 4)))
    write_report(path, version, "pump")
    assert "<h1>pump, version 1</h1>" in path.read_text("utf-8")
    assert [each.name for each in tmp_path.glob("*.html*")] == ["report.html"]
