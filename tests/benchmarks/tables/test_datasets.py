"""The committed tables are those that their page describes, and the halves of a split are fair."""

import hashlib
import re

import numpy as np
import pytest

from benchmarks.tables.datasets import DATA, DATASETS, GAPS, Texts, halves
from benchmarks.tables.features import Features
from benchmarks.tables.numnet_fit import rows_of
from network import UNSEEN, Column

DESCRIBED = re.findall(
    r"^\| `([\w/]+\.csv)` \| ([\d,]+) × (\d+) \|.*`([0-9a-f]{64})` \|$",
    (DATA / "README.md").read_text(),
    flags=re.M,
)


def test_every_file_is_described_with_its_hash() -> None:
    files = {str(path.relative_to(DATA)): path for path in DATA.rglob("*.csv")}
    hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    assert {name: digest for name, _, _, digest in DESCRIBED} == hashes


def test_every_file_is_small() -> None:
    assert max(path.stat().st_size for path in DATA.rglob("*.csv")) < 330_000


@pytest.mark.parametrize(("name", "rows", "columns"), [each[:3] for each in DESCRIBED])
def test_a_file_has_the_described_shape(name: str, rows: str, columns: str) -> None:
    texts = DATASETS[name.removesuffix(".csv").rpartition("/")[2]].read()
    assert len(texts.rows) == int(rows.replace(",", ""))
    assert {len(row) for row in (texts.header, *texts.rows)} == {int(columns)}


@pytest.mark.parametrize("name", DATASETS)
def test_features_have_numbers_in_every_row_and_a_target(name: str) -> None:
    texts = DATASETS[name].texts()
    features = Features.of(DATASETS[name], texts)
    assert features.X.shape[0] == len(features.y) == len(texts.rows)
    assert np.isfinite(features.y).all()
    gaps = sum(cell in GAPS for row in texts.rows for cell in row)
    assert np.isnan(features.X).sum() == gaps


def test_held_out_tables_are_those_of_the_folder() -> None:
    held_out = {each.name for each in DATASETS.values() if each.held_out}
    assert held_out == {path.stem for path in (DATA / "held_out").glob("*.csv")}


def test_drawn_tables_have_their_noise() -> None:
    friedman = Features.of(DATASETS["friedman1"], DATASETS["friedman1"].texts())
    x = friedman.X.T
    truth = 10 * np.sin(np.pi * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + 5 * x[4]
    assert np.std(friedman.y - truth) == pytest.approx(1.0, abs=0.1)
    surface = Features.of(DATASETS["surface"], DATASETS["surface"].texts())
    x = surface.X.T
    truth = np.sin(3 * x[0]) + x[1] ** 2 * np.cos(3 * x[2]) + x[3] ** 3
    assert np.std((surface.y - truth) / (0.1 + 0.4 * abs(x[1]))) == pytest.approx(1.0, abs=0.05)


def test_halves_are_disjoint_and_together_the_table() -> None:
    training, test = halves(11, 3)
    assert len(training) == 5
    assert sorted([*training, *test]) == list(range(11))
    assert not np.array_equal(training, halves(11, 4)[0])


def test_a_half_is_written_with_its_texts() -> None:
    texts = Texts(["a", "b, c"], [["1", "x"], ["?", 'say "y"'], ["3", "z"]])
    assert texts.as_csv(np.array([1, 0])) == 'a,"b, c"\n?,"say ""y"""\n1,x\n'


def test_cells_become_the_numbers_of_a_models_columns() -> None:
    texts = Texts(["kind", "skipped", "day", "size"], [["b", "9", "1970-01-03", "?"]])
    columns = (
        Column("size", has_gaps=True),
        Column("kind", "category", values=("a", "b")),
        Column("day", "datetime"),
    )
    [row] = rows_of(texts, np.array([0]), columns)
    assert np.isnan(row[0])
    assert row[1:].tolist() == [1.0, 2.0]
    other = Texts(texts.header, [["c", "9", "1970-01-03", "2.5"]])
    assert rows_of(other, np.array([0]), columns)[0].tolist() == [2.5, UNSEEN, 2.0]
