"""Training of the scale of an ensemble's errors, on residuals whose scale is known."""

import numpy as np
import pytest

from network import Array
from trainer.certainty.error_scale import FittedScale, fit_error_scale
from trainer.errors import Interrupted

Rows = tuple[Array, Array, Array]


def rows(count: int, seed: int, *, growing: bool = True) -> Rows:
    """Return inputs, predictions and targets; the noise grows with the first input."""
    rng = np.random.default_rng(seed)
    Z, Y_hat = rng.normal(size=(count, 3)), rng.normal(size=(count, 2))
    sizes = 0.3 * np.exp(Z[:, :1] if growing else np.zeros((count, 1)))
    return Z, Y_hat, Y_hat + sizes * rng.normal(size=(count, 2))


def fit(parts: Rows, jobs: int = 1) -> FittedScale:
    return fit_error_scale(*parts, seed=0, jobs=jobs)


def test_the_scale_follows_the_noise() -> None:
    fitted = fit(rows(1_500, 1))
    Z, Y_hat, _ = rows(500, 2)
    assert fitted.error_scale is not None
    logs = np.log(fitted.error_scale.of(Z, Y_hat))
    for each in logs.T:
        assert np.corrcoef(each, Z[:, 0])[0, 1] > 0.95
        assert np.polyfit(Z[:, 0], each, 1)[0] == pytest.approx(1.0, abs=0.25)


def test_the_sizes_are_out_of_fold_and_agree_with_those_of_new_rows() -> None:
    parts = rows(1_500, 1)
    fitted = fit(parts)
    assert fitted.error_scale is not None
    again = fitted.error_scale.of(*parts[:2])
    assert again.tobytes() != fitted.sizes.tobytes()
    np.testing.assert_allclose(np.log(again), np.log(fitted.sizes), atol=0.8)
    assert np.median(abs(np.log(again) - np.log(fitted.sizes))) < 0.1


def test_sizes_that_do_not_differ_are_found_to_be_nearly_equal() -> None:
    fitted = fit(rows(1_000, 1, growing=False))
    assert np.log(fitted.sizes).std() < 0.1


def test_the_same_seed_gives_the_same_bits_with_any_number_of_jobs() -> None:
    parts = rows(200, 1)
    first, second = fit(parts, jobs=1), fit(parts, jobs=3)
    assert first.sizes.tobytes() == second.sizes.tobytes()


def test_a_training_that_is_cut_short_is_noted() -> None:
    assert fit(rows(200, 1)).notes == ()
    notes = fit_error_scale(*rows(200, 1), seed=0, jobs=1, seconds=0.0).notes
    assert notes == ("the time limit allowed 1 of up to 50 epochs",)


def test_residuals_that_are_all_zero_give_equal_sizes() -> None:
    Z, Y_hat, _ = rows(60, 1)
    fitted = fit((Z, Y_hat, Y_hat))
    assert np.ptp(fitted.sizes) == 0.0


def test_a_poll_can_stop_the_training() -> None:
    def poll() -> None:
        raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        fit_error_scale(*rows(60, 1), seed=0, jobs=1, poll=poll)
