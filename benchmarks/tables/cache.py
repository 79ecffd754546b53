"""Results of fits on disk, so that a repeated comparison costs only the fits that changed.

A file is named by everything that decides its result: the rows, the estimator with all its
parameters, and the versions of the libraries.
"""

import hashlib
import time
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning

Array = NDArray[np.float64]
FORMAT = 1  # raise it when a class of this folder computes something else


@dataclass(frozen=True)
class Outcome:
    """Predictions (N,), or intervals (N, 2), for the test half, and CPU seconds of the fit."""

    predicted: Array
    seconds: float


def fitted(folder: Path, estimator: Any, X: Array, y: Array, test: Array) -> Outcome:
    """Return the outcome of a fit, from the folder if it is there, and keep it there otherwise.

    Parameters
    ----------
    X, y : (N, columns) and (N,), the training half
    test : (M, columns), the rows to predict
    """
    path = folder / f"{_key(estimator, X, y, test)}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as file:
            return Outcome(file["predicted"], float(file["seconds"]))
    started = time.process_time()
    with warnings.catch_warnings():  # the worst candidates of a search do not converge
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(X, y)
    outcome = Outcome(estimator.predict(test), time.process_time() - started)
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, predicted=outcome.predicted, seconds=outcome.seconds)
    partial.replace(path)
    return outcome


def _key(estimator: Any, *arrays: Array) -> str:
    with config_context(print_changed_only=False):
        definition = estimator.__repr__(N_CHAR_MAX=10**9)
    versions = f"{version('numpy')} {version('scikit-learn')}"
    digest = hashlib.sha256(f"{FORMAT}\n{definition}\n{versions}".encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:24]
