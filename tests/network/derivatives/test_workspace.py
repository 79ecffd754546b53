"""The forward pass and the chain rule of one block, in reused buffers."""

import weakref

import numpy as np
import pytest

from network import Architecture, Array
from network.derivatives.workspace import BLOCK_ROWS, Workspace, Workspaces
from tests.network import textbook
from tests.network.problems import (
    EVERY_ACTIVATION,
    EVERY_DEPTH,
    EVERY_OUTPUT_COUNT,
    HIDDEN,
    SQUARED,
    assert_close,
    problem,
)


def chain_rule(
    architecture: Architecture, workspace: Workspace, theta: Array, delta: Array
) -> Array:
    """Return the derivative with respect to θ, from that with respect to the outputs."""
    gradient = np.zeros(architecture.parameters)
    parts = architecture.matrices(gradient)
    for index, A, layer_delta in workspace.backward(architecture.matrices(theta), delta):
        parts[index] += A @ layer_delta.T
    return gradient


@EVERY_ACTIVATION
@EVERY_DEPTH
@EVERY_OUTPUT_COUNT
def test_forward_is_the_textbook_forward_pass_one_row_per_column(
    activation: str, depth: int, outputs: int
) -> None:
    architecture, theta, rows = problem(activation, depth, outputs)
    Y_hat = Workspace(architecture, len(rows)).forward(architecture.matrices(theta), rows.X)
    assert_close(Y_hat, textbook.predictions(architecture, theta, rows.X).T)


@EVERY_ACTIVATION
@EVERY_DEPTH
def test_backward_is_the_textbook_chain_rule(activation: str, depth: int) -> None:
    architecture, theta, rows = problem(activation, depth, outputs=3)
    workspace = Workspace(architecture, len(rows))
    residuals = workspace.forward(architecture.matrices(theta), rows.X) - rows.Y.T
    workspace.prepare()
    got = chain_rule(architecture, workspace, theta, 2 * residuals / residuals.size)
    assert_close(got, textbook.gradient(SQUARED, architecture, theta, rows))


@EVERY_ACTIVATION
def test_backward_can_be_repeated_and_does_not_change_delta(activation: str) -> None:
    architecture, theta, rows = problem(activation)
    workspace = Workspace(architecture, len(rows))
    workspace.forward(architecture.matrices(theta), rows.X)
    workspace.prepare()
    first, second = np.random.default_rng(0).normal(size=(2, 2, len(rows)))
    for delta in (first, second):
        delta.setflags(write=False)
    once = chain_rule(architecture, workspace, theta, first)
    chain_rule(architecture, workspace, theta, second)
    assert chain_rule(architecture, workspace, theta, first).tobytes() == once.tobytes()


@EVERY_DEPTH
def test_backward_goes_from_the_last_layer_to_the_first(depth: int) -> None:
    architecture, theta, rows = problem(depth=depth)
    workspace = Workspace(architecture, len(rows))
    delta = workspace.forward(architecture.matrices(theta), rows.X)
    workspace.prepare()
    expected = [
        (index, (architecture.sizes[index] + 1, 30), (architecture.sizes[index + 1], 30))
        for index in range(len(HIDDEN[depth]), -1, -1)
    ]
    passed = workspace.backward(architecture.matrices(theta), delta)
    assert [(index, A.shape, delta.shape) for index, A, delta in passed] == expected


@EVERY_ACTIVATION
def test_used_workspace_gives_the_same_bits_as_a_new_one(activation: str) -> None:
    architecture, theta, rows = problem(activation)
    used = Workspace(architecture, len(rows))
    delta = used.forward(architecture.matrices(theta + 1.0), rows.X - 5.0)
    used.prepare()
    chain_rule(architecture, used, theta + 1.0, delta)
    results = []
    for workspace in (used, Workspace(architecture, len(rows))):
        Y_hat = workspace.forward(architecture.matrices(theta), rows.X)
        workspace.prepare()
        results.append((Y_hat.tobytes(), chain_rule(architecture, workspace, theta, Y_hat)))
    assert results[0][0] == results[1][0]
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_rows_may_have_any_memory_order() -> None:
    architecture, theta, rows = problem()
    workspace = Workspace(architecture, len(rows))
    matrices = architecture.matrices(theta)
    expected = workspace.forward(matrices, rows.X).tobytes()
    backwards = np.ascontiguousarray(rows.X[::-1])
    for same in (np.asfortranarray(rows.X), backwards[::-1]):
        assert workspace.forward(matrices, same).tobytes() == expected


def never() -> None:
    """Poll without ever raising."""


def test_cache_of_workspaces_is_bounded() -> None:
    workspaces = Workspaces(Architecture((2, 3, 1)), never)
    references = [weakref.ref(workspaces.of(count)) for count in range(1, 61)]
    assert 1 <= sum(reference() is not None for reference in references) <= 4


def test_workspace_of_a_full_block_stays_in_the_cache() -> None:
    workspaces = Workspaces(Architecture((2, 3, 1)), never)
    full = workspaces.of(BLOCK_ROWS)
    for remainder in range(1, 12):
        assert workspaces.of(BLOCK_ROWS) is full
        workspaces.of(remainder)
    assert workspaces.of(BLOCK_ROWS) is full


def test_poll_is_called_for_every_workspace() -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        Workspaces(Architecture((2, 3, 1)), stop).of(5)
