"""Makes the graph of a version."""

import numpy as np

from export.errors import NotExportable
from export.graph.ensemble import ensemble_steps
from export.graph.graph import Graph
from export.graph.network import network_steps
from export.graph.operations import Add, Cells, Operation, Unscale
from network import Array, Calibration, Ensemble, Model, Predictor

LOWER, UPPER = "lower", "upper"


def graph_of(
    model: Predictor, calibration: Calibration | None = None, level: float | None = None
) -> Graph:
    """Return the graph of a model.

    Parameters
    ----------
    calibration, level : of the prediction interval, if it is to have one

    Raises
    ------
    NotExportable
        a kind of model that is not known, or a level without a calibration.
    LevelError
        a level that the calibration cannot guarantee.
    """
    if isinstance(model, Model):
        steps, sizes = network_steps(model), None
    elif isinstance(model, Ensemble):
        steps, sizes = ensemble_steps(model, with_sizes=level is not None)
    else:
        raise NotExportable(f"the model is a {type(model).__name__}, which has no other form")
    operations: list[Operation] = [Cells("x", model.columns), *steps]
    if level is None:
        return Graph(model.columns, model.targets, tuple(operations), "y")
    if calibration is None:
        raise NotExportable("the version has no prediction intervals: it was not calibrated")
    operations += _ends(calibration.offsets(level), sizes)
    return Graph(model.columns, model.targets, tuple(operations), "y", (LOWER, UPPER), level)


def _ends(offsets: Array, sizes: str | None) -> list[Operation]:
    """Return the ends y + offset·size of an interval; sizes are 1 if they have no name."""
    ends: list[Operation] = []
    for name, offset in zip((LOWER, UPPER), offsets, strict=True):
        if sizes is None:
            ends.append(Unscale(name, "y", np.ones_like(offset), offset))
        else:
            part = Unscale(f"{name}_offset", sizes, offset, np.zeros_like(offset))
            ends += [part, Add(name, ("y", part.out), len(offset))]
    return ends
