from dataclasses import replace

import numpy as np
import onnx
import pytest

from export import NotExportable, write
from network import Model, Scaling
from tests.export.models import EXAMPLES, LEVEL
from tests.export.onnx.runtime import session, source
from tests.single_network import network

FOLDED = [
    name
    for name, example in EXAMPLES.items()
    if isinstance(example.model, Model)
    and example.model.encoding is None
    and example.model.architecture.activation not in {"gelu", "silu"}
]


@pytest.mark.parametrize("name", FOLDED)
def test_a_folded_network_predicts_as_the_model(name: str) -> None:
    example = EXAMPLES[name]
    content = write(source(example, None, "folded"), "onnx")
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    (found,) = session(content).run(None, {"x": example.X})
    example.assert_close(found, example.expected()[0])


def test_a_folded_network_has_products_sums_and_activations_alone() -> None:
    content = write(source(EXAMPLES["network relu"], None, "folded"), "onnx")
    graph = onnx.load_from_string(content).graph
    kinds = [node.op_type for node in graph.node]
    assert kinds == ["MatMul", "Add", "Relu", "MatMul", "Add", "Relu", "MatMul", "Add"]
    assert [node.name for node in graph.node] == [node.output[0] for node in graph.node]
    assert [(each.name, each.doc_string) for each in graph.input] == [("x", "x1, x2, x3")]
    shape = [dim.dim_param or dim.dim_value for dim in graph.input[0].type.tensor_type.shape.dim]
    assert shape == ["N", 3]


def test_weights_that_overflow_are_refused() -> None:
    example = EXAMPLES["network tanh"]
    model = network(example.model)
    tiny = Scaling(np.zeros(3), np.full(3, 1e-308))
    with np.errstate(over="ignore"):
        small = replace(example, model=replace(model, feature_scaling=tiny))
    with pytest.raises(NotExportable, match="the folded weights overflow"):
        write(source(small, None, "folded"), "onnx")


@pytest.mark.parametrize(
    ("name", "level", "why"),
    [
        ("ensemble", None, "only one network can be folded"),
        ("network of mixed columns", None, "features are numbers without missing cells"),
        ("network gelu", None, "activation gelu cannot be folded; expected one of tanh, relu"),
        ("network silu", None, "activation silu cannot be folded"),
        ("network tanh", LEVEL, "no prediction intervals"),
    ],
)
def test_what_cannot_be_folded_is_refused(name: str, level: float | None, why: str) -> None:
    with pytest.raises(NotExportable, match=why):
        write(source(EXAMPLES[name], level, "folded"), "onnx")
