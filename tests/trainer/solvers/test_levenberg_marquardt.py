"""Levenberg-Marquardt against closed-form solutions, and its penalty against the evidence."""

import math

import numpy as np
import pytest

from network import Architecture, Array, Rows
from tests.trainer.solvers.problems import (
    CURVE,
    LINE,
    PROBLEMS,
    WEIGHTED_LINE,
    Problem,
    iterate,
    least_squares,
    loss_on,
    noisy_curve,
)
from trainer.solvers.levenberg_marquardt import LevenbergMarquardt
from trainer.solvers.objective import Objective

EVERY_PROBLEM = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)


@EVERY_PROBLEM
@pytest.mark.parametrize("penalty", [0.0, 0.01])
def test_every_iteration_reduces_the_objective(problem: Problem, penalty: float) -> None:
    objective = Objective(problem.architecture, problem.rows, penalty=penalty)
    solver = LevenbergMarquardt(problem.task(objective))
    values = [objective.value(solver.theta)]
    for _ in range(40):
        (iteration,) = iterate(solver, 1)
        if iteration.converged:
            break
        values.append(objective.value(solver.theta))
        assert iteration.loss == values[-1]
    assert (np.diff(values) <= 1e-14 * values[0]).all()  # the sums are rounded differently
    assert len(values) > 3


@pytest.mark.parametrize("problem", [LINE, WEIGHTED_LINE], ids=lambda problem: problem.name)
def test_a_linear_network_ends_at_the_normal_equations_solution(problem: Problem) -> None:
    solver = LevenbergMarquardt(problem.task())
    iterate(solver, 40)
    expected, _ = least_squares(problem.rows)
    np.testing.assert_allclose(solver.theta, expected, rtol=1e-8)


def ridge(rows: Rows, penalty: float) -> Array:
    """Return the θ that minimises Σr²/(K·N) + λ·|W|², without a penalty on biases."""
    A = np.column_stack([rows.X, np.ones(len(rows))])
    free = np.diag([*np.ones(rows.X.shape[1]), 0.0])
    W = np.linalg.solve(A.T @ A + penalty * rows.Y.size * free, A.T @ rows.Y)
    return np.asarray(W.ravel(), float)


@pytest.mark.parametrize("penalty", [1e-3, 0.1, 10.0])
def test_a_penalty_gives_the_solution_of_ridge_regression(penalty: float) -> None:
    objective = Objective(LINE.architecture, LINE.rows, penalty=penalty)
    solver = LevenbergMarquardt(LINE.task(objective))
    iterate(solver, 60)
    np.testing.assert_allclose(solver.theta, ridge(LINE.rows, penalty), rtol=1e-7)


def test_a_good_step_reduces_the_damping() -> None:
    solver = LevenbergMarquardt(LINE.task())
    first, second = iterate(solver, 2)
    assert second.step == pytest.approx(first.step / 3.0)


def test_acceleration_changes_steps_of_a_nonlinear_network_only() -> None:
    def velocity(problem: Problem) -> Array:
        objective, theta = problem.objective(), problem.start()
        _, gradient, B = objective.loss_and_normal_equations(theta)
        damping = 1e-2 * B.diagonal().max()
        return np.asarray(np.linalg.solve(B + damping * np.eye(len(B)), -gradient), float)

    line, curve = LevenbergMarquardt(LINE.task()), LevenbergMarquardt(CURVE.task())
    iterate(line, 1)
    iterate(curve, 1)
    np.testing.assert_allclose(line.theta, LINE.start() + velocity(LINE), rtol=1e-9)
    assert abs(curve.theta - CURVE.start() - velocity(CURVE)).max() > 1e-3


# --- Bayesian regularisation


def evidence(rows: Rows) -> tuple[float, float]:
    """Return α and β of a linear model with one target: MacKay 1992, eqs. 4.8 to 4.10, iterated."""
    A = np.column_stack([rows.X, np.ones(len(rows))])
    alpha, beta = 1.0, 1.0
    for _ in range(1000):
        H = beta * A.T @ A + alpha * np.eye(A.shape[1])
        w = beta * np.linalg.solve(H, A.T @ rows.Y[:, 0])
        gamma = A.shape[1] - alpha * np.trace(np.linalg.inv(H))
        residuals = A @ w - rows.Y[:, 0]
        alpha = gamma / float(w @ w)
        beta = (len(rows) - gamma) / float(residuals @ residuals)
    return alpha, beta


@pytest.mark.parametrize(("count", "noise"), [(30, 1.0), (400, 0.3)])
def test_the_penalty_of_a_linear_model_maximises_the_evidence(count: int, noise: float) -> None:
    rng = np.random.default_rng(8)
    X = rng.normal(size=(count, 5))
    rows = Rows(X, X @ rng.normal(0.0, 1.0, (5, 1)) + 0.7 + rng.normal(0.0, noise, (count, 1)))
    problem = Problem("known noise", Architecture((5, 1), "identity"), rows)
    solver = LevenbergMarquardt(problem.task(), bayesian=True)
    iterate(solver, 100)
    alpha, beta = evidence(rows)
    assert solver.state()["penalty"] == pytest.approx(alpha / (beta * count), rel=1e-4)
    assert beta**-0.5 == pytest.approx(noise, rel=0.3)


def test_bayesian_regularisation_overfits_less_than_plain_levenberg_marquardt() -> None:
    problem = noisy_curve(rows=60, seed=9, hidden=20)
    x = np.linspace(-1.7, 1.7, 400)[:, None]
    error = loss_on(Rows(x, np.sin(2.0 * x)), problem.architecture)
    plain = LevenbergMarquardt(problem.task())
    bayesian = LevenbergMarquardt(problem.task(), bayesian=True)
    iterate(plain, 150)
    iterate(bayesian, 150)
    assert error(bayesian.theta) < 0.5 * error(plain.theta)
    assert problem.objective().value(plain.theta) < problem.objective().value(bayesian.theta)


def test_bayesian_regularisation_ignores_and_keeps_the_penalty_of_the_objective() -> None:
    objective = Objective(CURVE.architecture, CURVE.rows, penalty=3.0)
    given, without = (
        LevenbergMarquardt(CURVE.task(each), bayesian=True)
        for each in (objective, CURVE.objective())
    )
    iterate(given, 10)
    iterate(without, 10)
    np.testing.assert_array_equal(given.theta, without.theta)
    assert objective.penalty == 3.0
    np.testing.assert_array_equal(objective.penalised, CURVE.objective().penalised)


@pytest.mark.parametrize("seed", range(4))
def test_pure_noise_is_predicted_by_the_mean(seed: int) -> None:
    rng = np.random.default_rng(seed)
    Y = rng.normal(size=(20, 1))
    rows = Rows(rng.normal(size=(20, 2)), (Y - Y.mean()) / Y.std())
    problem = Problem("noise", Architecture((2, 3, 1)), rows)
    solver = LevenbergMarquardt(problem.task(), bayesian=True)
    iterations = iterate(solver, 300)
    assert math.isfinite(solver.state()["penalty"])
    assert all(math.isfinite(iteration.loss) for iteration in iterations)
    assert problem.objective().value(solver.theta) == pytest.approx(1.0, abs=0.2)
