"""Trainings with scikit-learn's and PyTorch's solvers, recorded while they run.

Each takes X (N, d) and Y (N, k), standardised float64 (columns of mean 0 and standard deviation
1), the hidden layers, a seed, and a time limit in seconds. Its network has tanh in the hidden
layers and a linear output. It returns a trace: the weights at times since the start of the fit. A
solver that has not converged within the limit is stopped.
"""

import functools
import itertools
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from benchmarks.training.fit_recording import Array, Layers, Recording, Trace

# The best settings of each solver for the example task (4,000 rows, layers 32 and 16) on two cores.
# Threads, by the median time of one loss and gradient, one thread against two, in turns:
SKLEARN_THREADS = 1  # L-BFGS, 4,000 rows: 3.9 ms against 8.4; Adam: no difference
TORCH_THREADS = 1  # L-BFGS, 4,000 rows: 1.52 ms against 1.37; Adam, 256 rows: 0.24 against 0.26;
# two threads wait for each other, which makes L-BFGS over ten times slower on a busy machine
# Learning rates and batch sizes, by the error after 4 to 5 s:
SKLEARN_ADAM_RATE = 5e-3  # among 1e-3 to 1e-2; its default, 1e-3, is three times as slow to 1e-3
TORCH_ADAM_RATE = 2e-2  # among 5e-3, 1e-2, 2e-2
TORCH_ADAM_BATCH = 256  # among 64, 128, 256, 1,000
TORCH_LBFGS_HISTORY = 100  # 10, 50 and 100 within 20 % on one seed, 100 the best on another

Rival = Callable[[Array, Array, Sequence[int], int, float], Trace]


def sklearn_adam(X: Array, Y: Array, layers: Sequence[int], seed: int, seconds: float) -> Trace:
    """Train with `MLPRegressor(solver="adam")` in batches of 200, with a snapshot per epoch."""
    regressor = _regressor(layers, seed, solver="adam", learning_rate_init=SKLEARN_ADAM_RATE)
    recording = Recording(seconds)

    def after_epoch(*_: object) -> None:
        recording.visit(lambda: _sklearn_layers(regressor.coefs_, regressor.intercepts_))

    regressor._update_no_improvement_count = after_epoch
    with _sklearn(), recording.running():
        regressor.fit(X, Y.ravel() if Y.shape[1] == 1 else Y)
    return recording.trace


def sklearn_lbfgs(X: Array, Y: Array, layers: Sequence[int], seed: int, seconds: float) -> Trace:
    """Train with `MLPRegressor(solver="lbfgs")`, SciPy's L-BFGS-B; a snapshot per lower loss.

    It converges when an iteration improves the loss by less than SciPy's default `ftol`, 2.2e-9,
    which scikit-learn does not expose.
    """
    regressor = _regressor(layers, seed, solver="lbfgs", max_fun=10**9)
    recording = Recording(seconds)
    evaluate = regressor._loss_grad_lbfgs

    def loss_and_gradient(*arguments: object) -> tuple[float, Array]:
        loss, gradient = evaluate(*arguments)
        recording.visit(
            lambda: _sklearn_layers(regressor.coefs_, regressor.intercepts_), float(loss)
        )
        return loss, gradient

    regressor._loss_grad_lbfgs = loss_and_gradient
    with _sklearn(), recording.running():
        regressor.fit(X, Y.ravel() if Y.shape[1] == 1 else Y)
    return recording.trace


def torch_adam(X: Array, Y: Array, layers: Sequence[int], seed: int, seconds: float) -> Trace:
    """Train with `torch.optim.Adam`, fused, in shuffled mini-batches, with cosine annealing to 0.

    The learning rate is annealed over the time limit.
    """
    _warm_up_torch()
    with _torch_threads(TORCH_THREADS):
        inputs, outputs = torch.from_numpy(X), torch.from_numpy(Y)
        recording = Recording(seconds)
        generator = torch.Generator().manual_seed(seed)
        network = _network(X.shape[1], layers, Y.shape[1], generator)
        optimizer = torch.optim.Adam(network.parameters(), lr=TORCH_ADAM_RATE, fused=True)
        with recording.running():
            while True:
                order = torch.randperm(len(inputs), generator=generator)
                batches = zip(
                    inputs[order].split(TORCH_ADAM_BATCH),
                    outputs[order].split(TORCH_ADAM_BATCH),
                    strict=True,
                )
                for batch, expected in batches:
                    share = min(1.0, recording.elapsed() / seconds)
                    rate = 0.5 * TORCH_ADAM_RATE * (1.0 + math.cos(math.pi * share))
                    optimizer.param_groups[0]["lr"] = rate
                    optimizer.zero_grad()
                    torch.nn.functional.mse_loss(network(batch), expected).backward()
                    optimizer.step()
                    recording.visit(lambda: _torch_layers(network))
    return recording.trace


def torch_lbfgs(X: Array, Y: Array, layers: Sequence[int], seed: int, seconds: float) -> Trace:
    """Train with `torch.optim.LBFGS`, strong Wolfe line search; a snapshot per lower loss."""
    _warm_up_torch()
    with _torch_threads(TORCH_THREADS):
        inputs, outputs = torch.from_numpy(X), torch.from_numpy(Y)
        recording = Recording(seconds)
        generator = torch.Generator().manual_seed(seed)
        network = _network(X.shape[1], layers, Y.shape[1], generator)
        optimizer = torch.optim.LBFGS(
            network.parameters(),
            max_iter=10**9,
            max_eval=10**9,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            history_size=TORCH_LBFGS_HISTORY,
            line_search_fn="strong_wolfe",
        )

        def loss_and_gradient() -> torch.Tensor:
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(network(inputs), outputs)
            loss.backward()
            recording.visit(lambda: _torch_layers(network), loss.item())
            return loss

        with recording.running():
            optimizer.step(loss_and_gradient)
    return recording.trace


RIVALS: dict[str, Rival] = {
    "scikit-learn Adam": sklearn_adam,
    "scikit-learn L-BFGS": sklearn_lbfgs,
    "PyTorch Adam": torch_adam,
    "PyTorch L-BFGS": torch_lbfgs,
}


@contextmanager
def _sklearn() -> Iterator[None]:
    with threadpool_limits(SKLEARN_THREADS), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _regressor(layers: Sequence[int], seed: int, **settings: object) -> MLPRegressor:
    """Return a regressor without weight decay and without early stopping."""
    return MLPRegressor(
        hidden_layer_sizes=tuple(layers),
        activation="tanh",
        alpha=0.0,
        tol=0.0,
        max_iter=10**9,
        n_iter_no_change=10**9,
        random_state=seed,
        **settings,
    )


def _sklearn_layers(coefs: Sequence[Array], intercepts: Sequence[Array]) -> Layers:
    return [(W.copy(), b.copy()) for W, b in zip(coefs, intercepts, strict=True)]


def _network(
    features: int, layers: Sequence[int], targets: int, generator: torch.Generator
) -> torch.nn.Sequential:
    """Return a network with Glorot-initialised weights (Glorot & Bengio 2010) and zero biases."""
    modules: list[torch.nn.Module] = []
    for inputs, neurons in itertools.pairwise((features, *layers, targets)):
        linear = torch.nn.Linear(inputs, neurons, dtype=torch.float64)
        torch.nn.init.xavier_uniform_(linear.weight, generator=generator)
        torch.nn.init.zeros_(linear.bias)
        modules += [linear, torch.nn.Tanh()]
    return torch.nn.Sequential(*modules[:-1])


def _torch_layers(network: torch.nn.Sequential) -> Layers:
    return [
        (linear.weight.detach().numpy().T.copy(), linear.bias.detach().numpy().copy())
        for linear in network[::2]
    ]


@functools.cache
def _warm_up_torch() -> None:
    """Take a first optimizer step, which imports much of PyTorch, before a fit's clock starts."""
    parameter = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    for optimizer in (torch.optim.Adam([parameter], fused=True), torch.optim.LBFGS([parameter])):

        def closure(optimizer: torch.optim.Optimizer = optimizer) -> torch.Tensor:
            optimizer.zero_grad()
            loss = parameter.square().sum()
            loss.backward()
            return loss

        optimizer.step(closure)


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
