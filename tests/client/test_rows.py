"""Rows of every kind get the same predictions, bit by bit."""

import gzip
import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from network import Model
from numnet import Client, InvalidInput
from numnet.client import DEFAULT_BLOCK_BYTES
from registry import Registry
from tests.e2e.conftest import Service, StartService
from tests.service.small_models import DAY, FEATURES, random_rows, serve, table_model

X = random_rows(300)
FRAME = pd.DataFrame(X, columns=list(FEATURES))
SHUFFLED = FRAME[["x3", "x1", "x4", "x2"]]
CSV = FRAME.to_csv(index=False).encode()


def on_disk(name: str, content: bytes, **options: Any) -> Callable[[Client, Path], Any]:
    def predict(client: Client, folder: Path) -> Any:
        (folder / name).write_bytes(content)
        return client.predict(folder / name, **options)

    return predict


def given(rows: Any) -> Callable[[Client, Path], Any]:
    return lambda client, folder: client.predict(rows)


KINDS: dict[str, Callable[[Client, Path], Any]] = {
    "list of objects": given(FRAME.to_dict("records")),
    "list of lists": given(X.tolist()),
    "list of tuples": given(list(map(tuple, X.tolist()))),
    "list of arrays": given(list(X)),
    "list of Series": given([row for _, row in FRAME.iterrows()]),
    "generator": lambda client, folder: client.predict(dict(row) for _, row in FRAME.iterrows()),
    "array": given(X),
    "array in Fortran's order": given(np.asfortranarray(X)),
    "array of other byte order": given(X.astype(">f8")),
    "array of long doubles": given(X.astype(np.longdouble)),
    "array of objects": given(X.astype(object)),
    "array view": given(np.repeat(X, 2, axis=0)[::2]),
    "array with fields": given(SHUFFLED.to_records(index=False)),
    "frame": given(FRAME),
    "frame in another order": given(SHUFFLED),
    "frame with an index of texts": given(FRAME.set_index(FRAME.index.map(str))),
    "frame of nullable numbers": given(FRAME.convert_dtypes()),
    "frame of objects": given(FRAME.astype(object)),
    "CSV path": on_disk("rows.csv", CSV),
    "CSV in another order": on_disk("rows.csv", SHUFFLED.to_csv(index=False).encode()),
    "CSV with Windows line ends": on_disk("rows.csv", CSV.replace(b"\n", b"\r\n")),
    "CSV without a last line end": on_disk("rows.csv", CSV.rstrip(b"\n")),
    "CSV in UTF-8 with a mark": on_disk("rows.csv", b"\xef\xbb\xbf" + CSV),
    "CSV in UTF-16": on_disk("rows.csv", CSV.decode().encode("utf-16")),
    "CSV in UTF-32": on_disk("rows.csv", CSV.decode().encode("utf-32")),
    "CSV in a given encoding": on_disk("rows.csv", CSV, encoding="windows-1252"),
    "CSV in UTF-16 without a mark": on_disk(
        "rows.csv", CSV.decode().encode("utf-16-le"), encoding="utf-16-le"
    ),
    "CSV compressed": on_disk("rows.csv.gz", gzip.compress(CSV)),
    "CSV path as text": lambda client, folder: (
        (folder / "a.csv").write_bytes(CSV),
        client.predict(str(folder / "a.csv")),
    )[1],
    "binary file": lambda client, folder: client.predict(io.BytesIO(CSV)),
    "text file": lambda client, folder: client.predict(io.StringIO(CSV.decode())),
}


ONE_OR_MANY = pytest.mark.parametrize("block_bytes", [DEFAULT_BLOCK_BYTES, 1500])


@pytest.mark.parametrize("kind", KINDS)
@ONE_OR_MANY
def test_every_kind_of_rows_has_the_bits_of_the_model(
    service: Service, model: Model, tmp_path: Path, kind: str, block_bytes: int
) -> None:
    with Client(service.url, block_bytes=block_bytes) as client:
        predictions = KINDS[kind](client, tmp_path)
    assert np.asarray(predictions).tobytes() == model.predict(X).tobytes()
    outside = np.argwhere(model.outside(X)).tolist()
    assert list(predictions.extrapolating) == [(row, FEATURES[column]) for row, column in outside]


def test_a_file_that_fits_into_one_request_may_have_titles_above_its_header(
    client: Client, model: Model
) -> None:
    found = client.predict(io.BytesIO(b"A table of rows\n\n" + CSV))
    assert np.asarray(found).tobytes() == model.predict(X).tobytes()


ONE: dict[str, Any] = {
    "object": dict(zip(FEATURES, X[0].tolist(), strict=True)),
    "object of NumPy's numbers": dict(zip(FEATURES, X[0], strict=True)),
    "flat list": X[0].tolist(),
    "tuple": tuple(X[0].tolist()),
    "flat array": X[0],
    "Series": FRAME.iloc[0],
}


@pytest.mark.parametrize("kind", ONE)
def test_one_row_of_every_kind_has_the_bits_of_the_model(
    client: Client, model: Model, kind: str
) -> None:
    prediction = client.predict(ONE[kind], interval=0.5, explain=True)
    assert prediction.prediction == model.predict(X[:1]).item()
    assert prediction.lower < prediction.prediction < prediction.upper
    assert prediction.level == 0.5
    assert set(prediction.contributions) == set(FEATURES)


@pytest.fixture
def mixed(start_service: StartService, registry: Registry) -> Service:
    """A service whose model has features of every kind."""
    serve(registry, table_model())
    return start_service()


@ONE_OR_MANY
def test_categories_booleans_dates_and_missing_cells(mixed: Service, block_bytes: int) -> None:
    days = [date(2024, 1, 1), date(2024, 1, 2)] * 100
    frame = pd.DataFrame(
        {
            "size": [0.5, None] * 100,
            "colour": ["red", "blue"] * 100,
            "new": [True, False] * 100,
            "sold": pd.to_datetime(days),
        }
    )
    X = np.array([[0.5, 0, 1, DAY], [np.nan, 1, 0, DAY + 1]] * 100)
    expected = table_model().predict(X).tobytes()
    rows = frame.to_dict("records")
    text = frame.assign(sold=[day.isoformat() for day in days])
    kinds: list[Any] = [
        frame,
        frame.assign(colour=frame["colour"].astype("category")),
        frame.convert_dtypes(),
        frame.assign(sold=days),
        frame.assign(sold=[datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days]),
        frame.to_records(index=False),
        rows,
        [{**row, "size": None if row["size"] != row["size"] else row["size"]} for row in rows],
        io.StringIO(frame.to_csv(index=False)),
        text.astype({"size": str}).astype(str).to_numpy().astype("U"),
        text.astype(object).to_numpy(),
    ]
    with Client(mixed.url, block_bytes=block_bytes) as client:
        for index, kind in enumerate(kinds):
            assert np.asarray(client.predict(kind)).tobytes() == expected, index


def test_unseen_categories_are_named(mixed: Service) -> None:
    row = {"size": 0.5, "colour": "green", "new": True, "sold": date(2024, 1, 1)}
    with Client(mixed.url) as client:
        assert client.predict(row).unseen == ("colour",)
        many = client.predict([row | {"colour": "red"}, row])
    assert list(many.unseen) == [(1, "colour")]
    assert many[1].unseen == ("colour",)
    assert many.to_frame()["unseen"].tolist() == ["", "colour"]


EMPTY: dict[str, Any] = {
    "list": [],
    "array": np.empty((0, 4)),
    "frame": FRAME[:0],
    "file": io.BytesIO(b"x1,x2,x3,x4\n"),
}


@pytest.mark.parametrize("kind", EMPTY)
def test_empty_tables_are_refused_by_the_service(client: Client, kind: str) -> None:
    with pytest.raises(InvalidInput):
        client.predict(EMPTY[kind])


@pytest.mark.parametrize(
    ("rows", "pointer"),
    [
        ([*X.tolist()[:250], ["x"] * 4], "/instances/250/0"),
        (np.vstack([X[:250], [[np.nan] * 4]]), "/instances/250/0"),
        (pd.concat([FRAME[:250], FRAME[:1] * np.inf]), "/instances/250/x1"),
        ([*FRAME[:250].to_dict("records"), {"x1": "?"}], "/instances/250/x1"),
        (io.BytesIO(b"\n".join(CSV.split(b"\n")[:251]) + b"\na,b,c,d\n"), "/instances/250/x1"),
    ],
    ids=["list", "array", "frame", "objects", "file"],
)
@ONE_OR_MANY
def test_wrong_cells_are_named_by_their_row_in_the_whole_table(
    service: Service, rows: Any, pointer: str, block_bytes: int
) -> None:
    if hasattr(rows, "seek"):
        rows.seek(0)
    client = Client(service.url, block_bytes=block_bytes)
    with client, pytest.raises(InvalidInput) as caught:
        client.predict(rows)
    assert caught.value.errors[0].pointer == pointer
    assert pointer in str(caught.value)
