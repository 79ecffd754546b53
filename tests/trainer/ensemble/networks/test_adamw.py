"""AdamW against the formulas of its papers."""

import numpy as np

from network import Array
from trainer.ensemble.networks.adamw import BETA1, BETA2, CHUNK, EPSILON, AdamW

FAST, FACTOR, DECAYED = 3, 6.0, 5


def textbook(theta: Array, gradients: list[Array], rate: float, decay: float) -> Array:
    """Loshchilov & Hutter, algorithm 2, with rates and decays that differ among parameters."""
    index = np.arange(len(theta))
    rates = rate * np.where(index < FAST, FACTOR, 1.0)
    decays = np.where(index < DECAYED, 0.0, rate * decay)
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t, g in enumerate(gradients, start=1):
        m = BETA1 * m + (1.0 - BETA1) * g
        v = BETA2 * v + (1.0 - BETA2) * g * g
        m_hat, v_hat = m / (1.0 - BETA1**t), v / (1.0 - BETA2**t)
        theta = theta - decays * theta - rates * m_hat / (np.sqrt(v_hat) + EPSILON)
    return theta


def test_steps_are_those_of_the_paper() -> None:
    rng = np.random.default_rng(0)
    theta = rng.normal(size=CHUNK + 100)  # more than one pass
    gradients = [rng.normal(size=len(theta)) for _ in range(5)]
    expected = textbook(theta, gradients, 0.01, 0.3)
    adam = AdamW(theta, FAST, FACTOR, DECAYED)
    for gradient in gradients:
        adam.step(theta, gradient, 0.01, 0.3)
    np.testing.assert_allclose(theta, expected, rtol=1e-10)


def test_a_restored_instance_takes_the_same_steps() -> None:
    rng = np.random.default_rng(0)
    gradients = [rng.normal(size=10) for _ in range(4)]
    theta = np.ones(10)
    adam = AdamW(theta, FAST, FACTOR, DECAYED)
    for gradient in gradients[:2]:
        adam.step(theta, gradient, 0.01, 0.3)
    again, other = theta.copy(), AdamW(theta, FAST, FACTOR, DECAYED)
    other.restore(adam.state())
    for gradient in gradients[2:]:
        adam.step(theta, gradient, 0.01, 0.3)
        other.step(again, gradient, 0.01, 0.3)
    assert again.tobytes() == theta.tobytes()


def test_a_parameter_without_gradient_does_not_move() -> None:
    theta = np.ones(10, np.float32)
    AdamW(theta, FAST, FACTOR, DECAYED).step(theta, np.zeros(10, np.float32), 0.01, 0.0)
    assert (theta == 1.0).all()
