"""Floating-point operations and compulsory bytes of a pass, for each row.

For layers of i inputs and o outputs, P parameters and K targets, a row takes these operations:

    forward pass        Σ (2·i + 1)·o                product and bias
    Δ of hidden layers  Σ 2·i·o and Σ 3·i, l ≥ 1     Wₗ·Δₗ, and ∘ (1 − A²)
    ∂L/∂W, ∂L/∂b        Σ (2·i + 1)·o                Aₗ·Δₗᵀ
    rows of J           K·Σ i·o                      Aₗ ⊗ Δₗ
    JᵀJ and Jᵀr         K·P·(P + 1) + K·2·P          half of JᵀJ, which is symmetric

and these bytes: its features and, except for J, its targets are read; J is written, K·P float64;
JᵀJ is written once for all rows.
"""

from dataclasses import dataclass
from itertools import pairwise

from network import Architecture

ARCHITECTURE = Architecture((4, 32, 16, 1), "tanh")


@dataclass(frozen=True)
class Work:
    """What a pass needs at least, for each row."""

    flops: float
    bytes: float


def _layers() -> list[tuple[int, int]]:
    return list(pairwise(ARCHITECTURE.sizes))


def _forward_flops() -> int:
    return sum((2 * i + 1) * o for i, o in _layers())


def _delta_flops() -> int:
    return sum(2 * i * o for i, o in _layers()[1:])


def _slope_flops() -> int:
    return sum(3 * i for i, _ in _layers()[1:])


def gradient_product_flops() -> int:
    return 2 * _forward_flops() + _delta_flops()


def gradient_work() -> Work:
    read = ARCHITECTURE.features + ARCHITECTURE.targets
    return Work(gradient_product_flops() + _slope_flops(), 8 * read)


def jacobian_work() -> Work:
    K, P = ARCHITECTURE.targets, ARCHITECTURE.parameters
    outer = sum(i * o for i, o in _layers())
    return Work(
        _forward_flops() + _slope_flops() + K * (_delta_flops() + outer),
        8 * (ARCHITECTURE.features + K * P),
    )


def normal_equations_work(rows: int) -> Work:
    K, P = ARCHITECTURE.targets, ARCHITECTURE.parameters
    products = K * P * (P + 1) + K * 2 * P
    return Work(jacobian_work().flops + products, 8 * (ARCHITECTURE.features + K + P**2 / rows))
