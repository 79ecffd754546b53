"""`/data`: tables are checked as a training checks them, and stored whole or not at all."""

import gzip
import os
import zlib
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.api.data import receiving
from tests.service.conftest import ADMIN, MakeClient
from tests.service.problem_shape import assert_problem
from tests.service.web.tokens.token_files import line
from trainer.jobs.tables import data_folder

TABLE = "a,y\n" + "".join(f"{row % 7},{row * row}\n" for row in range(12))
OTHER = TABLE + "8,9\n"


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def upload(
    client: FlaskClient, path: str, data: str | bytes = TABLE, **arguments: Any
) -> TestResponse:
    headers = ADMIN | arguments.pop("headers", {})
    method = arguments.pop("method", "POST")
    return client.open(f"/data/{path}", method=method, data=data, headers=headers, **arguments)


def problem(answer: TestResponse, expected: int) -> dict[str, Any]:
    return assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=expected)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder; it does not exist yet."""
    return tmp_path / "data"


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    "content_type", [None, "text/csv", "application/x-www-form-urlencoded", "image/png"]
)
def test_table_is_stored_and_described(
    client: FlaskClient, data: Path, method: str, content_type: str | None
) -> None:
    answer = upload(client, "a.csv", method=method, content_type=content_type)
    assert answer.status_code == 201
    assert answer.headers["Location"] == "a.csv"
    report = answer.get_json()
    assert (report["name"], report["bytes"], report["rows"]) == ("a.csv", len(TABLE), 12)
    assert report["targets"] == ["y"]
    assert (data / "a.csv").read_text() == TABLE
    listed = client.get("/data", headers=ADMIN).get_json()["tables"]
    assert [(each["name"], each["bytes"]) for each in listed] == [("a.csv", len(TABLE))]
    shown = client.get("/data/a.csv", headers=ADMIN).get_json()
    assert [shown] == listed
    assert client.delete("/data/a.csv", headers=ADMIN).status_code == 204
    problem(client.get("/data/a.csv", headers=ADMIN), 404)
    problem(client.delete("/data/a.csv", headers=ADMIN), 404)


def test_check_stores_nothing(client: FlaskClient, data: Path) -> None:
    answer = upload(client, "a.csv?check=true&targets=a")
    assert answer.status_code == 200
    assert "Location" not in answer.headers
    assert answer.get_json()["targets"] == ["a"]
    assert names(data) == []


def test_another_table_of_the_same_name_needs_replace(client: FlaskClient, data: Path) -> None:
    assert upload(client, "a.csv").status_code == 201
    assert upload(client, "a.csv").status_code == 200
    assert problem(upload(client, "a.csv", OTHER), 409)["type"] == "/problems/table-exists"
    assert (data / "a.csv").read_text() == TABLE
    assert upload(client, "a.csv?replace=true", OTHER).status_code == 200
    assert (data / "a.csv").read_text() == OTHER


def test_table_that_a_training_would_refuse_is_refused_line_by_line(
    client: FlaskClient, data: Path
) -> None:
    wrong = TABLE.replace("\n3,9\n", "\n3,nine\n").replace("\n4,16\n", "\n4,x\n")
    refusal = problem(upload(client, "a.csv?targets=y", wrong), 422)
    details = [error["detail"] for error in refusal["errors"]]
    assert details[0] == "line 5, column 'y': expected a finite number, got 'nine'"
    assert details[1].startswith("line 6, column 'y'")
    assert names(data) == []


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4\n\x00", b"\x1f\x8bgarbage", b"\xff" * 99])
def test_file_that_is_no_table_is_refused(client: FlaskClient, data: Path, content: bytes) -> None:
    problem(upload(client, "a.csv", content), 422)
    assert names(data) == []


@pytest.mark.parametrize(
    "query",
    [
        "check=1",
        "replace=yes",
        "check=true&check=true",
        "target=y",
        "missing=drop",
        "weights=a&weights=b",
    ],
)
def test_wrong_query_is_refused(client: FlaskClient, data: Path, query: str) -> None:
    errors = problem(upload(client, f"a.csv?{query}"), 422)["errors"]
    assert errors[0]["parameter"] == query.partition("=")[0]
    assert not data.exists()


@pytest.mark.parametrize("name", [".a.csv", "a", "a.exe", "..", "a%00.csv", "%2e%2e%5ca.csv"])
@pytest.mark.parametrize("query", ["", "?check=true", "?replace=true"])
def test_name_that_no_table_can_have_is_refused(
    client: FlaskClient, data: Path, name: str, query: str
) -> None:
    (error,) = problem(upload(client, name + query), 422)["errors"]
    assert error["parameter"] == "table"
    assert not data.exists()


@pytest.mark.parametrize("path", ["../a.csv", "%2e%2e%2fa.csv", "b/a.csv", "//a.csv"])
def test_path_is_no_name(client: FlaskClient, tmp_path: Path, path: str) -> None:
    assert upload(client, path).status_code in (404, 405)
    assert not [*tmp_path.glob("**/a.csv")]


def test_query_chooses_columns_and_how_they_are_read(client: FlaskClient) -> None:
    rows = "".join(f"{row % 3},é{row % 2},{row},{row % 5},1\n" for row in range(12))
    text = f"a,b,c,y,w\n{rows}".encode("cp1252")
    query = "check=true&targets=y&features=a&features=b&categories=a&weights=w&encoding=cp1252"
    report = upload(client, f"a.csv?{query}", text).get_json()
    found = {each["name"]: each for each in report["columns"]}
    assert found.keys() == {"a", "b", "c", "y", "w"}
    assert found["c"]["role"] == "left out"
    assert (found["a"]["kind"], found["b"]["values"]) == ("category", ["é0", "é1"])
    assert found["w"]["role"] == "weights"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compressed_body_is_stored_decompressed(
    client: FlaskClient, data: Path, encoding: str
) -> None:
    half = TABLE.encode()[:40], TABLE.encode()[40:]
    compressed = (
        b"".join(map(gzip.compress, half)) if encoding == "gzip" else zlib.compress(b"".join(half))
    )
    answer = upload(client, "a.csv", compressed, headers={"Content-Encoding": encoding})
    assert answer.status_code == 201
    assert (data / "a.csv").read_text() == TABLE
    for damaged in (compressed[:-9], b"garbage" + compressed):
        answer = upload(client, "b.csv", damaged, headers={"Content-Encoding": encoding})
        assert "does not decompress" in problem(answer, 400)["detail"]
    problem(upload(client, "b.csv", b"", headers={"Content-Encoding": "br"}), 415)
    assert names(data) == ["a.csv"]


def test_table_is_limited_before_and_after_decompression(
    make_client: MakeClient, data: Path
) -> None:
    client = make_client(max_data_bytes=1024, max_body_bytes=1024)
    bomb = gzip.compress(b"1," * 100_000)
    assert len(bomb) < 1024
    for body, headers in ((b"a" * 1025, {}), (bomb, {"Content-Encoding": "gzip"})):
        refusal = problem(upload(client, "a.csv", body, headers=headers), 413)
        assert "larger than 1,024 bytes" in refusal["detail"]
    assert not data.exists() or names(data) == []


def test_number_of_compressed_streams_is_limited(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "_MAX_STREAMS", 5)
    body = gzip.compress(b"") * 6
    answer = upload(client, "a.csv", body, headers={"Content-Encoding": "gzip"})
    assert "more than 5 compressed streams" in problem(answer, 400)["detail"]


def test_table_that_takes_too_long_to_check_is_refused(make_client: MakeClient, data: Path) -> None:
    client = make_client(deadline_seconds=0.001)
    assert "longer than" in problem(upload(client, "a.csv"), 413)["detail"]
    assert names(data) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_cannot_be_written_is_a_503(client: FlaskClient, data: Path) -> None:
    data.mkdir(mode=0o500)
    assert "NUMNET_DATA" in problem(upload(client, "a.csv"), 503)["detail"]


def test_data_folder_that_is_a_file_is_a_503(client: FlaskClient, data: Path) -> None:
    data.write_bytes(b"")
    for answer in (upload(client, "a.csv"), client.get("/data", headers=ADMIN)):
        assert str(data) not in problem(answer, 503)["detail"]


def test_full_disk_is_a_507(make_client: MakeClient) -> None:
    if not os.access("/dev/full", os.W_OK):
        pytest.skip("there is no /dev/full")
    client = make_client()

    def on_full_disk(file: Any, write: Any, check: Any) -> None:
        with Path("/dev/full").open("wb", buffering=0) as full:
            write(full)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_folder, "_write", on_full_disk)
        refusal = problem(upload(client, "a.csv?replace=true"), 507)
    assert refusal["type"] == "/problems/insufficient-storage"


def test_tables_need_an_administrator(client: FlaskClient) -> None:
    for method, path in (("GET", ""), ("GET", "/a.csv"), ("POST", "/a.csv"), ("DELETE", "/a.csv")):
        problem(client.open(f"/data{path}", method=method), 401)


def test_bound_administrator_adds_tables_and_replaces_none(
    make_client: MakeClient, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(line("pump-t0ken", "admin", "pump") + line("all-t0ken", "admin", "*"))
    client = make_client(tokens_file=str(tokens))
    pump, everyone = ({"Authorization": f"Bearer {each}-t0ken"} for each in ("pump", "all"))
    assert upload(client, "a.csv", headers=pump).status_code == 201
    assert upload(client, "a.csv?check=true&replace=true", headers=pump).status_code == 200
    problem(upload(client, "a.csv", OTHER, headers=pump), 409)
    for answer in (
        upload(client, "a.csv?replace=true", OTHER, headers=pump),
        client.delete("/data/a.csv", headers=pump),
    ):
        assert "admin for all models (*)" in problem(answer, 403)["detail"]
    assert upload(client, "a.csv?replace=true", OTHER, headers=everyone).status_code == 200
    assert client.delete("/data/a.csv", headers=everyone).status_code == 204
