"""`Model.predict` beside ONNX Runtime, PyTorch and scikit-learn: same weights, one thread, float64.

Each takes a NumPy matrix of raw features and returns a NumPy matrix. The rivals have the scaling
folded into their first and last layers, so that they compute the bare network alone. All are timed
in turns in one process. Ratios are computed within a turn.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import sys
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from benchmarks.report import Verdicts, machine, spread
from benchmarks.servers.mlserver_model import regressor
from benchmarks.servers.weights import Layers, folded_layers
from network import Architecture, Array, Model, Scaling, initial_parameters, numbers

ROWS = (1, 32, 1_000, 20_000)
TURNS = 41
SECONDS_PER_TIMING = 0.01
BARS = {  # numnet's time ÷ the rival's, at most
    ("onnxruntime", 1): 1.25,
    ("torch", 1): 1 / 3,
    ("scikit-learn", 1): 1 / 10,
    **{("onnxruntime", rows): 1.0 for rows in ROWS[1:]},
}

Predict = Callable[[Array], Any]


def build_model(rng: np.random.Generator) -> Model:
    """Return a model of the default architecture with random weights and biases."""
    architecture = Architecture((4, 32, 16, 1), "tanh")
    theta = initial_parameters(architecture, rng) + 0.1 * rng.normal(size=architecture.parameters)
    return Model(
        architecture=architecture,
        theta=theta,
        feature_scaling=Scaling(rng.normal(size=4), np.array([0.5, 1.0, 2.0, 0.7])),
        target_scaling=Scaling(np.array([0.3]), np.array([1.7])),
        columns=numbers(("x1", "x2", "x3", "x4")),
        targets=("y",),
        feature_range=np.array([[-1.0] * 4, [1.0] * 4]),
    )


def onnxruntime_predict(layers: Layers) -> Predict:
    nodes, weights, current = [], [], "x"
    for index, (W, b) in enumerate(layers):
        weights += [
            numpy_helper.from_array(W, f"W{index}"),
            numpy_helper.from_array(b, f"b{index}"),
        ]
        nodes.append(helper.make_node("Gemm", [current, f"W{index}", f"b{index}"], [f"z{index}"]))
        current = f"z{index}"
        if index < len(layers) - 1:
            nodes.append(helper.make_node("Tanh", [current], [f"a{index}"]))
            current = f"a{index}"
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["rows", layers[0][0].shape[0]])],
        [helper.make_tensor_value_info(current, TensorProto.DOUBLE, ["rows", 1])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8  # onnxruntime does not read newer ones
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda X: session.run(None, {"x": X})[0]


def torch_predict(layers: Layers) -> Predict:
    torch.set_num_threads(1)
    modules: list[torch.nn.Module] = []
    for W, b in layers:
        linear = torch.nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T.copy()))
            linear.bias.copy_(torch.from_numpy(b))
        modules += [linear, torch.nn.Tanh()]
    network = torch.nn.Sequential(*modules[:-1]).eval()

    def predict(X: Array) -> Any:
        with torch.inference_mode():
            return network(torch.from_numpy(X)).numpy()

    return predict


def sklearn_predict(layers: Layers) -> Predict:
    made = regressor(layers)
    return lambda X: made.predict(X)[:, None]


def check(libraries: dict[str, Predict], X: Array) -> None:
    """Assert that all libraries predict the same."""
    expected = libraries["numnet"](X)
    for name, predict in libraries.items():
        assert np.allclose(predict(X), expected, rtol=1e-9, atol=1e-12), name


def take_turns(libraries: dict[str, Predict], X: Array) -> dict[str, list[float]]:
    """Return the seconds per call of each library in every turn."""
    calls = max(1, round(SECONDS_PER_TIMING / _seconds(libraries["numnet"], X, 20)))
    times: dict[str, list[float]] = {name: [] for name in libraries}
    for _ in range(TURNS):
        for name, predict in libraries.items():
            times[name].append(_seconds(predict, X, calls))
    return times


def _seconds(predict: Predict, X: Array, calls: int) -> float:
    return timeit.timeit(lambda: predict(X), number=calls) / calls


def main() -> None:
    rng = np.random.default_rng(0)
    model = build_model(rng)
    layers = folded_layers(model)
    libraries = {
        "numnet": model.predict,
        "onnxruntime": onnxruntime_predict(layers),
        "torch": torch_predict(layers),
        "scikit-learn": sklearn_predict(layers),
    }
    print(machine("numpy", "onnxruntime", "torch", "scikit-learn"))
    print(
        f"µs per call, median [quartiles] of {TURNS} turns; ratio: numnet's time to the rival's\n"
    )
    print("| rows | | µs | ratio | bar | |\n|---|---|---|---|---|---|")
    verdicts = Verdicts()
    for rows in ROWS:
        X = rng.uniform(-1.0, 1.0, (rows, 4))
        check(libraries, X)
        times = take_turns(libraries, X)
        for name, taken in times.items():
            ratios = [ours / theirs for ours, theirs in zip(times["numnet"], taken, strict=True)]
            print(
                f"| {rows:,} | {name} | {spread([1e6 * t for t in taken], '.1f')} | "
                f"{'' if name == 'numnet' else spread(ratios)} | "
                f"{verdicts.at_most(ratios, BARS.get((name, rows)), '.2f')} |"
            )
    sys.exit(verdicts.missed)


if __name__ == "__main__":
    main()
