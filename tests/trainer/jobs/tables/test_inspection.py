"""A table is read by a process of its own."""

import threading
import time
from pathlib import Path

import pytest

from tests.patience import DEADLINE_SECONDS
from trainer.errors import DataError, InspectionFailed, InspectorBusy
from trainer.jobs import Columns, inspect
from trainer.jobs.tables import inspection

TABLE = "a,y\n" + "".join(f"{row % 7},{row * row}\n" for row in range(12))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t"
    path.write_text(TABLE)
    return path


def test_report_of_the_process_is_returned(table: Path) -> None:
    report = inspect(table, "t.csv", Columns(), DEADLINE_SECONDS)
    assert (report["rows"], report["targets"]) == (12, ["y"])
    report = inspect(table, "t.csv", Columns(targets=("a",)), DEADLINE_SECONDS)
    assert report["targets"] == ["a"]


def test_refusal_is_the_one_of_a_training(table: Path) -> None:
    table.write_text(TABLE.replace("\n3,9\n", "\n3,nine\n"))
    with pytest.raises(DataError, match="'y': expected a finite number, got 'nine'") as refusal:
        inspect(table, "t.csv", Columns(targets=("y",)), DEADLINE_SECONDS)
    assert "nine" not in refusal.value.without_cells


def test_wrong_options_are_refused(table: Path) -> None:
    with pytest.raises(DataError, match="none-such"):
        inspect(table, "t.csv", Columns(encoding="none-such"), DEADLINE_SECONDS)


def test_reading_has_a_timeout(table: Path) -> None:
    with pytest.raises(InspectionFailed, match="copy it into the data folder"):
        inspect(table, "t.csv", Columns(), 0.001)


def test_process_that_dies_is_reported(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "_PROGRAM", ("false",))
    with pytest.raises(InspectionFailed, match="more memory than there is"):
        inspect(table, "t.csv", Columns(), DEADLINE_SECONDS)


def test_one_table_is_read_at_a_time(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "_PROGRAM", ("sleep", "60"))

    def occupy() -> None:
        with pytest.raises(InspectionFailed):
            inspect(table, "t.csv", Columns(), 2.0)

    other = threading.Thread(target=occupy)
    other.start()
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not inspection._one_at_a_time.locked() and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(InspectorBusy):
        inspect(table, "t.csv", Columns(), 0.01)
    other.join()
