"""Small random models, and valid and forged versions of them."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network import (
    Architecture,
    Array,
    Calibration,
    Column,
    Encoding,
    Model,
    Predictor,
    Scaling,
    initial_parameters,
    numbers,
    ranges,
)
from network.encoding import EQUALS, MISSING, SCALED
from registry import Promotion, Registry
from registry.card import pack
from registry.model_file.members import checksum
from service.model.loaded_version import LoadedVersion
from service.model.rows.reader import RowReader
from service.telemetry.request_context import RequestContext

FEATURES = ("x1", "x2", "x3", "x4")
AWKWARD_FEATURES = ("load", "Meta", "a.b", "a/b", "m~n", "x:1", "é", "fields", "_schema", 'say "x"')


def small_model(
    features: tuple[str, ...] = FEATURES,
    targets: tuple[str, ...] = ("y",),
    *,
    seed: int = 0,
    activation: str = "tanh",
    gain: float = 1.0,
    feature_range: tuple[float, float] = (-1.0, 1.0),
) -> Model:
    """Return a network with random weights times `gain`, and one range for all features."""
    rng = np.random.default_rng(seed)
    inputs, outputs = len(features), len(targets)
    architecture = Architecture((inputs, 8, outputs), activation)
    return Model(
        architecture=architecture,
        theta=gain * initial_parameters(architecture, rng),
        feature_scaling=Scaling(rng.normal(size=inputs), rng.uniform(0.5, 2.0, inputs)),
        target_scaling=Scaling(rng.normal(size=outputs), rng.uniform(0.5, 2.0, outputs)),
        columns=numbers(features),
        targets=targets,
        feature_range=np.repeat(np.array(feature_range)[:, None], inputs, axis=1),
    )


TABLE_COLUMNS = (
    Column("size", has_gaps=True),
    Column("colour", "category", ("red", "blue", "sea: green")),
    Column("new", "boolean", ("no", "yes")),
    Column("sold", "datetime", date_format="%d/%m/%Y"),
)
DAY = 19_723  # 2024-01-01


def table_model(
    columns: tuple[Column, ...] = TABLE_COLUMNS, *, targets: tuple[str, ...] = ("y",), seed: int = 0
) -> Model:
    """Return a network with random weights for columns of any kind, in ranges around ±1.

    Dates are in 2024.
    """
    inputs: list[tuple[int, int, float, float]] = []
    for index, column in enumerate(columns):
        if column.kind == "category":
            codes = range(len(column.values))
            inputs += [(index, EQUALS, float(code), 1.0) for code in codes]
        else:
            scale = (float(DAY), 366.0) if column.kind == "datetime" else (0.0, 1.0)
            inputs.append((index, SCALED, *scale))
        if column.has_gaps:
            inputs.append((index, MISSING, 0.0, 1.0))
    architecture = Architecture((len(inputs), 8, len(targets)))
    seen = {"datetime": [float(DAY), DAY + 365.0], "boolean": [0.0, 1.0]}
    return Model(
        architecture=architecture,
        theta=initial_parameters(architecture, np.random.default_rng(seed)),
        feature_scaling=Scaling(np.zeros(len(inputs)), np.ones(len(inputs))),
        target_scaling=Scaling(np.zeros(len(targets)), np.ones(len(targets))),
        columns=columns,
        targets=targets,
        feature_range=ranges(
            columns, np.array([seen.get(column.kind, [-1.0, 1.0]) for column in columns]).T
        ),
        encoding=Encoding.of(len(columns), inputs),
    )


def some_calibration(rows: int = 40, targets: int = 1) -> Calibration:
    """Return a calibration with random scores."""
    errors = np.random.default_rng(2).normal(size=(rows, targets))
    return Calibration.of(errors, np.zeros_like(errors))


def loaded_version(model: Predictor, calibration: Calibration | None = None) -> LoadedVersion:
    """Return a model as if it were loaded as version 7."""
    return LoadedVersion("7", RowReader(model), pack({}), calibration)


def a_request() -> RequestContext:
    return RequestContext("POST", "/predict", "", "")


def random_rows(count: int, columns: int = len(FEATURES), *, seed: int = 1) -> Array:
    """Return rows, some of which are outside the range ±1."""
    return np.random.default_rng(seed).uniform(-1.3, 1.3, (count, columns))


def publish(registry: Registry, model: Predictor, calibration: Calibration | None = None) -> int:
    """Publish without promoting."""
    golden = np.zeros((2, len(model.features)))
    return registry.publish(model, {"metrics": {"mse": 0.5}}, golden, calibration).number


def promote(registry: Registry, version: int) -> Promotion:
    return registry.promote(version, by="a test", reason="to be served", at=datetime.now(UTC))


def serve(registry: Registry, model: Predictor, calibration: Calibration | None = None) -> int:
    """Publish and promote."""
    version = publish(registry, model, calibration)
    promote(registry, version)
    return version


def forge_promotion(folder: Path, version: int, sha256: str) -> None:
    """Write a log entry without the checks of `promote`."""
    number = len(list((folder / "promotions").iterdir())) + 1
    entry = {"version": version, "previous": None, "at": "", "by": "", "reason": ""}
    path = folder / "promotions" / f"{number:08d}.json"
    path.write_text(json.dumps({**entry, "sha256": sha256}))


def forged(content: bytes, **members: NDArray[Any]) -> bytes:
    """Return a version's file with other members and a matching checksum."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = {**archive, **members}
    arrays["checksum"] = np.array(checksum(arrays))
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()
