"""The gradient and the Jacobian pass beside the machine's bound and PyTorch: 4-32-16-1, tanh.

The bound of a pass is the longer of two times, plus the measured time of its tanh, which is no
matrix product: its floating-point operations at the peak of a large matrix product, or its
compulsory bytes at the bandwidth of a large copy. `pass_work.py` counts both. All passes run in one
thread, in float64, in turns in one process.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import statistics
import timeit
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks.numerics.pass_parts import gradient_parts, tanh_part
from benchmarks.numerics.pass_work import (
    ARCHITECTURE,
    Work,
    gradient_product_flops,
    gradient_work,
    jacobian_work,
    normal_equations_work,
)
from benchmarks.numerics.torch_passes import (
    Call,
    fastest_jacobian,
    torch_gradient,
    torch_network,
    torch_normal_equations,
)
from benchmarks.report import machine, spread
from network import Array, Backpropagation, Jacobian, Rows, initial_parameters

ROWS, MANY_ROWS = 4_000, 100_000
TURNS = 21
SECONDS_PER_TIMING = 0.01
PRODUCT_SIZE = 1_000  # of the square matrices whose product gives the peak
COPIED_BYTES = 2**28


@dataclass(frozen=True)
class Pass:
    """A pass over a number of rows: its work, and the calls that numnet and PyTorch make."""

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
    passes, torch_jacobian = _passes(theta, many[:ROWS], many)
    for each in passes:
        _check(each)
    seconds = _take_turns(
        {
            **_bound_calls(rng),
            **{(each.name, each.rows, "numnet"): each.numnet for each in passes},
            **{(each.name, each.rows, "torch"): each.torch for each in passes},
            **{("tanh", n): tanh_part(n) for n in (ROWS, MANY_ROWS)},
            **gradient_parts(theta, many[:ROWS]),
        }
    )
    peak = 2.0 * PRODUCT_SIZE**3 / min(seconds["product"])
    bandwidth = 2.0 * COPIED_BYTES / min(seconds["copy"])
    print(machine("numpy", "torch"))
    print(
        f"ns a row, median [quartiles] of {TURNS} turns; ratio: numnet's time to it; "
        f"J by torch.func: {torch_jacobian}\n"
        f"bound: {peak / 1e9:.0f} GFlop/s, {bandwidth / 1e9:.1f} GB/s, the best of the turns\n"
    )
    _print_passes(passes, seconds, peak, bandwidth)
    print()
    _print_division(seconds, peak, passes[0])


def _bound_calls(rng: np.random.Generator) -> dict[str, Call]:
    """Return a large matrix product and a large copy."""
    left, right = rng.normal(size=(2, PRODUCT_SIZE, PRODUCT_SIZE))
    source = np.ones(COPIED_BYTES // 8)
    target = np.empty_like(source)
    return {"product": lambda: left @ right, "copy": lambda: np.copyto(target, source)}


def _take_turns(calls: dict[Any, Call]) -> dict[Any, list[float]]:
    """Return the seconds per call in each turn."""
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
    """Return the passes, and the name of the faster way to a Jacobian in `torch.func`."""
    network = torch_network(theta)
    backpropagation, jacobian = Backpropagation(ARCHITECTURE), Jacobian(ARCHITECTURE)
    X = torch.from_numpy(rows.X)
    chosen, torch_jacobian = fastest_jacobian(network, X)
    return [
        *(
            Pass(
                "gradient",
                len(some),
                gradient_work(),
                partial(backpropagation.loss_and_gradient, theta, some),
                torch_gradient(network, some),
            )
            for some in (rows, many)
        ),
        Pass(
            "Jacobian",
            len(rows),
            jacobian_work(),
            lambda: (jacobian.of(theta, rows.X),),
            lambda: (torch_jacobian(X),),
        ),
        Pass(
            "JᵀJ",
            len(rows),
            normal_equations_work(len(rows)),
            lambda: jacobian.normal_equations(theta, rows),
            torch_normal_equations(network, torch_jacobian, rows),
        ),
    ], chosen


def _check(each: Pass) -> None:
    """Assert that both return the same. PyTorch's weight matrices are numnet's transposed."""
    places = ARCHITECTURE.layers(np.arange(float(ARCHITECTURE.parameters)))
    order = np.concatenate([part for W, b in places for part in (W.T.ravel(), b)]).astype(int)
    for ours, theirs in zip(each.numnet(), each.torch(), strict=True):
        expected = np.asarray(ours)
        for axis, length in enumerate(expected.shape):
            if length == len(order):
                expected = expected.take(order, axis)
        assert np.allclose(np.asarray(theirs), expected, rtol=1e-9, atol=1e-12), each.name


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
    speed = gradient_product_flops() * gradient.rows / product_seconds / peak
    print(
        f"The gradient pass over {gradient.rows:,} rows, each part timed alone on the same shapes: "
        f"{shares}; what is left, calls and caches, {spread(rest, '.0%')}. "
        f"Its matrix products reach {speed:.0%} of the peak."
    )


if __name__ == "__main__":
    main()
