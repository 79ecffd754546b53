"""Rows of another table, in the columns of a training table."""

from pathlib import Path

import numpy as np
import pytest

from network import Rows
from trainer.data.alignment import aligned_rows, target_columns
from trainer.data.reading.table_file import table_from_file
from trainer.data.table import Table
from trainer.errors import DataError

TRAINING = "x,colour,y\n" + "".join(f"{n},{'rgb'[n % 3]},{n}\n" for n in range(12))


def table(folder: Path, name: str, content: str, features: tuple[str, ...] = ()) -> Table:
    (folder / name).write_text(content)
    return table_from_file(folder / name, ["y"], features)


def rows_like(training: Table, folder: Path, content: str) -> Rows:
    """Return the rows of a file that is to test a model, as the command reads it."""
    (folder / "test.csv").write_text(content)
    like = (*training.columns, *target_columns(training))
    test = table_from_file(folder / "test.csv", ["y"], training.features, like=like)
    return aligned_rows(test, training)


def test_categories_have_the_numbers_of_the_training_table(tmp_path: Path) -> None:
    training = table(tmp_path, "a.csv", TRAINING)
    other = "colour,x,y\n" + "".join(f"{'bgz'[n % 3]},{n},{n}\n" for n in range(12))
    rows = aligned_rows(table(tmp_path, "b.csv", other), training)
    values = training.columns[1].values
    expected = [values.index(text) if text in values else -1 for text in "bgz"]
    assert rows.X[:3].tolist() == [[float(n), float(expected[n])] for n in range(3)]
    np.testing.assert_array_equal(rows.Y[:, 0], np.arange(12.0))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x,y\n" + "".join(f"{n},{n}\n" for n in range(12)), "has no column 'colour'"),
        (
            "x,colour,y\n" + "".join(f"{'uvw'[n % 3]},{'rgb'[n % 3]},{n}\n" for n in range(12)),
            "column 'x' holds a category; expected a number, as in training",
        ),
        (TRAINING.replace("\n5,", "\n,"), "column 'x' has missing cells, and had none in training"),
    ],
)
def test_a_table_with_other_columns_is_refused(content: str, message: str, tmp_path: Path) -> None:
    training = table(tmp_path, "a.csv", TRAINING)
    with pytest.raises(DataError, match=message):
        aligned_rows(table(tmp_path, "b.csv", content), training)


def test_a_table_in_another_unit_is_refused(tmp_path: Path) -> None:
    def rows(unit: str) -> str:
        return "x,y\n" + "".join(f"{n + 1} {unit},{n}\n" for n in range(12))

    training = table(tmp_path, "a.csv", rows("kg"))
    with pytest.raises(DataError, match="column 'x' is in 'lb'; expected 'kg', as in training"):
        aligned_rows(table(tmp_path, "b.csv", rows("lb")), training)
    assert len(aligned_rows(table(tmp_path, "c.csv", rows("")), training)) == 12


@pytest.mark.parametrize("rows", [1, 3])
def test_few_rows_with_one_target_value_can_test_a_model(rows: int, tmp_path: Path) -> None:
    training = table(tmp_path, "a.csv", TRAINING)
    found = rows_like(training, tmp_path, "x,colour,y\n" + "3,g,7\n" * rows)
    assert found.X.tolist() == [[3.0, 1.0]] * rows
    assert found.Y.tolist() == [[7.0]] * rows


def test_a_table_without_rows_cannot_test_a_model(tmp_path: Path) -> None:
    training = table(tmp_path, "a.csv", TRAINING)
    with pytest.raises(DataError, match=r"test\.csv has no rows to test on"):
        rows_like(training, tmp_path, "x,colour,y\n1,r,\n")


@pytest.mark.parametrize("column", ["x", "colour"])
def test_a_column_without_cells_is_missing_in_all_rows_if_training_had_gaps(
    column: str, tmp_path: Path
) -> None:
    with_gaps = TRAINING + ",r,12\n13,,13\n"
    training = table(tmp_path, "a.csv", with_gaps)
    content = "x,colour,y\n" + {"x": ",g,1\n,r,2\n", "colour": "1,,1\n2,,2\n"}[column]
    found = rows_like(training, tmp_path, content)
    index = training.features.index(column)
    assert np.isnan(found.X[:, index]).all()
    assert not np.isnan(found.X[:, 1 - index]).any()
    without_gaps = table(tmp_path, "b.csv", TRAINING)
    message = f"column '{column}' has missing cells, and had none in training"
    with pytest.raises(DataError, match=message):
        rows_like(without_gaps, tmp_path, content)


@pytest.mark.parametrize(
    ("training_cells", "cells", "numbers"),
    [
        (["1.234,5", "2.000,25"], ["1.234", "2.345"], [1234.0, 2345.0]),
        (["1,234.5", "2,000.25"], ["1,234", "2,345"], [1234.0, 2345.0]),
        (["0,5", "0,25"], ["1,234", "2,345"], [1.234, 2.345]),
        (["0,5", "0,25"], ["1.5", "2.75"], [1.5, 2.75]),
        (["0.5", "0.25"], ["1,5", "2,75"], [1.5, 2.75]),
        (["1.234,5 kg", "2.000,25 kg"], ["1.234", "2.345"], [1234.0, 2345.0]),
        (["$5", "$6"], ["$1,234", "$2,345"], [1234.0, 2345.0]),
        (["1.234,5", "2.000,25"], ["1234.5", "2.25"], [1234.5, 2.25]),
    ],
)
def test_numbers_are_read_in_the_format_of_the_training_table(
    training_cells: list[str], cells: list[str], numbers: list[float], tmp_path: Path
) -> None:
    def content(texts: list[str]) -> str:
        return "x;y\n" + "\n".join(f"{text};{text}" for text in texts)

    training = table(tmp_path, "a.csv", content(training_cells * 6))
    found = rows_like(training, tmp_path, content(cells))
    assert found.X[:, 0].tolist() == numbers
    assert found.Y[:, 0].tolist() == numbers


def test_a_target_in_another_unit_is_refused(tmp_path: Path) -> None:
    training = table(tmp_path, "a.csv", "x,y\n" + "".join(f"{n},{n} kg\n" for n in range(12)))
    assert rows_like(training, tmp_path, "x,y\n1,2\n").Y.tolist() == [[2.0]]
    with pytest.raises(DataError, match="column 'y' is in 'lb'; expected 'kg', as in training"):
        rows_like(training, tmp_path, "x,y\n1,2 lb\n3,4 lb\n")
