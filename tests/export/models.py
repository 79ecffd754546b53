"""Models of every kind that can be trained, with rows to predict."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from network import (
    ACTIVATIONS,
    UNSEEN,
    Architecture,
    Array,
    Calibration,
    Column,
    Encoding,
    Ensemble,
    Model,
    Predictor,
    Scaling,
    numbers,
    ranges,
)
from network.encoding import COSINE, EQUALS, MISSING, SCALED, SINE
from network.ensemble.parts import Linear
from network.ensemble.piecewise_linear import Ramps
from tests.random_ensembles import (
    HELD_OUT,
    make_ensemble,
    make_error_scale,
    random_networks,
    random_process,
)

ROWS = 40
LEVEL = 0.9
TOLERANCE = 1e-12  # relative to the prediction plus the target's scale

COLUMNS = (
    Column("bright ness/%", unit="%", has_gaps=True),
    Column("colour", "category", ("red", 'it\'s "blue"', "vert\\é", "blue\n"), has_gaps=True),
    Column("1st", "boolean", ("no", "yes"), has_gaps=True),
    Column("day", "datetime", has_gaps=True),
    Column("select"),
)
ENCODING = Encoding(
    len(COLUMNS),
    *np.array(
        [
            # column, operation, shift, scale, mean
            (0, SCALED, 0.5, 1.5, 0.1),
            (0, MISSING, 0.0, 1.0, 0.2),
            (1, EQUALS, 0.0, 1.0, 0.3),
            (1, EQUALS, 1.0, 1.0, 0.2),
            (1, EQUALS, 2.0, 1.0, 0.2),
            (1, MISSING, 0.0, 1.0, 0.05),
            (2, SCALED, 0.4, 0.5, -0.1),
            (3, SCALED, 19_000.0, 300.0, 0.02),
            (3, SINE, 4.0, 7.0, 0.01),
            (3, COSINE, 4.0, 7.0, -0.03),
            (3, SINE, 0.0, 365.2425, 0.1),
            (3, COSINE, 0.0, 365.2425, 0.2),
            (4, SCALED, -3.0, 2.0, 0.0),
        ]
    ).T,
)


@dataclass(frozen=True, eq=False)
class Example:
    """A model, the rows to predict, and the calibration of its intervals.

    Attributes
    ----------
    X : (N, features), with missing cells, unseen categories and numbers far out if it may have them
    """

    model: Predictor
    X: Array
    calibration: Calibration

    def cells(self, row: int) -> dict[str, Any]:
        """Return the cells of a row by the features' names; None if one is missing.

        They are the numbers in X, except that a category is its text.
        """
        pairs = zip(self.model.columns, self.X[row].tolist(), strict=True)
        return {column.name: _cell(column, number) for column, number in pairs}

    def expected(self, level: float | None = None) -> list[Array]:
        """Return the predictions (N, targets), and with a level the lower and the upper ends."""
        assessment = self.model.assess(self.X, scale=True)
        if level is None:
            return [assessment.Y]
        sizes = 1.0 if assessment.scale is None else assessment.scale
        ends = [assessment.Y + offset * sizes for offset in self.calibration.offsets(level)]
        return [assessment.Y, *ends]

    def assert_close(self, found: Array, expected: Array) -> None:
        """Fail if predictions differ from the expected ones by more than `TOLERANCE`."""
        assert found.shape == expected.shape
        error = np.abs(found - expected) / (np.abs(expected) + self.model.target_scale)
        assert error.max() <= TOLERANCE


def _cell(column: Column, number: float) -> Any:
    if np.isnan(number):
        return None
    if column.kind != "category":
        return number
    return "never seen" if number == UNSEEN else column.values[int(number)]


def _network(
    sizes: tuple[int, ...],
    activation: str = "tanh",
    encoding: Encoding | None = None,
    columns: tuple[Column, ...] | None = None,
) -> Model:
    rng = np.random.default_rng(3)
    architecture = Architecture(sizes, activation)
    X = mixed_rows() if encoding else plain_rows(sizes[0])
    columns = columns or numbers([f"x{k + 1}" for k in range(sizes[0])])
    return Model(
        architecture,
        rng.normal(size=architecture.parameters),
        Scaling(rng.normal(size=sizes[0]), rng.uniform(0.5, 2.0, sizes[0])),
        Scaling(rng.normal(size=sizes[-1]), rng.uniform(0.5, 2.0, sizes[-1])),
        columns,
        tuple(f"y {k + 1}" for k in range(sizes[-1])),
        ranges(columns, X[4:]),
        encoding,
    )


def plain_rows(features: int) -> Array:
    """Return rows of numbers, some of them far out."""
    X = np.random.default_rng(4).normal(size=(ROWS, features))
    X[1], X[2], X[3] = 0.0, 30.0, -1e3
    return X


def mixed_rows() -> Array:
    """Return rows of `COLUMNS`: every category, cells that are missing, and far out."""
    rng = np.random.default_rng(5)
    X = np.column_stack(
        [
            rng.normal(size=ROWS),
            rng.integers(int(UNSEEN), 4, ROWS),
            rng.integers(0, 2, ROWS),
            rng.uniform(18_000.0, 20_000.0, ROWS),
            rng.normal(size=ROWS),
        ]
    )
    X[:, :4][rng.random((ROWS, 4)) < 0.2] = np.nan
    X[0] = 0.3, 1.0, 1.0, 19_000.5, 0.1
    X[1, :4] = np.nan
    X[2] = 1e6, UNSEEN, 0.0, -719_162.0, -1e6
    X[3] = -5.0, 3.0, 1.0, 2_932_896.0, 7.0
    return X


def _with_gaps(features: int = 3) -> Array:
    """Return rows of numbers whose last cells are sometimes missing."""
    X = plain_rows(features)
    X[4:12, -1] = np.nan
    return X


def _mixed_ensemble(targets: int, **parts: Any) -> Ensemble:
    """Return an ensemble of `COLUMNS` with models of all kinds."""
    inputs = ENCODING.inputs
    rng = np.random.default_rng(6)
    Z = ENCODING.encode(mixed_rows())
    ramps = Ramps.between_quantiles(Z, np.array([0, 7, 12]), 6)
    members = len(HELD_OUT)
    return make_ensemble(
        targets,
        columns=COLUMNS,
        encoding=ENCODING,
        networks=(
            random_networks(Ramps.none(), targets, 8, 1, inputs),
            random_networks(ramps, targets, 8, 2, inputs),
        ),
        process=random_process(targets, inputs=inputs),
        linear=Linear(
            rng.normal(size=(members, targets)),
            rng.normal(size=(members, inputs, targets)),
            HELD_OUT,
        ),
        feature_range=ranges(COLUMNS, mixed_rows()[4:]),
        **parts,
    )


def _calibration(model: Predictor, *, signed: bool = False) -> Calibration:
    scores = np.random.default_rng(8).normal(0.1, 1.0, (99, len(model.targets)))
    return Calibration(np.sort(scores if signed else np.abs(scores), axis=0), signed)


def _models() -> dict[str, tuple[Predictor, Array]]:
    """Return every kind of model by its name, with rows."""
    plain, gaps, mixed = plain_rows(3), _with_gaps(), mixed_rows()
    networks: dict[str, Model] = {
        **{f"network {name}": _network((3, 8, 6, 1), name) for name in ACTIVATIONS},
        "network of two targets": _network((3, 5, 2)),
        "network without a hidden layer": _network((3, 1)),
        "network of five hidden layers": _network((3, 4, 4, 4, 4, 4, 1), "gelu"),
        "network of one feature": _network((1, 8, 1)),
    }
    process = random_process(1)
    only = np.ones((1, 1))
    ensembles: dict[str, Ensemble] = {
        "ensemble": make_ensemble(),
        "ensemble of two targets": make_ensemble(2),
        "ensemble with error scale": make_ensemble(error_scale=make_error_scale()),
        "ensemble of two targets with error scale": make_ensemble(
            2, error_scale=make_error_scale(2)
        ),
        "ensemble of a squared exponential process": make_ensemble(
            process=replace(process, is_matern=False)
        ),
        "ensemble of a process alone": make_ensemble(
            networks=(), process=process, linear=None, stack=only
        ),
        "ensemble of linear models alone": make_ensemble(networks=(), process=None, stack=only),
        "ensemble of networks alone": make_ensemble(
            process=None, linear=None, stack=np.array([[0.3], [0.7]])
        ),
        "ensemble with an unused network": make_ensemble(
            stack=np.array([[0.0], [0.5], [0.2], [0.3]])
        ),
        "ensemble with an unused process": make_ensemble(
            stack=np.array([[0.3], [0.3], [0.0], [0.4]])
        ),
    }
    inputs = ENCODING.inputs
    mixed_models: dict[str, Predictor] = {
        "network of mixed columns": _network((inputs, 9, 2), "silu", ENCODING, COLUMNS),
        "ensemble of mixed columns": _mixed_ensemble(1),
        "ensemble of mixed columns and two targets": _mixed_ensemble(2),
    }
    return {
        **{name: (model, plain_rows(len(model.columns))) for name, model in networks.items()},
        "network, calibrated with signs": (networks["network tanh"], plain),
        **{name: (model, gaps) for name, model in ensembles.items()},
        "ensemble, calibrated with signs": (ensembles["ensemble with error scale"], gaps),
        **{name: (model, mixed) for name, model in mixed_models.items()},
    }


EXAMPLES = {
    name: Example(model, X, _calibration(model, signed="signs" in name))
    for name, (model, X) in _models().items()
}
