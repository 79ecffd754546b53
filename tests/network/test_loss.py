"""The loss is the mean over rows and targets, without a factor ½."""

import numpy as np

from network.loss import mean_squared_error, mean_squared_error_gradient

RESIDUALS = np.array([[1.0, -2.0], [3.0, 0.0], [0.5, 4.0]])


def test_loss_is_the_mean_square_over_rows_and_targets() -> None:
    assert mean_squared_error(RESIDUALS) == (1 + 4 + 9 + 0 + 0.25 + 16) / 6


def test_gradient_is_two_residuals_over_their_count() -> None:
    out = np.empty_like(RESIDUALS)
    mean_squared_error_gradient(RESIDUALS, out)
    np.testing.assert_allclose(out, RESIDUALS / 3, rtol=1e-15)


def test_gradient_may_write_over_the_residuals() -> None:
    residuals = RESIDUALS.copy()
    mean_squared_error_gradient(residuals, residuals)
    np.testing.assert_allclose(residuals, RESIDUALS / 3, rtol=1e-15)
