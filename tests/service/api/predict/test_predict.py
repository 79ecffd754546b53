"""`POST /predict` with JSON: correct predictions, and errors with clear reasons."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from flask import Flask
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from config import Settings
from network import Array, Model
from registry import Registry
from service.app import create_app
from tests.service import near_valid
from tests.service.problem_shape import assert_problem
from tests.service.small_models import (
    AWKWARD_FEATURES,
    FEATURES,
    random_rows,
    serve,
    small_model,
)

ROW = {"x1": 0.1, "x2": 0.2, "x3": 0.3, "x4": 0.4}


def serving(registry: Registry, folder: Path, model: Model, **settings: Any) -> Flask:
    serve(registry, model)
    return create_app(Settings(models=folder, **settings))


def post(app: Flask, body: Any, **arguments: Any) -> TestResponse:
    """Post bytes unchanged, and anything else as JSON."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    arguments = {"content_type": "application/json"} | arguments
    return app.test_client().post("/predict", data=content, **arguments)


def refused(answer: TestResponse, status: int, type_: str | None = None) -> dict[str, Any]:
    return assert_problem(
        answer.status_code, answer.data, dict(answer.headers), expected=status, type_=type_
    )


def row_of(values: Array) -> dict[str, float]:
    return dict(zip(FEATURES, values.tolist(), strict=True))


def outside(values: Array) -> list[str]:
    return [name for name, value in zip(FEATURES, values, strict=True) if abs(value) > 1.0]


def test_one_row_has_the_bits_of_predict(app: Flask, model: Model) -> None:
    X = random_rows(100)
    Y = model.predict(X)
    for values, y in zip(X, Y[:, 0].tolist(), strict=True):
        answer = post(app, row_of(values))
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.get_json() == {
            "prediction": y,
            "version": "1",
            "extrapolating": outside(values),
        }


def as_lists(X: Array) -> list[Any]:
    return list(X.tolist())


def as_objects(X: Array) -> list[Any]:
    return [row_of(x) for x in X]


def mixed(X: Array) -> list[Any]:
    return [row_of(x) if index % 3 else x.tolist() for index, x in enumerate(X)]


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 7, 16, 1000])
@pytest.mark.parametrize("form", [as_lists, as_objects, mixed])
def test_many_rows_have_the_bits_of_predict(
    app: Flask, model: Model, form: Callable[[Array], list[Any]], count: int
) -> None:
    X = random_rows(count)
    assert post(app, {"instances": form(X)}).get_json() == {
        "predictions": model.predict(X)[:, 0].tolist(),
        "version": "1",
        "extrapolating": [[row, name] for row, x in enumerate(X) for name in outside(x)],
    }


@pytest.mark.slow
@pytest.mark.parametrize("form", [as_lists, as_objects])
def test_a_hundred_thousand_rows(
    app: Flask, model: Model, form: Callable[[Array], list[Any]]
) -> None:
    X = random_rows(100_000).round(8)
    answer = orjson.loads(post(app, {"instances": form(X)}).data)
    assert np.array_equal(answer["predictions"], model.predict(X)[:, 0])
    row, column = np.argwhere(np.abs(X) > 1.0)[-1].tolist()
    assert answer["extrapolating"][-1] == [row, FEATURES[column]]
    assert len(answer["extrapolating"]) == (np.abs(X) > 1.0).sum()


def test_row_has_the_same_digits_alone_and_in_a_batch(app: Flask) -> None:
    X = random_rows(33)
    many = post(app, {"instances": X.tolist()}).data.decode()
    for values in X:
        alone = post(app, row_of(values)).data.decode()
        digits = alone.removeprefix('{"prediction":').partition(",")[0]
        assert digits in many


def test_order_of_names_does_not_matter(app: Flask) -> None:
    turned = dict(reversed(ROW.items()))
    assert post(app, turned).data == post(app, ROW).data
    assert post(app, {"instances": [turned]}).data == post(app, {"instances": [ROW]}).data


def test_integers_are_accepted(app: Flask, model: Model) -> None:
    expected = model.predict([[1.0, -1.0, 0.0, 1.0]])[0, 0].item()
    one = post(app, b'{"x1": 1, "x2": -1, "x3": 0, "x4": 1}').get_json()
    assert one == {"prediction": expected, "version": "1", "extrapolating": []}
    many = post(app, b'{"instances": [[1, -1, 0, 1], {"x1":1,"x2":-1,"x3":-0,"x4":1}]}').get_json()
    assert many["predictions"] == [expected] * 2


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_media_type_is_case_insensitive_and_may_have_parameters(
    app: Flask, content_type: str
) -> None:
    assert post(app, ROW, content_type=content_type).data == post(app, ROW).data


def test_several_targets_are_objects(registry: Registry, models: Path) -> None:
    targets = ("heat", "a/b", "é")
    model = small_model(targets=targets)
    app = serving(registry, models, model)
    X = random_rows(9)
    Y = [dict(zip(targets, y, strict=True)) for y in model.predict(X).tolist()]
    assert [post(app, row_of(x)).get_json()["prediction"] for x in X] == Y
    assert post(app, {"instances": X.tolist()}).get_json()["predictions"] == Y


def test_awkward_feature_names_are_accepted(registry: Registry, models: Path) -> None:
    model = small_model(AWKWARD_FEATURES)
    app = serving(registry, models, model)
    values = random_rows(1, len(AWKWARD_FEATURES))
    row = dict(zip(AWKWARD_FEATURES, values[0].tolist(), strict=True))
    names = [name for name, value in row.items() if abs(value) > 1.0]
    assert len(names) > 1
    y = model.predict(values)[0, 0].item()
    for body in (orjson.dumps(row), json.dumps(row).encode()):
        answer = post(app, body).get_json()
        assert answer == {"prediction": y, "version": "1", "extrapolating": names}
    answer = post(app, {"instances": [row]}).get_json()
    assert answer["predictions"] == [y]
    assert answer["extrapolating"] == [[0, name] for name in names]


def test_feature_called_instances_is_accepted(registry: Registry, models: Path) -> None:
    app = serving(registry, models, model := small_model(("instances", "a")))
    y = model.predict([[0.5, 0.25]])[0, 0].item()
    assert post(app, {"instances": 0.5, "a": 0.25}).get_json()["prediction"] == y
    rows = [[0.5, 0.25], {"a": 0.25, "instances": 0.5}]
    assert post(app, {"instances": rows}).get_json()["predictions"] == [y, y]
    wrong = refused(post(app, {"instances": "0.5", "a": 0.25}), 422)
    assert [error["pointer"] for error in wrong["errors"]] == ["/instances"]


@pytest.mark.parametrize(
    ("arguments", "status", "type_"),
    [
        ({"body": b"hello"}, 400, "/problems/bad-request"),
        ({"body": b'{"instances": [[NaN, 0, 0, 0]]}'}, 400, "/problems/bad-request"),
        ({"body": b"1".ljust(2001)}, 413, "/problems/content-too-large"),
        ({"content_type": "text/plain"}, 415, "/problems/unsupported-media-type"),
        ({"content_type": None}, 415, "/problems/unsupported-media-type"),
    ],
)
def test_unreadable_bodies_are_refused(
    registry: Registry, models: Path, arguments: dict[str, Any], status: int, type_: str
) -> None:
    app = serving(registry, models, small_model(), max_body_bytes=2000)
    refused(post(app, **{"body": ROW} | arguments), status, type_)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"instances": %s}' % (b"[" * 100_000 + b"]" * 100_000),
        b'{"x1":' * 100_000,
        b'{"x1": 1%s}' % (b"0" * 9999),
    ],
    ids=["lists", "lists in instances", "objects", "very long integer"],
)
def test_deeply_nested_or_very_long_json_is_400(app: Flask, body: bytes) -> None:
    assert "not JSON" in refused(post(app, body), 400)["detail"]


NUMBER = "must be a finite number, got "
NO_FEATURE = "is not a feature; expected x1, x2, x3, x4"
NO_OBJECT = "must be an object: one row, or `instances` with many; got "
NO_ROW = "must be an object or a list, with one number per feature; got "
NO_ROWS = "must be a list of rows, got "
WIDTH = "values; expected 4: x1, x2, x3, x4"
OVERFLOW = "is too far outside the range seen in training: the prediction is not finite"


def many(*rows: Any) -> dict[str, Any]:
    return {"instances": list(rows)}


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        pytest.param([], [("", NO_OBJECT + "[]")], id="top level a list"),
        pytest.param([[0, 0, 0, 0]], [("", NO_OBJECT + "[[0,0,0,0]]")], id="top level rows"),
        pytest.param(0.5, [("", NO_OBJECT + "0.5")], id="top level a number"),
        pytest.param("x", [("", NO_OBJECT + '"x"')], id="top level a string"),
        pytest.param(True, [("", NO_OBJECT + "true")], id="top level a boolean"),
        pytest.param(None, [("", NO_OBJECT + "null")], id="top level null"),
        pytest.param(
            {}, [(f"/x{n}", "is missing") for n in (1, 2, 3, 4)], id="an object with nothing"
        ),
        pytest.param({"x1": 0, "x2": 0, "x4": 0}, [("/x3", "is missing")], id="missing"),
        pytest.param(ROW | {"x5": 0}, [("/x5", NO_FEATURE)], id="unknown"),
        pytest.param(ROW | {"X1": 0}, [("/X1", NO_FEATURE)], id="another case"),
        pytest.param(ROW | {" x1": 0}, [("/ x1", NO_FEATURE)], id="space before"),
        pytest.param(ROW | {"x1 ": 0}, [("/x1 ", NO_FEATURE)], id="space behind"),
        pytest.param(ROW | {"x1\x00": 0}, [("/x1\x00", NO_FEATURE)], id="zero byte behind"),
        pytest.param(ROW | {"ｘ1": 0}, [("/ｘ1", NO_FEATURE)], id="full-width letter"),
        pytest.param(ROW | {"a/b~c": 0}, [("/a~1b~0c", NO_FEATURE)], id="escaped in the pointer"),
        pytest.param(
            b'{"x1": 1, "x2": 2, "x3": 3, "x4": 4, "x1": 1}',
            [("", '"x1" appears twice in one object')],
            id="duplicated",
        ),
        pytest.param(
            b'{"x1": 1, "x2": 2, "x3": 3, "x4": 4, "x\\u0031": 1}',
            [("", '"x1" appears twice in one object')],
            id="duplicated in another spelling",
        ),
        pytest.param(
            {"X1": 1, "x2": 2, "x3": 3, "x4": 4},
            [("/X1", NO_FEATURE), ("/x1", "is missing")],
            id="another case in place of a name",
        ),
        pytest.param(ROW | {"x2": "0.5"}, [("/x2", NUMBER + '"0.5"')], id="string number"),
        pytest.param(ROW | {"x2": "NaN"}, [("/x2", NUMBER + '"NaN"')], id="NaN as a string"),
        pytest.param(ROW | {"x2": ""}, [("/x2", NUMBER + '""')], id="empty string"),
        pytest.param(ROW | {"x2": True}, [("/x2", NUMBER + "true")], id="true"),
        pytest.param(ROW | {"x2": False}, [("/x2", NUMBER + "false")], id="false"),
        pytest.param(ROW | {"x2": None}, [("/x2", NUMBER + "null")], id="null"),
        pytest.param(ROW | {"x2": [0.5]}, [("/x2", NUMBER + "[0.5]")], id="list as a number"),
        pytest.param(ROW | {"x2": {}}, [("/x2", NUMBER + "{}")], id="object as a number"),
        pytest.param(
            ROW | {"x1": "a", "x4": None},
            [("/x1", NUMBER + '"a"'), ("/x4", NUMBER + "null")],
            id="two wrong values",
        ),
        pytest.param(many(), [("/instances", "must have at least one row")], id="zero rows"),
        pytest.param({"instances": None}, [("/instances", NO_ROWS + "null")], id="instances null"),
        pytest.param({"instances": 5}, [("/instances", NO_ROWS + "5")], id="instances a number"),
        pytest.param({"instances": ROW}, [("/instances", NO_ROWS)], id="instances an object"),
        pytest.param(
            {"instances": "x"}, [("/instances", NO_ROWS + '"x"')], id="instances a string"
        ),
        pytest.param(
            many([0, 0, 0, 0]) | {"more": 1},
            [("/more", "is unknown; expected `instances` alone")],
            id="unknown beside instances",
        ),
        pytest.param(
            many([0, 0, 0, 0]) | {"x1": 1},
            [("/x1", "is unknown; expected `instances` alone")],
            id="a feature beside instances",
        ),
        pytest.param(
            b'{"instances": [[0, 0, 0, 0]], "instances": [[0, 0, 0, 0]]}',
            [("", '"instances" appears twice in one object')],
            id="instances twice",
        ),
        pytest.param(
            many([0, 0, 0], [0, 0, 0, 0]), [("/instances/0", f"has 3 {WIDTH}")], id="ragged rows"
        ),
        pytest.param(
            many([0, 0, 0, 0, 0]), [("/instances/0", f"has 5 {WIDTH}")], id="rows too wide"
        ),
        pytest.param(
            many([0], [1]),
            [(f"/instances/{n}", f"has 1 {WIDTH}") for n in (0, 1)],
            id="rows too narrow",
        ),
        pytest.param(many([]), [("/instances/0", f"has 0 {WIDTH}")], id="an empty row"),
        pytest.param(many(5), [("/instances/0", NO_ROW)], id="a number as a row"),
        pytest.param(many(None), [("/instances/0", NO_ROW)], id="null as a row"),
        pytest.param(many("abcd"), [("/instances/0", NO_ROW)], id="a string as a row"),
        pytest.param(
            many([[0, 0, 0, 0]]), [("/instances/0", f"has 1 {WIDTH}")], id="nested one too deep"
        ),
        pytest.param(
            many([[0], 0, 0, 0]), [("/instances/0/0", NUMBER + "[0]")], id="a list as a cell"
        ),
        pytest.param(
            many([0, 0, 0, 0], [0, "1", 0, True], ROW | {"x3": None}),
            [
                ("/instances/1/1", NUMBER + '"1"'),
                ("/instances/1/3", NUMBER + "true"),
                ("/instances/2/x3", NUMBER + "null"),
            ],
            id="cells of many rows",
        ),
        pytest.param(
            many(ROW, {"x1": 0, "x2": 0, "x3": 0, "x5": 0}),
            [("/instances/1/x4", "is missing"), ("/instances/1/x5", NO_FEATURE)],
            id="names of many rows",
        ),
        pytest.param(
            b'{"x1": %s, "x2": 0, "x3": 0, "x4": [1]}' % (b"7" * 300),
            [("/x4", NUMBER + "[1]")],
            id="a huge integer is a number",
        ),
        pytest.param(
            ROW | {"x1": "a" * 99},
            [("/x1", NUMBER + '"' + "a" * 38 + "…")],
            id="a long string is cut",
        ),
    ],
)
def test_wrong_values_are_422_with_pointers(
    app: Flask, body: Any, errors: list[tuple[str, str]]
) -> None:
    document = refused(post(app, body), 422, "/problems/invalid-input")
    found = sorted((error["pointer"], error["detail"]) for error in document["errors"])
    assert [pointer for pointer, _ in found] == [pointer for pointer, _ in errors]
    for (_, detail), (_, expected) in zip(found, errors, strict=True):
        assert detail.startswith(expected)
    count = len(errors)
    assert document["detail"] == ("1 value is wrong" if count == 1 else f"{count} values are wrong")
    assert document["title"] == "Invalid input"
    assert post(app, document["example"]).status_code == 200


def test_at_most_twenty_errors_are_listed_and_the_detail_says_so(app: Flask) -> None:
    document = refused(post(app, many(*[["a"] * 4] * 1000)), 422)
    assert [error["pointer"] for error in document["errors"]] == [
        f"/instances/{row}/{column}" for row in range(5) for column in range(4)
    ]
    assert document["detail"] == "at least 20 values are wrong"
    assert "at least" not in refused(post(app, many(*[["a", 0, 0, 0]] * 19)), 422)["detail"]


def test_unknown_query_parameter_is_422(app: Flask) -> None:
    for query in ("explanation=true", "%FF=1", "intervall", "=", "a=%00"):
        document = refused(post(app, ROW, query_string=query), 422)
        assert len(document["errors"]) == 1
        assert document["errors"][0]["detail"] == "is not a query parameter"
    document = refused(post(app, ROW, query_string="intervall=0.9&interval=0.9"), 422)
    assert [error["parameter"] for error in document["errors"]] == ["intervall"]


def test_prediction_that_overflows_is_422(registry: Registry, models: Path) -> None:
    app = serving(registry, models, small_model(activation="relu", gain=1e10))
    far, near = [1e305, -1e305, 1e305, -1e305], [0.0] * 4
    one = refused(post(app, dict(zip(FEATURES, far, strict=True))), 422)
    assert one["errors"] == [{"pointer": "", "detail": OVERFLOW}]
    rows = refused(post(app, many(near, far, near, far)), 422)
    assert rows["errors"] == [
        {"pointer": f"/instances/{row}", "detail": OVERFLOW} for row in (1, 3)
    ]
    assert rows["detail"] == "2 values are wrong"
    assert len(refused(post(app, many(*[far] * 50)), 422)["errors"]) == 20


def test_without_a_model_predict_is_503_with_instructions(models: Path) -> None:
    app = create_app(Settings(models=models))
    for body in (ROW, many([0, 0, 0, 0]), {"x9": 1}):
        answer = post(app, body)
        document = refused(answer, 503, "/problems/no-model")
        assert "trainer/train.py" in document["detail"]
        assert int(answer.headers["Retry-After"]) > 0
    refused(post(app, b"{"), 400)
    refused(post(app, ROW, content_type="text/plain"), 415)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: (
        st.lists(values)
        | st.dictionaries(st.text() | st.sampled_from([*FEATURES, "instances"]), values)
    ),
    max_leaves=12,
)
CELLS = st.floats() | st.integers() | JSON_VALUES
ROWS = st.lists(CELLS, min_size=3, max_size=5) | st.fixed_dictionaries(
    dict.fromkeys(FEATURES, CELLS), optional={"x5": CELLS}
)
DOCUMENTS = JSON_VALUES | ROWS | st.fixed_dictionaries({"instances": st.lists(ROWS) | JSON_VALUES})


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Valid JSON with a few bytes inserted, or a part removed."""
    text = json.dumps(draw(DOCUMENTS), ensure_ascii=draw(st.booleans()))
    body = text.encode("utf-8", "surrogatepass")
    start, stop = sorted(draw(st.tuples(*[st.integers(0, len(body))] * 2)))
    return body[:start] + draw(st.binary(max_size=4)) + body[draw(st.sampled_from([start, stop])) :]


DEPTH_BEHIND_A_REPEATED_NAME = b'{"instances":%s,"instances":[[1,2,3,4]]}' % (
    b"[" * 1000 + b"]" * 1000
)


@pytest.mark.slow
@given(
    body=st.binary()
    | DOCUMENTS.map(lambda document: json.dumps(document).encode())
    | near_valid.one_row_bodies()
    | damaged(),
    content_type=st.sampled_from(["application/json"] * 8 + ["text/json", "application/json;;="])
    | st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"])),
    query=st.just("") | st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=9),
)
@example(DEPTH_BEHIND_A_REPEATED_NAME, "application/json", "")
@example(b'{"instances":[{"_schema":1}]}', "application/json", "")
@settings(max_examples=300)
def test_no_input_yields_a_500(app: Flask, body: bytes, content_type: str, query: str) -> None:
    answer = post(app, body, content_type=content_type, query_string=query)
    if answer.status_code == 200:
        assert orjson.loads(answer.data)["version"] == "1"
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["X-Request-ID"]
    else:
        assert answer.status_code in {400, 413, 415, 422}
        refused(answer, answer.status_code)
