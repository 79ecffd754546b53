"""Learning-rate schedules: their start, middle and end, and that they never rise."""

import numpy as np
import pytest

from trainer.solvers.first_order.schedules import SCHEDULES


@pytest.mark.parametrize(
    ("name", "halfway", "end"),
    [
        ("constant", 1.0, 1.0),
        ("linear", 0.5, 0.0),
        ("cosine", 0.5, 0.0),
        ("exponential", 1e-3**0.5, 1e-3),
    ],
)
def test_schedule_decreases_from_one_to_its_end(name: str, halfway: float, end: float) -> None:
    schedule = SCHEDULES[name]
    factors = [schedule(progress) for progress in np.linspace(0.0, 1.0, 101)]
    assert factors[0] == 1.0
    assert factors[50] == pytest.approx(halfway)
    assert factors[-1] == pytest.approx(end, abs=1e-15)
    assert (np.diff(factors) <= 0).all()


def test_schedules_are_listed_under_their_own_names() -> None:
    assert list(SCHEDULES) == ["constant", "linear", "cosine", "exponential"]
