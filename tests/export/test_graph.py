import re

import pytest

from export.errors import NotExportable
from export.graph import Cells, graph_of
from export.graph.operations import sources
from network import LevelError
from tests.export.graph_values import values_of
from tests.export.models import EXAMPLES, LEVEL, Example

IDENTIFIER = re.compile(r"[a-z]\w*", re.ASCII)


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> Example:
    return EXAMPLES[request.param]


def test_a_graph_predicts_as_its_model(example: Example) -> None:
    graph = graph_of(example.model)
    assert (graph.outputs, graph.level) == (("y",), None)
    example.assert_close(values_of(graph, example.X)["y"], example.expected()[0])


def test_a_graph_has_the_ends_of_intervals(example: Example) -> None:
    graph = graph_of(example.model, example.calibration, LEVEL)
    values = values_of(graph, example.X)
    assert (graph.outputs, graph.level) == (("y", "lower", "upper"), LEVEL)
    for name, expected in zip(graph.outputs, example.expected(LEVEL), strict=True):
        example.assert_close(values[name], expected)


def test_operations_read_what_was_computed_before(example: Example) -> None:
    known: list[str] = []
    graph = graph_of(example.model, example.calibration, LEVEL)
    for operation in graph:
        assert set(sources(operation)) <= set(known)
        assert operation.out not in known
        assert IDENTIFIER.fullmatch(operation.out)
        known.append(operation.out)
    assert isinstance(graph.operations[0], Cells)
    used = {name for operation in graph for name in sources(operation)}
    assert used | set(graph.outputs) == set(known)


def test_a_level_needs_a_calibration() -> None:
    with pytest.raises(NotExportable, match="was not calibrated"):
        graph_of(EXAMPLES["ensemble"].model, None, LEVEL)


def test_a_level_must_be_one_that_the_calibration_guarantees() -> None:
    example = EXAMPLES["ensemble"]
    with pytest.raises(LevelError, match=r"at most 0\.99"):
        graph_of(example.model, example.calibration, 0.999)


def test_a_kind_of_model_that_is_not_known_is_refused() -> None:
    with pytest.raises(NotExportable, match="a object, which has no other form"):
        graph_of(object())  # type: ignore[arg-type]
