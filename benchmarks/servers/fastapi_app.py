"""FastAPI with pydantic, written by hand."""

import os

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

from benchmarks.servers import weights

layers = weights.load(os.environ["WEIGHTS"])
app = FastAPI()


class Row(BaseModel):
    x1: float
    x2: float
    x3: float
    x4: float


class Rows(BaseModel):
    instances: list[list[float]]


class Prediction(BaseModel):
    prediction: float


class Predictions(BaseModel):
    predictions: list[float]


# `async`, because a call of microseconds is not worth a thread
@app.post("/predict")
async def predict(row: Row) -> Prediction:
    Y = weights.predict(layers, np.array([[row.x1, row.x2, row.x3, row.x4]]))
    return Prediction(prediction=Y.item())


@app.post("/rows")
async def predict_rows(rows: Rows) -> Predictions:
    Y = weights.predict(layers, np.array(rows.instances))
    return Predictions(predictions=Y[:, 0].tolist())
