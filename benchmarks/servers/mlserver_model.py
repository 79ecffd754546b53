"""Write the folder that MLServer serves: the weights in a scikit-learn regressor.

python -m benchmarks.servers.mlserver_model WEIGHTS FOLDER
"""

import json
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
from sklearn.neural_network import MLPRegressor

from benchmarks.servers import weights


def regressor(layers: weights.Layers) -> MLPRegressor:
    """Return a fitted regressor with these weights."""
    hidden = tuple(W.shape[1] for W, _ in layers[:-1])
    made = MLPRegressor(hidden_layer_sizes=hidden, activation="tanh", max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one iteration does not converge
        made.fit(np.zeros((10, layers[0][0].shape[0])), np.arange(10.0))
    made.coefs_ = [W for W, _ in layers]
    made.intercepts_ = [b for _, b in layers]
    return made


def main(path: str, folder: str) -> None:
    joblib.dump(regressor(weights.load(path)), Path(folder) / "model.joblib")
    settings = {
        "name": "network",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./model.joblib"},
    }
    (Path(folder) / "model-settings.json").write_text(json.dumps(settings))


if __name__ == "__main__":
    main(*sys.argv[1:])
