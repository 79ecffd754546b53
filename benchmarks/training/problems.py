"""Test problems for solvers: functions from the literature, sampled uniformly.

Each problem is a function on a box, with the hidden layers of the network that learns it, the
number of rows, and the noise that its source adds.

References
    Friedman (1991), Multivariate adaptive regression splines, Annals of Statistics 19(1).
    Breiman (1996), Bagging predictors, Machine Learning 24: the same three with their noise.
    Ishigami & Homma (1990), An importance quantification technique in uncertainty analysis for
        computer models, ISUMA '90. a = 7, b = 0.1: Crestaux, Le Maître & Martinez (2009).
    Dixon & Szegő (1978), Towards Global Optimization 2: Branin's function.
    Morris, Mitchell & Ylvisaker (1993), Bayesian design and analysis of computer experiments,
        Technometrics 35(3): the borehole.
    MacKay (1992), A practical Bayesian framework for backpropagation networks, Neural
        Computation 4(3): the robot arm.
    Surjanovic & Bingham, Virtual Library of Simulation Experiments, sfu.ca/~ssurjano: Ishigami,
        Branin and borehole in this notation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Columns = Sequence[Array]  # one (N,) per feature


@dataclass(frozen=True)
class Problem:
    """A function on a box, and the network and rows that learn it."""

    name: str
    features: tuple[str, ...]
    targets: tuple[str, ...]
    function: Callable[[Columns], Array]  # to (N,), or (k, N) for k > 1 targets
    bounds: tuple[tuple[float, float], ...]  # (low, high) per feature
    noise: float  # standard deviation, in the target's unit
    layers: tuple[int, ...]  # hidden neurons
    rows: int
    source: str

    def draw(self, seed: int, rows: int | None = None) -> tuple[Array, Array]:
        """Return X (rows, d), uniform in the bounds, and Y (rows, k) = truth + noise·N(0, 1)."""
        rng = np.random.default_rng(seed)
        low, high = np.array(self.bounds).T
        X = rng.uniform(low, high, (self.rows if rows is None else rows, len(low)))
        Y = self.truth(X)
        return X, Y + self.noise * rng.standard_normal(Y.shape)

    def truth(self, X: Array) -> Array:
        """Return the function (N, k) without noise for X (N, d), unscaled."""
        return np.atleast_2d(self.function(tuple(X.T))).T


def shipped(x: Columns) -> Array:
    """sin(3·x1) + x2²·cos(3·x3) + x4³, the task that numnet ships."""
    x1, x2, x3, x4 = x
    return np.sin(3.0 * x1) + x2**2 * np.cos(3.0 * x3) + x4**3


def friedman1(x: Columns) -> Array:
    """10·sin(π·x1·x2) + 20·(x3 − ½)² + 10·x4 + 5·x5; x6 to x10 have no effect."""
    x1, x2, x3, x4, x5 = x[:5]
    return 10.0 * np.sin(np.pi * x1 * x2) + 20.0 * (x3 - 0.5) ** 2 + 10.0 * x4 + 5.0 * x5


def friedman2(x: Columns) -> Array:
    """|Z| = √(R² + (ωL − 1/(ωC))²), the impedance of a series circuit."""
    R, omega, L, C = x
    return np.sqrt(R**2 + (omega * L - 1.0 / (omega * C)) ** 2)


def friedman3(x: Columns) -> Array:
    """arctan((ωL − 1/(ωC)) / R), the phase angle of the same circuit, in radians."""
    R, omega, L, C = x
    return np.arctan2(omega * L - 1.0 / (omega * C), R)


def ishigami(x: Columns) -> Array:
    """sin(x1) + a·sin²(x2) + b·x3⁴·sin(x1) with a = 7, b = 0.1."""
    x1, x2, x3 = x
    return np.sin(x1) + 7.0 * np.sin(x2) ** 2 + 0.1 * x3**4 * np.sin(x1)


def branin(x: Columns) -> Array:
    """(x2 − 5.1/(4π²)·x1² + 5/π·x1 − 6)² + 10·(1 − 1/(8π))·cos(x1) + 10."""
    x1, x2 = x
    valley = x2 - 5.1 / (4.0 * np.pi**2) * x1**2 + 5.0 / np.pi * x1 - 6.0
    return valley**2 + 10.0 * (1.0 - 1.0 / (8.0 * np.pi)) * np.cos(x1) + 10.0


def borehole(x: Columns) -> Array:
    """2πTu(Hu − Hl) / [ln(r/rw)·(1 + 2·L·Tu/(ln(r/rw)·rw²·Kw) + Tu/Tl)], m³ a year."""
    rw, r, Tu, Hu, Tl, Hl, L, Kw = x
    spread = np.log(r / rw)
    resistance = spread * (1.0 + 2.0 * L * Tu / (spread * rw**2 * Kw) + Tu / Tl)
    return 2.0 * np.pi * Tu * (Hu - Hl) / resistance


def noisy_sine(x: Columns) -> Array:
    """sin(x)."""
    return np.sin(x[0])


def robot_arm(x: Columns) -> Array:
    """The end point of a planar arm of two links: r1·(cos, sin)(θ1) + r2·(cos, sin)(θ1 + θ2).

    r1 = 2.0 and r2 = 1.3, as in MacKay, who excludes θ1 in (−0.453, 0.453); here it is included.
    """
    theta1, theta2 = x
    angle = theta1 + theta2
    return np.stack(
        [
            2.0 * np.cos(theta1) + 1.3 * np.cos(angle),
            2.0 * np.sin(theta1) + 1.3 * np.sin(angle),
        ]
    )


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"x{index}" for index in range(1, count + 1))


_CIRCUIT = ("R", "omega", "L", "C")
_CIRCUIT_BOUNDS = ((0.0, 100.0), (40.0 * np.pi, 560.0 * np.pi), (0.0, 1.0), (1.0, 11.0))

PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem(
            name="shipped",
            features=_numbered(4),
            targets=("y",),
            function=shipped,
            bounds=((-1.0, 1.0),) * 4,
            noise=0.0,
            layers=(32, 16),
            rows=5_000,
            source="numnet",
        ),
        Problem(
            name="friedman1",
            features=_numbered(10),
            targets=("y",),
            function=friedman1,
            bounds=((0.0, 1.0),) * 10,
            noise=1.0,
            layers=(16,),
            rows=2_000,
            source="Friedman (1991)",
        ),
        Problem(
            name="friedman2",
            features=_CIRCUIT,
            targets=("impedance",),
            function=friedman2,
            bounds=_CIRCUIT_BOUNDS,
            noise=125.0,
            layers=(16,),
            rows=1_000,
            source="Friedman (1991), noise of Breiman (1996)",
        ),
        Problem(
            name="friedman3",
            features=_CIRCUIT,
            targets=("phase",),
            function=friedman3,
            bounds=_CIRCUIT_BOUNDS,
            noise=0.1,
            layers=(16,),
            rows=1_000,
            source="Friedman (1991), noise of Breiman (1996)",
        ),
        Problem(
            name="ishigami",
            features=_numbered(3),
            targets=("y",),
            function=ishigami,
            bounds=((-np.pi, np.pi),) * 3,
            noise=0.0,
            layers=(32, 16),
            rows=3_000,
            source="Ishigami & Homma (1990)",
        ),
        Problem(
            name="branin",
            features=_numbered(2),
            targets=("y",),
            function=branin,
            bounds=((-5.0, 10.0), (0.0, 15.0)),
            noise=0.0,
            layers=(16, 16),
            rows=1_000,
            source="Dixon & Szegő (1978)",
        ),
        Problem(
            name="borehole",
            features=("rw", "r", "Tu", "Hu", "Tl", "Hl", "L", "Kw"),
            targets=("flow",),
            function=borehole,
            bounds=(
                (0.05, 0.15),  # radius of the borehole, m
                (100.0, 50_000.0),  # radius of influence, m
                (63_070.0, 115_600.0),  # transmissivity of the upper aquifer, m²/a
                (990.0, 1_110.0),  # potentiometric head of the upper aquifer, m
                (63.1, 116.0),  # transmissivity of the lower aquifer, m²/a
                (700.0, 820.0),  # potentiometric head of the lower aquifer, m
                (1_120.0, 1_680.0),  # length of the borehole, m
                (9_855.0, 12_045.0),  # hydraulic conductivity of the borehole, m/a
            ),
            noise=0.0,
            layers=(16,),
            rows=2_000,
            source="Morris, Mitchell & Ylvisaker (1993)",
        ),
        Problem(
            name="noisy-sine",
            features=("x",),
            targets=("y",),
            function=noisy_sine,
            bounds=((-np.pi, np.pi),),
            noise=0.1,
            layers=(16,),
            rows=200,
            source="numnet",
        ),
        Problem(
            name="two-outputs",
            features=("theta1", "theta2"),
            targets=("y1", "y2"),
            function=robot_arm,
            bounds=((-1.932, 1.932), (0.534, 3.142)),
            noise=0.0,
            layers=(16,),
            rows=500,
            source="MacKay (1992)",
        ),
    )
}
