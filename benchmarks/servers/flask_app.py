"""Flask with marshmallow, written by hand."""

import os

import numpy as np
from flask import Flask, Response, jsonify, request
from marshmallow import Schema, ValidationError, fields

from benchmarks.servers import weights

layers = weights.load(os.environ["WEIGHTS"])
app = Flask(__name__)


class Row(Schema):
    x1 = fields.Float(required=True)
    x2 = fields.Float(required=True)
    x3 = fields.Float(required=True)
    x4 = fields.Float(required=True)


schema = Row()


@app.post("/predict")
def predict() -> Response | tuple[Response, int]:
    try:
        row = schema.load(request.get_json())
    except ValidationError as error:
        return jsonify(error.messages), 422
    X = np.array([[row["x1"], row["x2"], row["x3"], row["x4"]]])
    return jsonify(prediction=weights.predict(layers, X).item())
