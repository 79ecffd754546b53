"""The tables of the comparison, their texts as in a file, and how they are split into halves.

The files and their sources are in `data/README.md`. Two tables are functions with noise, drawn from
a fixed seed, and one comes with scikit-learn. No choice was made by the results on tables that are
held out.
"""

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.training.problems import PROBLEMS

DATA = Path(__file__).parent / "data"
GAPS = frozenset({"", "NA", "?"})
FRIEDMAN_ROWS, SURFACE_ROWS = 500, 2_000
Cells = list[list[str]]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Texts:
    """Rows of texts under a header, as in a CSV file."""

    header: list[str]
    rows: Cells

    def as_csv(self, indices: Indices) -> str:
        """Return a CSV file of some rows."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.header)
        writer.writerows(self.rows[index] for index in indices)
        return text.getvalue()


@dataclass(frozen=True)
class Dataset:
    """A table, and what an expert knows of its columns.

    Attributes
    ----------
    read : returns all rows of the source
    categories : columns whose values have no order, whether texts or numbers
    codes : whole numbers that a model based on distances should see as categories
    dates : columns of ISO 8601 dates
    """

    name: str
    target: str
    read: Callable[[], Texts]
    categories: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    held_out: bool = False

    def texts(self) -> Texts:
        """Return the rows that have a target."""
        texts = self.read()
        target = texts.header.index(self.target)
        return Texts(texts.header, [row for row in texts.rows if row[target] not in GAPS])


def halves(rows: int, split: int) -> tuple[Indices, Indices]:
    """Return the indices of the training half and of the test half; each split has its own."""
    order = np.random.default_rng(split).permutation(rows)
    return order[: rows // 2], order[rows // 2 :]


def _file(name: str, delimiter: str = ",") -> Callable[[], Texts]:
    def read() -> Texts:
        with (DATA / name).open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file, delimiter=delimiter)
        return Texts(header, rows)

    return read


def _diabetes() -> Texts:
    """Return the table of scikit-learn in its original units."""
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    return _texts([*bunch.feature_names, "progression"], np.c_[bunch.data, bunch.target])


def _friedman1() -> Texts:
    """Draw Friedman's first function with noise of standard deviation 1, as its source has it."""
    problem = PROBLEMS["friedman1"]
    X, Y = problem.draw(0, FRIEDMAN_ROWS)
    return _texts([*problem.features, "y"], np.c_[X, Y])


def _surface() -> Texts:
    """Draw the example task with noise of standard deviation 0.1 + 0.4·|x2|."""
    problem = PROBLEMS["shipped"]
    rng = np.random.default_rng(0)
    X = rng.uniform(-1.0, 1.0, (SURFACE_ROWS, 4))
    noise = (0.1 + 0.4 * np.abs(X[:, 1])) * rng.standard_normal(SURFACE_ROWS)
    return _texts([*problem.features, "y"], np.c_[X, problem.truth(X)[:, 0] + noise])


def _texts(header: Iterable[str], numbers: NDArray[np.float64]) -> Texts:
    return Texts(list(header), [[repr(cell) for cell in row] for row in numbers.tolist()])


DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset("boston", "medv", _file("boston.csv")),
        Dataset("abalone", "rings", _file("abalone.csv"), categories=("sex",)),
        Dataset("diabetes", "progression", _diabetes),
        Dataset("friedman1", "y", _friedman1),
        Dataset("surface", "y", _surface),
        Dataset(
            "auto_mpg",
            "mpg",
            _file("auto_mpg.csv"),
            categories=("origin",),
        ),
        Dataset(
            "diamonds",
            "price",
            _file("diamonds.csv"),
            categories=("cut", "color", "clarity"),
        ),
        Dataset(
            "bike_sharing",
            "bikers",
            _file("bike_sharing.csv"),
            categories=("season", "mnth", "weathersit"),
            codes=("hr", "weekday"),
        ),
        Dataset(
            "insurance",
            "charges",
            _file("insurance.csv"),
            categories=("sex", "smoker", "region"),
        ),
        Dataset(
            "penguins",
            "body_mass_g",
            _file("penguins.csv"),
            categories=("species", "island", "sex"),
        ),
        Dataset("airfoil", "sound_pressure", _file("airfoil.csv")),
        Dataset("concrete", "compressive_strength", _file("concrete.csv")),
        Dataset("power_plant", "PE", _file("power_plant.csv")),
        Dataset(
            "wine_quality",
            "quality",
            _file("held_out/wine_quality.csv", ";"),
            held_out=True,
        ),
        Dataset(
            "sacramento",
            "price",
            _file("held_out/sacramento.csv"),
            categories=("city", "zip", "type"),
            held_out=True,
        ),
        Dataset(
            "autos",
            "price",
            _file("held_out/autos.csv"),
            categories=(
                "make",
                "fuel-type",
                "aspiration",
                "num-of-doors",
                "body-style",
                "drive-wheels",
                "engine-location",
                "engine-type",
                "num-of-cylinders",
                "fuel-system",
            ),
            held_out=True,
        ),
        Dataset(
            "wage",
            "wage",
            _file("held_out/wage.csv"),
            categories=(
                "maritl",
                "race",
                "education",
                "region",
                "jobclass",
                "health",
                "health_ins",
            ),
            held_out=True,
        ),
        Dataset(
            "hotel_rates",
            "avg_price_per_room",
            _file("held_out/hotel_rates.csv"),
            categories=(
                "meal",
                "country",
                "market_segment",
                "reserved_room_type",
                "customer_type",
            ),
            dates=("arrival_date",),
            held_out=True,
        ),
    )
}
