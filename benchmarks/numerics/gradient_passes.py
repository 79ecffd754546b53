"""The gradient and the Jacobian pass beside the machine's bound and PyTorch: 4-32-16-1, tanh.

The bound of a pass is the longer of its floating-point operations at the peak of a large matrix
product and its compulsory bytes at the bandwidth of a large copy, and on top of that its tanh,
which is no matrix product and is measured. For layers of i inputs and o outputs, P parameters and
K targets, a row takes these operations:

    forward pass        Σ (2·i + 1)·o                product and bias
    Δ of hidden layers  Σ 2·i·o and Σ 3·i, l ≥ 1     Wₗ·Δₗ, and ∘ (1 − A²)
    ∂L/∂W, ∂L/∂b        Σ (2·i + 1)·o                Aₗ·Δₗᵀ
    rows of J           K·Σ i·o                      Aₗ ⊗ Δₗ
    JᵀJ and Jᵀr         K·P·(P + 1) + K·2·P          half of JᵀJ, which is symmetric

and these bytes: its features and, but for J, its targets are read; J is written, K·P float64; JᵀJ
is written once for all rows. All run in one thread, float64, turn by turn in one process.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import statistics
import timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from benchmarks.report import machine, spread
from network import Architecture, Array, Backpropagation, Jacobian, Rows, initial_parameters
from network.derivatives.workspace import BLOCK_ROWS

ARCHITECTURE = Architecture((4, 32, 16, 1), "tanh")
ROWS, MANY_ROWS = 4_000, 100_000
TURNS = 21
SECONDS_PER_TIMING = 0.01
PRODUCT_SIZE = 1_000  # of the square matrices whose product gives the peak
COPIED_BYTES = 2**28

Call = Callable[[], Any]


@dataclass(frozen=True)
class Work:
    """What a pass cannot do without, for each row."""

    flops: float
    bytes: float


@dataclass(frozen=True)
class Pass:
    """One pass over so many rows: numnet's and PyTorch's calls, and the bound's figures."""

    name: str
    rows: int
    work: Work
    numnet: Call
    torch: Call


def main() -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    theta = initial_parameters(ARCHITECTURE, rng)
    theta += 0.1 * rng.normal(size=len(theta))
    many = Rows(rng.normal(size=(MANY_ROWS, 4)), rng.normal(size=(MANY_ROWS, 1)))
    passes, chosen = _passes(theta, many[:ROWS], many)
    for each in passes:
        _check(each)
    parts = _parts(theta, many[:ROWS])
    tanh = {n: _tanh_part(n) for n in (ROWS, MANY_ROWS)}
    left, right = rng.normal(size=(2, PRODUCT_SIZE, PRODUCT_SIZE))
    source = np.ones(COPIED_BYTES // 8)
    target = np.empty_like(source)
    seconds = _take_turns(
        {
            "product": lambda: left @ right,
            "copy": lambda: np.copyto(target, source),
            **{(each.name, each.rows, "numnet"): each.numnet for each in passes},
            **{(each.name, each.rows, "torch"): each.torch for each in passes},
            **{("tanh", n): call for n, call in tanh.items()},
            **parts,
        }
    )
    peak = 2.0 * PRODUCT_SIZE**3 / min(seconds["product"])
    bandwidth = 2.0 * COPIED_BYTES / min(seconds["copy"])
    print(machine("numpy", "torch"))
    print(
        f"ns a row, median [quartiles] of {TURNS} turns; ratio: numnet's time to it; "
        f"J by torch.func: {chosen}\n"
        f"bound: {peak / 1e9:.0f} GFlop/s, {bandwidth / 1e9:.1f} GB/s, the best of the turns\n"
    )
    _print_passes(passes, seconds, peak, bandwidth)
    print()
    _print_division(seconds, peak, passes[0])


def _take_turns(calls: dict[Any, Call]) -> dict[Any, list[float]]:
    """Seconds a call, of each in every turn."""
    repeats, taken = {}, {}
    for name, call in calls.items():
        call()
        once = min(timeit.repeat(call, number=1, repeat=3))
        repeats[name] = max(1, round(SECONDS_PER_TIMING / once))
        taken[name] = [0.0] * TURNS
    for turn in range(TURNS):
        for name, call in calls.items():
            taken[name][turn] = timeit.timeit(call, number=repeats[name]) / repeats[name]
    return taken


def _passes(theta: Array, rows: Rows, many: Rows) -> tuple[list[Pass], str]:
    """The passes, and which of `torch.func`'s ways to a Jacobian is the faster one."""
    network = _network(theta)
    backpropagation, jacobian = Backpropagation(ARCHITECTURE), Jacobian(ARCHITECTURE)
    X = torch.from_numpy(rows.X)
    chosen, torch_jacobian = _fastest(_torch_jacobians(network), X)
    return [
        *(
            Pass(
                "gradient",
                len(some),
                _gradient_work(),
                partial(backpropagation.loss_and_gradient, theta, some),
                _torch_gradient(network, some),
            )
            for some in (rows, many)
        ),
        Pass(
            "Jacobian",
            len(rows),
            _jacobian_work(),
            lambda: (jacobian.of(theta, rows.X),),
            lambda: (torch_jacobian(X),),
        ),
        Pass(
            "JᵀJ",
            len(rows),
            _normal_equations_work(len(rows)),
            lambda: jacobian.normal_equations(theta, rows),
            _torch_normal_equations(network, torch_jacobian, rows),
        ),
    ], chosen


def _layers() -> list[tuple[int, int]]:
    return list(pairwise(ARCHITECTURE.sizes))


def _forward_flops() -> int:
    return sum((2 * i + 1) * o for i, o in _layers())


def _delta_flops() -> int:
    return sum(2 * i * o for i, o in _layers()[1:])


def _slope_flops() -> int:
    return sum(3 * i for i, _ in _layers()[1:])


def _gradient_product_flops() -> int:
    return 2 * _forward_flops() + _delta_flops()


def _gradient_work() -> Work:
    read = ARCHITECTURE.features + ARCHITECTURE.targets
    return Work(_gradient_product_flops() + _slope_flops(), 8 * read)


def _jacobian_work() -> Work:
    K, P = ARCHITECTURE.targets, ARCHITECTURE.parameters
    outer = sum(i * o for i, o in _layers())
    return Work(
        _forward_flops() + _slope_flops() + K * (_delta_flops() + outer),
        8 * (ARCHITECTURE.features + K * P),
    )


def _normal_equations_work(rows: int) -> Work:
    K, P = ARCHITECTURE.targets, ARCHITECTURE.parameters
    products = K * P * (P + 1) + K * 2 * P
    return Work(_jacobian_work().flops + products, 8 * (ARCHITECTURE.features + K + P**2 / rows))


def _network(theta: Array) -> Any:
    """θ as PyTorch has it."""
    modules: list[Any] = []
    for W, b in ARCHITECTURE.layers(theta):
        linear = torch.nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T.copy()))
            linear.bias.copy_(torch.from_numpy(b))
        modules += [linear, torch.nn.Tanh()]
    return torch.nn.Sequential(*modules[:-1])


def _torch_gradient(network: Any, rows: Rows) -> Call:
    X, Y = torch.from_numpy(rows.X), torch.from_numpy(rows.Y)

    def loss_and_gradient() -> Any:
        network.zero_grad()
        loss = torch.nn.functional.mse_loss(network(X), Y)
        loss.backward()
        return loss.item(), torch.cat([p.grad.flatten() for p in network.parameters()])

    return loss_and_gradient


def _torch_jacobians(network: Any) -> dict[str, Callable[[Any], Any]]:
    """J (N, P) of X by each way, all rows at once: in chunks `vmap` is slower."""
    parameters = {name: p.detach() for name, p in network.named_parameters()}

    def prediction(parameters: Any, x: Any) -> Any:
        return torch.func.functional_call(network, parameters, (x,))[0]

    def jacobian(derivative: Any) -> Callable[[Any], Any]:
        rows = torch.func.vmap(derivative(prediction), (None, 0))
        return lambda X: torch.cat([d.flatten(1) for d in rows(parameters, X).values()], dim=1)

    return {
        "vmap(grad)": jacobian(torch.func.grad),
        "vmap(jacrev)": jacobian(torch.func.jacrev),
    }


def _fastest(ways: dict[str, Callable[[Any], Any]], X: Any) -> tuple[str, Callable[[Any], Any]]:
    def seconds(name: str) -> float:
        return min(timeit.repeat(lambda: ways[name](X), number=1, repeat=7))

    name = min(ways, key=seconds)
    return name, ways[name]


def _torch_normal_equations(network: Any, jacobian: Callable[[Any], Any], rows: Rows) -> Call:
    X, Y = torch.from_numpy(rows.X), torch.from_numpy(rows.Y)

    def normal_equations() -> Any:
        J = jacobian(X)
        with torch.inference_mode():
            residuals = (network(X) - Y).flatten()
            scale = 2.0 / len(residuals)
            loss = residuals.square().mean().item()
            return loss, scale * (J.T @ residuals), scale * (J.T @ J)

    return normal_equations


def _check(each: Pass) -> None:
    """Both give the same. PyTorch's matrices of weights are numnet's transposed."""
    places = ARCHITECTURE.layers(np.arange(float(ARCHITECTURE.parameters)))
    order = np.concatenate([part for W, b in places for part in (W.T.ravel(), b)]).astype(int)
    for ours, theirs in zip(each.numnet(), each.torch(), strict=True):
        expected = np.asarray(ours)
        for axis, length in enumerate(expected.shape):
            if length == len(order):
                expected = expected.take(order, axis)
        assert np.allclose(np.asarray(theirs), expected, rtol=1e-9, atol=1e-12), each.name


def _parts(theta: Array, rows: Rows) -> dict[str, Call]:
    """The gradient pass taken apart: each part alone, in blocks and arrays of the same shapes."""
    matrices, sizes = ARCHITECTURE.matrices(theta), ARCHITECTURE.sizes
    part, gradient = np.zeros((2, len(theta)))
    products = ARCHITECTURE.matrices(part)
    rng = np.random.default_rng(1)
    blocks = {
        n: (
            [rng.uniform(-1.0, 1.0, (size + 1, n)) for size in sizes[:-1]],
            [rng.normal(size=(size, n)) for size in sizes[1:]],
            [rng.normal(size=(size, n)) for size in sizes[1:]],
        )
        for n in {len(block) for block in rows.blocks(BLOCK_ROWS)}
    }

    def matrix_products() -> None:
        for block in rows.blocks(BLOCK_ROWS):
            A, Z, delta = blocks[len(block)]
            for index, W in enumerate(matrices):
                np.matmul(W.T, A[index], out=Z[index])
                np.matmul(A[index], delta[index].T, out=products[index])
                if index:
                    np.dot(W[:-1], delta[index], out=Z[index - 1])

    def elementwise() -> None:
        for block in rows.blocks(BLOCK_ROWS):
            A, Z, delta = blocks[len(block)]
            A[0][:-1] = block.X.T
            np.subtract(delta[-1], block.Y.T, out=Z[-1])
            np.vdot(Z[-1], Z[-1])
            Z[-1] *= 2.0
            for outputs, slopes, deltas in zip(A[1:], Z, delta, strict=False):
                np.multiply(outputs[:-1], outputs[:-1], slopes)
                np.subtract(1.0, slopes, slopes)
                np.multiply(deltas, slopes, out=slopes)  # in place deltas would fade to nothing
            np.add(gradient, part, out=gradient)

    return {"matrix products": matrix_products, "elementwise": elementwise}


def _tanh_part(rows: int) -> Call:
    """tanh of the hidden layers of so many rows, in blocks as the passes take them."""
    lengths = [min(BLOCK_ROWS, rows - start) for start in range(0, rows, BLOCK_ROWS)]
    rng = np.random.default_rng(2)
    hidden = ARCHITECTURE.sizes[1:-1]
    layers = {
        n: [(rng.normal(size=(size, n)), np.empty((size, n))) for size in hidden]
        for n in set(lengths)
    }

    def tanh() -> None:
        for n in lengths:
            for Z, A in layers[n]:
                np.tanh(Z, A)

    return tanh


def _print_passes(
    passes: Sequence[Pass], seconds: dict[Any, list[float]], peak: float, bandwidth: float
) -> None:
    print("| pass | rows | | ns a row | ratio |\n|---|---|---|---|---|")
    notes = []
    for each in passes:
        ours, theirs = (seconds[each.name, each.rows, who] for who in ("numnet", "torch"))
        compute, memory = each.work.flops / peak, each.work.bytes / bandwidth
        tanh = [t / each.rows for t in seconds["tanh", each.rows]]
        bound = [(max(compute, memory) + t) * each.rows for t in tanh]
        for name, taken in (("numnet", ours), ("bound", bound), ("torch", theirs)):
            nanoseconds = spread([1e9 * t / each.rows for t in taken], ",.0f")
            ratios = [our / their for our, their in zip(ours, taken, strict=True)]
            ratio = "" if name == "numnet" else spread(ratios)
            print(f"| {each.name} | {each.rows:,} | {name} | {nanoseconds} | {ratio} |")
        notes.append(
            f"| {each.name} | {each.rows:,} | {each.work.flops:,.0f} | {1e9 * compute:,.1f} | "
            f"{each.work.bytes:,.0f} | {1e9 * memory:,.1f} | "
            f"{spread([1e9 * t for t in tanh], ',.1f')} |"
        )
    print("\nWhat the bound is made of, for each row:\n")
    print("| pass | rows | flops | ns at peak | bytes | ns at bandwidth | ns of tanh |")
    print("|---" * 7 + "|")
    print("\n".join(notes))


def _print_division(seconds: dict[Any, list[float]], peak: float, gradient: Pass) -> None:
    whole = seconds[gradient.name, gradient.rows, "numnet"]
    parts = {
        "matrix products": seconds["matrix products"],
        "tanh": seconds["tanh", gradient.rows],
        "other elementwise work": seconds["elementwise"],
    }
    shares = ", ".join(
        f"{name} {spread([p / w for p, w in zip(part, whole, strict=True)], '.0%')}"
        for name, part in parts.items()
    )
    rest = [1.0 - sum(turn) / w for *turn, w in zip(*parts.values(), whole, strict=True)]
    product_seconds = statistics.median(parts["matrix products"])
    speed = _gradient_product_flops() * gradient.rows / product_seconds / peak
    print(
        f"The gradient pass over {gradient.rows:,} rows, each part timed alone on the same shapes: "
        f"{shares}; what is left, calls and caches, {spread(rest, '.0%')}. "
        f"Its matrix products reach {speed:.0%} of the peak."
    )


if __name__ == "__main__":
    main()
