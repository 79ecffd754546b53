"""The same passes with PyTorch."""

import timeit
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.numerics.pass_work import ARCHITECTURE
from network import Array, Rows

Call = Callable[[], Any]


def torch_network(theta: Array) -> Any:
    """Return a PyTorch network with the parameters θ."""
    modules: list[Any] = []
    for W, b in ARCHITECTURE.layers(theta):
        linear = torch.nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T.copy()))
            linear.bias.copy_(torch.from_numpy(b))
        modules += [linear, torch.nn.Tanh()]
    return torch.nn.Sequential(*modules[:-1])


def torch_gradient(network: Any, rows: Rows) -> Call:
    """Return a call that computes loss and gradient."""
    X, Y = torch.from_numpy(rows.X), torch.from_numpy(rows.Y)

    def loss_and_gradient() -> Any:
        network.zero_grad()
        loss = torch.nn.functional.mse_loss(network(X), Y)
        loss.backward()
        return loss.item(), torch.cat([p.grad.flatten() for p in network.parameters()])

    return loss_and_gradient


def _jacobians(network: Any) -> dict[str, Callable[[Any], Any]]:
    """Return calls that compute J (N, P) for X, all rows at once, as `vmap` is slower in chunks."""
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


def fastest_jacobian(network: Any, X: Any) -> tuple[str, Callable[[Any], Any]]:
    """Return the name and the call of the fastest way to a Jacobian in `torch.func`."""
    ways = _jacobians(network)

    def seconds(name: str) -> float:
        return min(timeit.repeat(lambda: ways[name](X), number=1, repeat=7))

    name = min(ways, key=seconds)
    return name, ways[name]


def torch_normal_equations(network: Any, jacobian: Callable[[Any], Any], rows: Rows) -> Call:
    """Return a call that computes loss, Jᵀr and JᵀJ."""
    X, Y = torch.from_numpy(rows.X), torch.from_numpy(rows.Y)

    def normal_equations() -> Any:
        J = jacobian(X)
        with torch.inference_mode():
            residuals = (network(X) - Y).flatten()
            scale = 2.0 / len(residuals)
            loss = residuals.square().mean().item()
            return loss, scale * (J.T @ residuals), scale * (J.T @ J)

    return normal_equations
