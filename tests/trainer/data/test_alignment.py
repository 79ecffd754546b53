"""Rows of another table, in the columns of a training table."""

from pathlib import Path

import numpy as np
import pytest

from trainer.data.alignment import aligned_rows
from trainer.data.reading.table_file import table_from_file
from trainer.data.table import Table
from trainer.errors import DataError

TRAINING = "x,colour,y\n" + "".join(f"{n},{'rgb'[n % 3]},{n}\n" for n in range(12))


def table(folder: Path, name: str, content: str, features: tuple[str, ...] = ()) -> Table:
    (folder / name).write_text(content)
    return table_from_file(folder / name, ["y"], features)


def test_categories_have_the_numbers_of_the_training_table(tmp_path: Path) -> None:
    training = table(tmp_path, "a.csv", TRAINING)
    other = "colour,x,y\n" + "".join(f"{'bgz'[n % 3]},{n},{n}\n" for n in range(12))
    rows = aligned_rows(table(tmp_path, "b.csv", other), training.columns)
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
        aligned_rows(table(tmp_path, "b.csv", content), training.columns)


def test_a_table_in_another_unit_is_refused(tmp_path: Path) -> None:
    def rows(unit: str) -> str:
        return "x,y\n" + "".join(f"{n + 1} {unit},{n}\n" for n in range(12))

    training = table(tmp_path, "a.csv", rows("kg"))
    with pytest.raises(DataError, match="column 'x' is in 'lb'; expected 'kg', as in training"):
        aligned_rows(table(tmp_path, "b.csv", rows("lb")), training.columns)
    assert len(aligned_rows(table(tmp_path, "c.csv", rows("")), training.columns)) == 12
