"""Every protocol takes categories, booleans, dates and missing cells as the training file has them.

The prediction has the bits of the model's own for the same numbers.
"""

import io
import math
import struct
from typing import Any

import numpy as np
import orjson
import pytest
from flask import Response
from flask.testing import FlaskClient
from numpy.lib.recfunctions import repack_fields
from werkzeug.test import TestResponse

from network import UNSEEN, Column
from registry import Registry
from tests.service.conftest import MakeClient
from tests.service.small_models import DAY, promote, random_rows, serve, small_model, table_model

MODEL = table_model()
NAMES = list(MODEL.features)
ROWS: list[list[Any]] = [
    [0.5, "red", True, "02/01/2024"],
    [None, "sea: green", False, "2024-01-01"],
    [-0.25, "blue", "no", "2024-01-01T12:00:00Z"],
    [7, "blue", "yes", "31/12/2024"],
]
X = np.array(
    [
        [0.5, 0, 1, DAY + 1],
        [math.nan, 2, 0, DAY],
        [-0.25, 1, 0, DAY + 0.5],
        [7, 1, 1, DAY + 365],
    ]
)
Y = MODEL.predict(X)[:, 0].tolist()
RECORDS = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
TURNED = [row[::-1] for row in ROWS]
BY_COLUMN = {
    name: list(column) for name, column in zip(NAMES, zip(*ROWS, strict=True), strict=True)
}
JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
CSV_BODY = (
    "colour,size,sold,new\n"
    "red,0.5,02/01/2024,TRUE\n"
    '"sea: green",,2024-01-01,no\n'
    " blue ,-0.25,2024-01-01T12:00:00Z,False\n"
    "blue,7,31/12/2024,Yes\n"
)
TEXTS = [["0.5", "red", "yes", "02/01/2024"], ["NA", "sea: green", "0", "2024-01-01"]]
TENSORS = {"size": "FP64", "colour": "BYTES", "new": "BOOL", "sold": "BYTES"}


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def with_fields() -> Any:
    """Return the rows as an array with a field for each column."""
    days = np.array(["2024-01-02T00", "2024-01-01T00", "2024-01-01T12", "2024-12-31T00"])
    types = [("colour", "<U10"), ("sold", "<M8[h]"), ("size", "<f4"), ("new", "?")]
    array = np.zeros(4, types)
    array["colour"] = [row[1] for row in ROWS]
    array["sold"], array["size"], array["new"] = days, X[:, 0], X[:, 2]
    return array


def tensors(rows: list[list[Any]] = ROWS, **members: Any) -> dict[str, Any]:
    """Return a request of the Open Inference Protocol with one JSON tensor for each feature."""
    inputs = []
    for (name, datatype), column in zip(TENSORS.items(), zip(*rows, strict=True), strict=True):
        values = list(column)
        if datatype == "BOOL":
            values = [{"no": False, "yes": True}.get(each, each) for each in values]
        inputs.append({"name": name, "shape": [len(rows)], "datatype": datatype, "data": values})
    return {"inputs": inputs, **members}


def text_bytes(texts: list[str]) -> bytes:
    encoded = [text.encode() for text in texts]
    return b"".join(struct.pack("<I", len(text)) + text for text in encoded)


def binary_tensors(**parts: bytes) -> tuple[bytes, str]:
    """Return a body with binary tensors, and the size of its JSON."""
    content = {
        "size": X[:, 0].tobytes(),
        "colour": text_bytes([row[1] for row in ROWS]),
        "new": X[:, 2].astype(np.uint8).tobytes(),
        "sold": text_bytes([row[3] for row in ROWS]),
    } | parts
    inputs = [
        {
            "name": name,
            "shape": [4, 1],
            "datatype": TENSORS[name],
            "parameters": {"binary_data_size": len(part)},
        }
        for name, part in content.items()
    ]
    document = orjson.dumps({"inputs": inputs})
    return document + b"".join(content.values()), str(len(document))


@pytest.fixture
def client(make_client: MakeClient, registry: Registry) -> FlaskClient:
    """The client of a service that names categories that training had not."""
    serve(registry, MODEL)
    return make_client()


@pytest.fixture
def strict(make_client: MakeClient, registry: Registry) -> FlaskClient:
    """The client of a service that refuses them."""
    serve(registry, MODEL)
    return make_client(unseen_categories="refuse")


def post(
    client: FlaskClient, path: str, body: Any, kind: str = JSON, **headers: str
) -> TestResponse:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return client.post(path, data=content, headers={"Content-Type": kind} | headers)


def predictions(answer: TestResponse) -> list[float]:
    assert answer.status_code == 200, answer.text
    document = answer.get_json()
    found: list[Any] = document["outputs" if "outputs" in document else "predictions"]
    return found[0]["data"] if isinstance(found[0], dict) else found


PREDICT, INVOKE = "/predict", "/invocations"
TF, INFER = "/v1/models/numnet:predict", "/v2/models/numnet/infer"


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        (PREDICT, {"instances": RECORDS}, JSON),
        (PREDICT, {"instances": ROWS}, JSON),
        (PREDICT, {"instances": [RECORDS[0], *ROWS[1:]]}, JSON),
        (PREDICT, CSV_BODY.encode(), CSV),
        (PREDICT, npy(with_fields()), NPY),
        (INVOKE, {"dataframe_split": {"columns": NAMES, "data": ROWS}}, JSON),
        (INVOKE, {"dataframe_records": RECORDS}, JSON),
        (INVOKE, {"instances": ROWS}, JSON),
        (INVOKE, {"inputs": BY_COLUMN}, JSON),
        (INVOKE, CSV_BODY.encode(), CSV),
        (INVOKE, npy(with_fields()), NPY),
        (TF, {"instances": RECORDS}, JSON),
        (TF, {"inputs": BY_COLUMN}, JSON),
        (TF, {"inputs": {name: [[cell] for cell in BY_COLUMN[name]] for name in NAMES}}, JSON),
        (INFER, tensors(), JSON),
    ],
)
def test_every_protocol_has_the_same_predictions(
    client: FlaskClient, path: str, body: Any, kind: str
) -> None:
    assert predictions(post(client, path, body, kind)) == Y


def test_each_row_has_the_same_prediction_alone(client: FlaskClient) -> None:
    for record, y in zip(RECORDS, Y, strict=True):
        present = {name: cell for name, cell in record.items() if cell is not None}
        for row in (record, present):
            assert post(client, PREDICT, row).get_json()["prediction"] == y


def test_columns_of_a_split_may_have_any_order(client: FlaskClient) -> None:
    split = {"columns": NAMES[::-1], "data": TURNED}
    undocumented = FlaskClient(client.application, Response)  # the document has one order alone
    assert predictions(post(undocumented, INVOKE, {"dataframe_split": split})) == Y


def test_binary_tensors_have_the_same_predictions(client: FlaskClient) -> None:
    body, length = binary_tensors()
    answer = post(client, INFER, body, **{"Inference-Header-Content-Length": length})
    assert predictions(answer) == Y


def test_texts_may_be_words_for_missing_and_true(client: FlaskClient) -> None:
    expected = MODEL.predict(np.array([[0.5, 0, 1, DAY + 1], [math.nan, 2, 0, DAY]]))[:, 0]
    answer = post(client, PREDICT, npy(np.array(TEXTS)), NPY)
    assert predictions(answer) == expected.tolist()
    for delimiter in ",;\t|":
        lines = "\n".join(map(delimiter.join, TEXTS)).encode()  # without a header
        assert predictions(post(client, INVOKE, lines, CSV)) == expected.tolist()


@pytest.mark.parametrize("delimiter", list(",;\t|"))
@pytest.mark.parametrize("above", ["", "Sales 2024\n\n"])
def test_invocations_take_the_dialects_of_training_files(
    client: FlaskClient, delimiter: str, above: str
) -> None:
    expected = predictions(post(client, INVOKE, CSV_BODY.encode(), CSV))
    body = above + CSV_BODY.replace(",", delimiter)
    assert predictions(post(client, INVOKE, body.encode(), CSV)) == expected


def test_columns_with_gaps_may_be_absent(client: FlaskClient) -> None:
    absent = X.copy()
    absent[:, 0] = math.nan
    expected = MODEL.predict(absent)[:, 0].tolist()
    names, rows = NAMES[1:], [row[1:] for row in ROWS]
    by_column = {name: BY_COLUMN[name] for name in names}
    lines = "".join(
        f"{line.split(',')[0]},{line.split(',', 2)[2]}\n" for line in CSV_BODY.split("\n")[:-1]
    )
    array = repack_fields(with_fields()[["colour", "sold", "new"]])
    inputs = [each for each in tensors()["inputs"] if each["name"] != "size"]
    for path, body, kind in (
        (PREDICT, {"instances": [dict(zip(names, row, strict=True)) for row in rows]}, JSON),
        (PREDICT, lines.encode(), CSV),
        (PREDICT, npy(array), NPY),
        (TF, {"inputs": by_column}, JSON),
        (INFER, {"inputs": inputs}, JSON),
    ):
        assert predictions(post(client, path, body, kind)) == expected, (path, kind)


UNSEEN_ROWS = [[0.5, "red", True, "02/01/2024"], [9.0, "mauve", True, "02/01/2024"]]
UNSEEN_CSV = b"size,colour,new,sold\n0.5,red,yes,02/01/2024\n9,mauve,yes,02/01/2024\n"


def test_unseen_categories_are_named(client: FlaskClient) -> None:
    x = np.array([[0.5, 0, 1, DAY + 1], [9, UNSEEN, 1, DAY + 1]])
    document = post(client, PREDICT, {"instances": UNSEEN_ROWS}).get_json()
    assert document["predictions"] == MODEL.predict(x)[:, 0].tolist()
    assert document["extrapolating"] == [[1, "size"]]
    assert document["unseen"] == [[1, "colour"]]
    row = dict(zip(NAMES, UNSEEN_ROWS[1], strict=True))
    document = post(client, PREDICT, row).get_json()
    assert (document["extrapolating"], document["unseen"]) == (["size"], ["colour"])
    table = post(client, PREDICT, UNSEEN_CSV, CSV, Accept=CSV)
    assert [line.split(",", 1)[1] for line in table.text.split()] == [
        "extrapolating,unseen",
        ",",
        "size,colour",
    ]
    for answer in (
        table,
        post(client, PREDICT, UNSEEN_CSV, CSV, Accept=NPY),
        post(client, INVOKE, UNSEEN_CSV, CSV),
        post(client, TF, {"instances": UNSEEN_ROWS}),
    ):
        assert answer.headers["X-Unseen-Rows"] == "1"
    document = post(client, INFER, tensors(UNSEEN_ROWS)).get_json()
    assert document["parameters"] == {"extrapolating_rows": 1, "unseen_rows": 1}


def test_without_unseen_categories_responses_do_not_mention_them(client: FlaskClient) -> None:
    assert "unseen" not in post(client, PREDICT, {"instances": ROWS}).get_json()
    assert "unseen" not in post(client, PREDICT, RECORDS[0]).get_json()
    answer = post(client, PREDICT, CSV_BODY.encode(), CSV, Accept=CSV)
    assert "X-Unseen-Rows" not in answer.headers
    assert "unseen" not in answer.text
    assert "unseen_rows" not in post(client, INFER, tensors()).get_json()["parameters"]


def test_unseen_categories_may_be_refused(strict: FlaskClient) -> None:
    detail = 'must be text: one of red, blue, sea: green (3 values), got "mauve"'
    answer = post(strict, PREDICT, {"instances": UNSEEN_ROWS})
    assert answer.status_code == 422
    assert answer.get_json()["errors"] == [{"pointer": "/instances/1/1", "detail": detail}]
    answer = post(strict, PREDICT, dict(zip(NAMES, UNSEEN_ROWS[1], strict=True)))
    assert answer.get_json()["errors"] == [{"pointer": "/colour", "detail": detail}]
    answer = post(strict, PREDICT, UNSEEN_CSV, CSV)
    assert answer.get_json()["errors"] == [{"pointer": "/instances/1/colour", "detail": detail}]
    for path, body in (
        (INVOKE, {"instances": UNSEEN_ROWS}),
        (TF, {"instances": UNSEEN_ROWS}),
        (INFER, tensors(UNSEEN_ROWS)),
    ):
        answer = post(strict, path, body)
        assert answer.status_code == 400
        assert detail in answer.text.replace("\\", "")
    assert predictions(post(strict, PREDICT, {"instances": ROWS})) == Y


SUCH_AS_RED = "must be text, such as red, blue, sea: green (3 values)"


@pytest.mark.parametrize(
    ("cells", "detail"),
    [
        ({"size": "7"}, 'must be a finite number, got "7"'),
        ({"colour": 7}, f"{SUCH_AS_RED}, got 7"),
        (
            {"colour": None},
            f"{SUCH_AS_RED}, got null; training had no missing cells there",
        ),
        ({"new": 1}, "must be true or false, yes or no, got 1"),
        ({"new": "maybe"}, 'must be true or false, yes or no, got "maybe"'),
        (
            {"new": None},
            "must be true or false, yes or no, got null; training had no missing cells there",
        ),
        ({"sold": "x" * 99}, f'must be a date like 01/01/2024, got "{"x" * 38}…'),
        ({"sold": 19_723}, "must be a date like 01/01/2024, got 19723"),
        (
            {"sold": None},
            "must be a date like 01/01/2024, got null; training had no missing cells there",
        ),
        ({"sold": ...}, "is missing; training had no missing cells there"),
    ],
)
def test_wrong_cells_are_named_with_what_was_expected(
    client: FlaskClient, cells: dict[str, Any], detail: str
) -> None:
    [name] = cells
    row = {name: cell for name, cell in (RECORDS[0] | cells).items() if cell is not ...}
    for body, pointer in (
        (row, f"/{name}"),
        ({"instances": [RECORDS[0], row]}, f"/instances/1/{name}"),
    ):
        answer = post(client, PREDICT, body)
        assert answer.status_code == 422
        document = answer.get_json()
        assert document["errors"] == [{"pointer": pointer, "detail": detail}]
        assert post(client, PREDICT, document["example"]).status_code == 200


@pytest.mark.parametrize(
    ("line", "errors"),
    [
        (
            "x,,?,2024",
            {
                "size": 'must be a finite number, got "x"',
                "colour": f"{SUCH_AS_RED}, got null; training had no missing cells there",
                "new": 'must be true or false, yes or no, got "?"; training had no missing cells '
                "there",
                "sold": 'must be a date like 01/01/2024, got "2024"',
            },
        ),
        ("1,red,yes", {"": "has 3 values; expected 4: size, colour, new, sold"}),
    ],
)
def test_wrong_cells_of_a_csv_are_named(
    client: FlaskClient, line: str, errors: dict[str, str]
) -> None:
    body = f"size,colour,new,sold\n1,red,yes,2024-01-01\n{line}\n".encode()
    found = post(client, PREDICT, body, CSV).get_json()["errors"]
    assert {each["pointer"]: each["detail"] for each in found} == {
        f"/instances/1/{name}".removesuffix("/"): detail for name, detail in errors.items()
    }


def test_missing_columns_without_gaps_are_named(client: FlaskClient) -> None:
    answer = post(client, PREDICT, b"size,new,sold\n1,yes,2024-01-01\n", CSV)
    assert answer.get_json()["errors"] == [
        {
            "pointer": "",
            "detail": 'column "colour" is missing; training had no missing cells there',
        }
    ]


@pytest.mark.parametrize(
    ("array", "detail"),
    [
        (X, f"{SUCH_AS_RED}, got 0.0"),
        (np.zeros((1, 4), complex), "the array holds complex128; expected numbers"),
        (np.zeros((4, 3), "<U5"), "the array has the shape (4, 3); expected (N, 4), N ≥ 1"),
        (np.zeros(2, [("size", "<c16")]), "the array has a field of complex128; expected fields"),
        (np.zeros((2, 2), [("size", "<f8")]), "the array has the shape (2, 2); expected (N,)"),
        (np.zeros(2, [("size", "<f8")]), 'column "colour" is missing'),
        (np.array([*TEXTS, ["1", "red", "x", "y"]]), 'must be true or false, yes or no, got "x"'),
    ],
)
def test_wrong_arrays_are_refused(client: FlaskClient, array: Any, detail: str) -> None:
    answer = post(client, PREDICT, npy(array), NPY)
    assert answer.status_code == 422
    assert any(detail in each["detail"] for each in answer.get_json()["errors"])


def test_texts_without_length_are_refused(client: FlaskClient) -> None:
    content = npy(np.zeros((1, 4), "<U1")).replace(b"<U1", b"<U0")[:-16]
    answer = post(client, PREDICT, content, NPY)
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["detail"].startswith("the array holds <U0; expected")


def test_numbers_may_stand_for_booleans_and_categories_in_arrays(
    make_client: MakeClient, registry: Registry
) -> None:
    columns = (
        Column("rooms", "category", ("2", "3", "4.5")),
        Column("new", "boolean", ("no", "yes")),
        Column("size", has_gaps=True),
    )
    model = table_model(columns)
    serve(registry, model)
    client = make_client()
    rows = np.array([[4.5, 1, math.nan], [2, 0, 0.5], [7, 0, 0.5]])
    codes = np.array([[2, 1, math.nan], [0, 0, 0.5], [UNSEEN, 0, 0.5]])
    expected = model.predict(codes)[:, 0].tolist()
    document = post(client, PREDICT, npy(rows), NPY).get_json()
    assert (document["predictions"], document["unseen"]) == (expected, [[2, "rooms"]])
    listed = [[4.5, True, None], ["2", "no", 0.5], [7, False, 0.5]]
    assert predictions(post(client, PREDICT, {"instances": listed})) == expected
    answer = post(client, PREDICT, npy(np.array([[2, 0.5, 1], [2, 1, math.inf]])), NPY)
    assert [(each["pointer"], each["detail"]) for each in answer.get_json()["errors"]] == [
        ("/instances/0/1", "must be true or false, yes or no, got 0.5"),
        ("/instances/1/2", "must be a finite number, got inf"),
    ]


def message(answer: TestResponse) -> str:
    assert answer.status_code == 400
    error: str = answer.get_json()["error"]
    return error


@pytest.mark.parametrize(
    ("name", "members", "expected"),
    [
        ("colour", {"datatype": "FP64"}, "input colour has datatype FP64; expected BYTES"),
        ("new", {"datatype": "INT8"}, "input new has datatype INT8; expected BOOL or BYTES"),
        (
            "size",
            {"datatype": "BYTES"},
            "input size has datatype BYTES; expected one of FP64, FP32",
        ),
        ("colour", {"data": ["red", None, "red", "red"]}, "value 1 of input colour must be text"),
        ("colour", {"data": ["red", "red", 3, "red"]}, "value 2 of input colour must be text"),
        ("new", {"data": [True, "no", True, True]}, "value 1 of input new must be true or false"),
        ("sold", {"data": ["x", "y", "z", ""]}, "value 0 of input sold must be a date like"),
        ("size", {"data": [1, 2, 3, "4"]}, "value 3 of input size must be a finite number"),
    ],
)
def test_wrong_tensors_are_named(
    client: FlaskClient, name: str, members: dict[str, Any], expected: str
) -> None:
    request = tensors()
    next(each for each in request["inputs"] if each["name"] == name).update(members)
    assert expected in message(post(client, INFER, request))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"new": bytes([0, 1, 2, 0])}, "value 2 of input new must be 0 or 1 as BOOL, got 2"),
        ({"new": bytes(3)}, "input new has binary_data_size 3"),
        ({"colour": text_bytes(["red"] * 3)}, "expected 4 texts, each after its length in 4 bytes"),
        ({"colour": text_bytes(["red"] * 5)}, "expected 4 texts, each after its length in 4 bytes"),
        ({"colour": text_bytes(["red"] * 4)[:-1]}, "expected 4 texts, each after its length"),
        ({"colour": b"\xff\xff\xff\xff" * 4}, "expected 4 texts, each after its length"),
        (
            {"colour": struct.pack("<I", 1) + b"\xff" + text_bytes(["red"] * 3)},
            "0 of input colour is not UTF-8",
        ),
        (
            {"sold": text_bytes(["2024-01-01"] * 3 + ["now"])},
            "value 3 of input sold must be a date",
        ),
        ({"colour": text_bytes(["red", "", "red", "red"])}, "training had no missing cells there"),
        (
            {"size": np.array([1, 2, 3, math.inf]).tobytes()},
            "value 3 of input size is not a finite",
        ),
    ],
)
def test_wrong_binary_tensors_are_named(
    client: FlaskClient, parts: dict[str, bytes], expected: str
) -> None:
    body, length = binary_tensors(**parts)
    answer = post(client, INFER, body, **{"Inference-Header-Content-Length": length})
    assert expected in message(answer)


def test_one_tensor_cannot_have_features_of_several_kinds(client: FlaskClient) -> None:
    tensor = {"name": "input", "shape": [1, 4], "datatype": "FP64", "data": [0, 0, 0, 0]}
    found = message(post(client, INFER, {"inputs": [tensor]}))
    assert found == (
        "unknown inputs: input; expected [N, 1] or [N] for each of size, colour, new, sold"
    )


def test_one_tensor_may_have_numbers_with_gaps(make_client: MakeClient, registry: Registry) -> None:
    model = table_model((Column("a", has_gaps=True), Column("b")))
    serve(registry, model)
    client = make_client()
    rows = np.array([[0.5, 1], [math.nan, 0.5]])
    expected = model.predict(rows)[:, 0].tolist()
    tensor = {"name": "input", "shape": [2, 2], "datatype": "FP64"}
    data = [[0.5, 1], [None, 0.5]]
    assert predictions(post(client, INFER, {"inputs": [tensor | {"data": data}]})) == expected
    assert predictions(post(client, PREDICT, npy(rows), NPY)) == expected
    inputs = [tensor | {"parameters": {"binary_data_size": 32}}]
    document = orjson.dumps({"inputs": inputs})
    sent = {"Inference-Header-Content-Length": str(len(document))}
    assert predictions(post(client, INFER, document + rows.tobytes(), **sent)) == expected
    found = message(post(client, INFER, document + rows[:, ::-1].tobytes(), **sent))
    assert found.endswith(
        "is not a finite number as FP64: nan; training had no missing cells there"
    )


def test_metadata_has_the_types_of_the_features(client: FlaskClient) -> None:
    inputs = client.get("/v2/models/numnet").get_json()["inputs"]
    assert {each["name"]: each["datatype"] for each in inputs} == TENSORS
    assert {tuple(each["shape"]) for each in inputs} == {(-1, 1)}
    configured = client.get("/v2/models/numnet/config").get_json()["input"]
    assert [each["data_type"] for each in configured] == [
        "TYPE_FP64",
        "TYPE_STRING",
        "TYPE_BOOL",
        "TYPE_STRING",
    ]
    document = client.get("/v1/models/numnet/metadata").get_json()
    signature = document["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert [each["dtype"] for each in signature["inputs"].values()] == [
        "DT_DOUBLE",
        "DT_STRING",
        "DT_BOOL",
        "DT_STRING",
    ]


def test_document_has_the_values_of_the_features(client: FlaskClient, strict: FlaskClient) -> None:
    schemas = client.get("/openapi.json").get_json()["components"]["schemas"]
    row = schemas["Row"]["properties"]
    assert schemas["Row"]["required"] == ["colour", "new", "sold"]
    assert row["size"]["type"] == ["number", "null"]
    assert row["colour"]["examples"] == ["red", "blue", "sea: green"]
    assert "enum" not in row["colour"]
    assert row["new"]["anyOf"][0]["enum"] == [False, True, "no", "yes"]
    assert {"format": "date-time"} in row["sold"]["anyOf"]
    assert row["sold"]["examples"] == ["01/01/2024", "31/12/2024"]
    example = schemas["PredictBody"]["example"]
    assert example == {"size": 0.0, "colour": "red", "new": False, "sold": "01/01/2024"}
    assert post(client, PREDICT, example).status_code == 200
    schemas = strict.get("/openapi.json").get_json()["components"]["schemas"]
    colour = schemas["Row"]["properties"]["colour"]
    assert colour["anyOf"][0]["enum"] == ["red", "blue", "sea: green"]


def test_example_bodies_are_accepted(client: FlaskClient) -> None:
    paths = client.get("/openapi.json").get_json()["paths"]
    for path in (INVOKE, "/v1/models/{name}:predict", "/v2/models/{name}/infer"):
        schema = paths[path]["post"]["requestBody"]["content"][JSON]["schema"]
        assert schema["examples"]
        for example in schema["examples"]:
            answer = post(client, path.replace("{name}", "numnet"), example)
            assert answer.status_code == 200, (path, example, answer.text)


def test_repeated_names_are_found_among_texts_with_colons(client: FlaskClient) -> None:
    row = b'{"size":1,"colour":"sea: green","new":true,"sold":"2024-01-01T12:00:00"%s}'
    for body in (row % b"", b'{"instances":[%s]}' % (row % b"")):
        assert post(client, PREDICT, body).status_code == 200
    for body in (row % b',"size":2', b'{"instances":[%s]}' % (row % b',"size":2')):
        answer = post(client, PREDICT, body)
        detail = '"size" appears twice in one object'
        assert answer.get_json()["errors"] == [{"pointer": "", "detail": detail}]


def test_range_is_not_left_by_missing_cells(client: FlaskClient) -> None:
    document = post(client, PREDICT, {"instances": ROWS}).get_json()
    assert document["extrapolating"] == [[3, "size"]]
    assert post(client, PREDICT, RECORDS[1]).get_json()["extrapolating"] == []


def test_other_columns_of_the_training_table_are_ignored_in_csv(
    make_client: MakeClient, registry: Registry
) -> None:
    reading = {"left_out": [{"column": "column 1", "why": "it has no name"}]}
    card = {"data": {"weights": "w", "reading": reading}}
    golden = np.zeros((1, len(NAMES)))
    promote(registry, registry.publish(MODEL, card, golden).number)
    client = make_client()
    head, *lines = CSV_BODY.splitlines()
    body = "\n".join([f",{head},y,w", *(f"{n},{line},x,1" for n, line in enumerate(lines))])
    assert predictions(post(client, PREDICT, body.encode(), CSV)) == Y
    wrong = body.replace(",y,w", ",z,").encode()
    assert [each["detail"] for each in post(client, PREDICT, wrong, CSV).get_json()["errors"]] == [
        'column "z" is not a feature; expected size, colour, new, sold',
        'column "" is not a feature; expected size, colour, new, sold',
    ]
    answer = post(client, PREDICT, RECORDS[0] | {"z": 1.0})
    assert answer.get_json()["errors"][0]["pointer"] == "/z"


def test_columns_of_the_training_table_that_are_no_features_are_ignored_in_json(
    make_client: MakeClient, registry: Registry
) -> None:
    promote(registry, registry.publish(MODEL, {"data": {"weights": "w"}}, np.zeros((1, 4))).number)
    client = make_client()
    extra = {"y": "a: b", "w": {"x": [1, {"y": 2}]}}
    for row in RECORDS[0] | extra, extra | RECORDS[0]:
        assert post(client, PREDICT, row).status_code == 200
    many = post(client, PREDICT, {"instances": [row | extra for row in RECORDS]})
    assert predictions(many) == Y
    answer = post(client, PREDICT, {"instances": [RECORDS[0] | {"y": 1.0, "z": 1.0}]})
    assert [each["pointer"] for each in answer.get_json()["errors"]] == ["/instances/0/z"]
    body = orjson.dumps(RECORDS[0] | extra).replace(b'"w"', b'"y"')
    answer = post(client, PREDICT, body, "application/json")
    assert answer.get_json()["errors"][0]["detail"] == '"y" appears twice in one object'


def test_target_is_ignored_in_an_array_with_fields(client: FlaskClient, registry: Registry) -> None:
    serve(registry, MODEL)
    array = with_fields()
    wider = np.zeros(4, [("y", "<f8"), *array.dtype.descr])
    for name in array.dtype.names:
        wider[name] = array[name]
    whole, expected = (post(client, PREDICT, npy(each), NPY) for each in (wider, array))
    assert predictions(whole) == predictions(expected)


def test_other_columns_may_have_any_cells(client: FlaskClient, registry: Registry) -> None:
    model = small_model()
    serve(registry, model)
    rows = random_rows(3)
    expected = model.predict(rows)[:, 0].tolist()
    for cell in ("1", "x"):
        lines = [f"{cell}," + ",".join(map(repr, row)) for row in rows.tolist()]
        body = "\n".join(["y,x1,x2,x3,x4", *lines]).encode()
        assert predictions(post(client, PREDICT, body, CSV)) == expected
