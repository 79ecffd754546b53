"""The operations of an ensemble.

As in `network.ensemble.stack`, the weights of the stack, the means over members and the scale of
the targets are folded into the last weights.
"""

import numpy as np

from export.graph.encoding import encode
from export.graph.operations import (
    Activate,
    Add,
    Affine,
    Blocks,
    Clip,
    Join,
    Kernel,
    Operation,
    Ramp,
    Scale,
    Unscale,
)
from network import Array, Ensemble, ErrorScale
from network.ensemble import Networks
from network.ensemble.weights import Floats


def ensemble_steps(model: Ensemble, *, with_sizes: bool) -> tuple[list[Operation], str | None]:
    """Return the operations from the cells x to the prediction y.

    Parameters
    ----------
    with_sizes : whether the expected sizes of errors are computed, too

    Returns
    -------
    operations, sizes : the name of the vector of sizes; None if they are 1 for every row
    """
    steps: list[Operation] = [
        encode("encoded", model.encoding),
        Clip("z", "encoded", *model.limits),
        *_stack_steps(model, "", "z", "y"),
    ]
    if not with_sizes or model.error_scale is None:
        return steps, None
    return [*steps, *_size_steps(model, model.error_scale)], "sizes"


def _size_steps(model: Ensemble, scale: ErrorScale) -> list[Operation]:
    """Return the operations from the inputs z and the prediction y to the sizes of errors."""
    scaling, targets = model.target_scaling, len(model.targets)
    return [
        Scale("scaled_y", "y", scaling.shift, scaling.scale),
        Join("size_inputs", ("z", "scaled_y"), scale.inputs),
        *_stack_steps(scale, "size_", "size_inputs", "size_log"),
        Clip("size_limited", "size_log", *scale.bounds),
        Activate("size_scaled", "size_limited", "exp", targets),
        Unscale("sizes", "size_scaled", scaling.scale, np.zeros(targets)),
    ]


def _stack_steps(
    model: Ensemble | ErrorScale, prefix: str, inputs: str, out: str
) -> list[Operation]:
    """Return the operations of all parts that have a weight, and the sum of their outputs.

    Parameters
    ----------
    prefix : of the names of vectors
    inputs, out : the names of the inputs and of the sum
    """
    stacked = model.stacked
    steps: list[Operation] = [Affine(f"{prefix}linear", inputs, stacked.slopes, stacked.constant)]
    parts, start = [steps[-1].out], 0
    used = [each for each, w in zip(model.networks, model.stack, strict=False) if w.any()]
    for number, networks in enumerate(used, 1):
        end = start + networks.weights.b1.size
        name, last = f"{prefix}network{number}", stacked.last[start:end]
        steps += _network_steps(name, inputs, networks, last)
        parts.append(name)
        start = end
    if isinstance(model, Ensemble) and model.process is not None and stacked.radial is not None:
        centres, lengths = model.process.centres, model.process.lengths
        steps.append(Kernel("kernel", inputs, centres, lengths, model.process.is_matern))
        steps.append(_product("process", "kernel", stacked.kernel))
        parts.append("process")
    return [*steps, Add(out, tuple(parts), stacked.constant.size)]


def _network_steps(name: str, inputs: str, model: Networks, last: Array) -> list[Operation]:
    """Return the operations of all members of one model.

    Parameters
    ----------
    last : (M·H, K), from the second hidden layers to the prediction
    """
    steps: list[Operation] = []
    weights, ramps, units = model.weights, model.ramps, model.weights.b1.size
    W = _beside(weights.s[:, :, None] * weights.W)
    if len(ramps):
        ramp = Ramp(f"{name}_ramps", inputs, ramps.column, ramps.start, ramps.width)
        join = Join(f"{name}_inputs", (inputs, ramp.out), len(W) + len(ramps))
        steps += [ramp, join]
        inputs, W = join.out, np.concatenate([W, _beside(weights.V)])
    first, second = f"{name}_weighted1", f"{name}_weighted2"
    return [
        *steps,
        Affine(first, inputs, W, np.ravel(weights.b1)),
        Activate(f"{name}_hidden1", first, "root", units),
        Blocks(second, f"{name}_hidden1", np.asarray(weights.W2, np.float64), np.ravel(weights.b2)),
        Activate(f"{name}_hidden2", second, "root", units),
        _product(name, f"{name}_hidden2", last),
    ]


def _product(out: str, x: str, weights: Array) -> Affine:
    return Affine(out, x, weights, np.zeros(weights.shape[1]))


def _beside(matrices: Floats) -> Array:
    """Return (inputs, M·outputs) for matrices (M, inputs, outputs)."""
    return np.concatenate(matrices, axis=1, dtype=np.float64)
