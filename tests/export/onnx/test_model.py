from dataclasses import replace

import onnx
import pytest

from export import write
from network import Column
from tests.export.models import EXAMPLES, LEVEL, Example
from tests.export.onnx.runtime import inputs_of, session, source
from tests.single_network import network


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> Example:
    return EXAMPLES[request.param]


def test_onnxruntime_predicts_as_the_model(example: Example) -> None:
    content = write(source(example), "onnx")
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    found = session(content).run(["prediction", "lower", "upper"], inputs_of(example))
    for computed, expected in zip(found, example.expected(LEVEL), strict=True):
        example.assert_close(computed, expected)


def test_without_a_level_there_is_only_the_prediction(example: Example) -> None:
    (found,) = session(write(source(example, None), "onnx")).run(None, inputs_of(example))
    example.assert_close(found, example.expected()[0])


def test_one_row_can_be_predicted(example: Example) -> None:
    inputs = {name: cells[:1] for name, cells in inputs_of(example).items()}
    (found,) = session(write(source(example, None), "onnx")).run(None, inputs)
    assert found.shape == (1, len(example.model.targets))


def test_the_inputs_are_the_features() -> None:
    content = write(source(EXAMPLES["network of mixed columns"]), "onnx")
    described = {
        each.name: (each.type.tensor_type.elem_type, each.doc_string)
        for each in onnx.load_from_string(content).graph.input
    }
    double, text = onnx.TensorProto.DOUBLE, onnx.TensorProto.STRING
    assert described == {
        "bright ness/%": (double, "a number in %"),
        "colour": (text, "a text"),
        "1st": (double, "0 or 1"),
        "day": (double, "days since 1970-01-01 in UTC"),
        "select": (double, "a number"),
    }


def test_the_file_says_whose_version_it_is() -> None:
    model = onnx.load_from_string(write(source(EXAMPLES["network of two targets"]), "onnx"))
    assert (model.ir_version, model.model_version, model.producer_name) == (8, 7, "numnet")
    assert {(each.domain, each.version) for each in model.opset_import} == {
        ("", 17),
        ("ai.onnx.ml", 3),
    }
    assert {each.key: each.value for each in model.metadata_props} == {
        "model": "houses",
        "version": "7",
        "features": '["x1", "x2", "x3"]',
        "targets": '["y 1", "y 2"]',
        "level": "0.9",
    }
    assert model.doc_string == "version 7 of the model houses: predicts y 1, y 2"


def test_features_may_have_the_names_of_outputs_and_nodes() -> None:
    example = EXAMPLES["network tanh"]
    columns = tuple(map(Column, ("prediction", "n2", "lower")))
    renamed = replace(example, model=replace(network(example.model), columns=columns))
    found = session(write(source(renamed), "onnx"))
    assert [each.name for each in found.get_outputs()] == ["prediction_", "lower_", "upper"]
    (computed,) = found.run(["prediction_"], inputs_of(renamed))
    example.assert_close(computed, example.expected()[0])


def test_an_empty_text_may_be_a_category() -> None:
    example = EXAMPLES["network of mixed columns"]
    columns = list(example.model.columns)
    columns[1] = replace(columns[1], values=("red", "", "green", "blue"))
    model = replace(network(example.model), columns=tuple(columns))
    made = replace(example, model=model, X=example.X[example.X[:, 1] == 1.0])
    assert made.cells(0)["colour"] == ""
    found = session(write(source(made, None), "onnx")).run(None, inputs_of(made))
    made.assert_close(found[0], made.expected()[0])
