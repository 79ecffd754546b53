"""BentoML with a parameter for each feature."""

import os

import bentoml
import numpy as np

from benchmarks.servers import weights


@bentoml.service(workers=1)
class Network:
    def __init__(self) -> None:
        self._layers = weights.load(os.environ["WEIGHTS"])

    @bentoml.api
    async def predict(self, x1: float, x2: float, x3: float, x4: float) -> dict[str, float]:
        Y = weights.predict(self._layers, np.array([[x1, x2, x3, x4]]))
        return {"prediction": Y.item()}
