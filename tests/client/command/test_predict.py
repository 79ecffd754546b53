"""`numnet predict` against a running service."""

import csv
import gzip
import io
import json
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from network import Model
from registry import Registry
from tests.client.command.conftest import Command
from tests.e2e.conftest import Service, StartService
from tests.patience import DEADLINE_SECONDS, until
from tests.service.small_models import (
    FEATURES,
    promote,
    publish,
    random_rows,
    serve,
    small_model,
    table_model,
)

X = random_rows(500)
ROW = [f"{name}={value!r}" for name, value in zip(FEATURES, [0.1, 0.2, 0.3, 0.4], strict=True)]


def table(rows: int = len(X)) -> bytes:
    """Return X as CSV, with a column that is no feature."""
    lines = [f"{i},{','.join(map(repr, row))}" for i, row in enumerate(X[:rows].tolist())]
    return "\n".join(["id,x1,x2,x3,x4", *lines, ""]).encode()


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_one_row(numnet: Command, model: Model) -> None:
    ended = numnet("predict", *ROW)
    assert (ended.code, ended.err) == (0, "")
    assert float(ended.out) == model.predict(np.array([[0.1, 0.2, 0.3, 0.4]]))[0, 0]


def test_one_row_as_json_is_the_response_for_one_row(numnet: Command, service: Service) -> None:
    ended = numnet("predict", *ROW, "--json", "--interval", "0.9", "--explain")
    body = dict(zip(FEATURES, [0.1, 0.2, 0.3, 0.4], strict=True))
    answer = service.predict(body, params={"interval": "0.9", "explain": "true"}).json()
    assert json.loads(ended.out) == answer


def test_an_interval_and_an_explanation_are_shown(numnet: Command) -> None:
    ended = numnet("predict", *ROW, "--interval", "0.5", "--explain")
    first, *others = ended.out.splitlines()
    prediction, lower, to, upper, *_, level, percent = first.split()
    assert float(lower) < float(prediction) < float(upper)
    assert (to, level, percent) == ("to", "50", "%")
    assert {line.split()[0] for line in others} >= {"feature", *FEATURES}


def test_another_version_predicts(numnet: Command) -> None:
    rows = np.array([[0.1, 0.2, 0.3, 0.4]])
    assert (
        float(numnet("predict", *ROW, "--version", "1").out)
        == (small_model(seed=1).predict(rows)[0, 0])
    )
    assert numnet("predict", *ROW, "--version", "current") == numnet("predict", *ROW)


def test_a_value_outside_the_training_range_is_a_warning(numnet: Command) -> None:
    ended = numnet("predict", *ROW[:3], "x4=9")
    assert ended.code == 0
    assert ended.err == "warning: x4 is outside the range seen in training\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([*ROW[:3], "x4=abc"], 1, 'x4 must be a finite number, got "abc"'),
        (ROW[:3], 1, "x4"),
        ([*ROW, "x5=1"], 1, "x5"),
        ([*ROW, "x1=1"], 2, "x1 is given twice"),
        ([*ROW, "x1"], 2, "expected NAME=VALUE, or one table; got 'x1'"),
        ([*ROW, "-o", "out.csv"], 2, "-o is for a table"),
        ([], 2, "Missing argument"),
        ([*ROW, "--version", "9"], 1, "there is no version 9"),
        ([*ROW, "--version", "1", "--interval", "0.9"], 1, "without residual scores"),
        (["no such file.csv"], 1, "no such file.csv: No such file or directory"),
        (["rows.csv", "--json"], 2, "--json with a table needs -o FILE"),
    ],
    ids=range(11),
)
def test_what_is_wrong_is_said_in_one_line(
    numnet: Command, arguments: list[str], code: int, words: str
) -> None:
    (numnet.folder / "rows.csv").write_bytes(table())
    ended = numnet("predict", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err.splitlines()[-1]


def test_a_table_keeps_its_columns(numnet: Command, model: Model) -> None:
    (numnet.folder / "rows.csv").write_bytes(table())
    ended = numnet("predict", "rows.csv", "-o", "out.csv")
    assert (ended.code, ended.out) == (0, "")
    assert "not used, because version 2 has no such features: id" in ended.err
    assert "of 500 rows have values outside the range seen in training" in ended.err
    found = (numnet.folder / "out.csv").read_text().splitlines()
    for line, kept in zip(found, table().decode().splitlines(), strict=True):
        assert line.startswith(f"{kept},")
    predictions = [float(row["y_predicted"]) for row in rows_of("\n".join(found))]
    assert predictions == model.predict(X)[:, 0].tolist()
    outside = [row["extrapolating"] != "" for row in rows_of("\n".join(found))]
    assert outside == (abs(X) > 1).any(axis=1).tolist()


def test_a_table_through_pipes_and_gzip(numnet: Command) -> None:
    expected = numnet("predict", "-", stdin=table(20)).out
    assert expected.count("\n") == 21
    assert numnet("predict", "-", stdin=gzip.compress(table(20))).out == expected
    (numnet.folder / "rows.csv.gz").write_bytes(gzip.compress(table(20)))
    assert numnet("predict", "rows.csv.gz", "-o", "out.csv.gz").code == 0
    assert gzip.decompress((numnet.folder / "out.csv.gz").read_bytes()).decode() == expected


def test_a_table_in_place(numnet: Command) -> None:
    path = numnet.folder / "rows.csv"
    path.write_bytes(table(5))
    path.chmod(0o640)
    assert numnet("predict", "rows.csv", "-o", "rows.csv").code == 0
    assert "y_predicted" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o640


def test_what_a_program_wants_to_know_of_a_table(numnet: Command) -> None:
    (numnet.folder / "rows.csv").write_bytes(table())
    ended = numnet("predict", "rows.csv", "-o", "out.csv", "--json", "--interval", "0.9")
    document = json.loads(ended.out)
    assert ended.err == ""
    assert document.pop("seconds") > 0
    assert document == {
        "rows": 500,
        "version": "2",
        "extrapolating_rows": int((abs(X) > 1).any(axis=1).sum()),
        "unseen_rows": 0,
        "unfamiliar_rows": 0,
        "ignored": ["id"],
        "missing_columns": [],
        "output": "out.csv",
    }
    first = rows_of((numnet.folder / "out.csv").read_text())[0]
    assert float(first["y_lower"]) < float(first["y_predicted"]) < float(first["y_upper"])


def test_a_wrong_cell_is_named_with_its_line_and_leaves_nothing_behind(numnet: Command) -> None:
    lines = table().splitlines(keepends=True)
    lines[300] = b"299,0.1,oops,0.3,0.4\n"
    (numnet.folder / "rows.csv").write_bytes(b"".join(lines))
    (numnet.folder / "out.csv").write_text("as before")
    ended = numnet("predict", "rows.csv", "-o", "out.csv")
    assert ended.code == 1
    detail = 'x2 must be a finite number, got "oops"'
    assert ended.err == f"error: rows.csv: line 301: {detail}\n"
    assert (numnet.folder / "out.csv").read_text() == "as before"
    assert sorted(path.name for path in numnet.folder.iterdir()) == ["out.csv", "rows.csv"]
    as_json = numnet("predict", "rows.csv", "-o", "out.csv", "--json")
    [cell] = json.loads(as_json.out)["cells"]
    assert (cell["line"], cell["column"]) == (301, "x2")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(table())[:-9], "the compressed file is malformed or cut short"),
        (gzip.compress(table())[:40] + b"x" * 99, "the compressed file is malformed or cut short"),
        (b"x1 x2 x3 x4\n1 2 3 4\n", "rows.csv is separated by white space"),
        (b"", "rows.csv is empty"),
    ],
    ids=["cut gzip", "malformed gzip", "white space", "empty"],
)
def test_a_file_that_is_no_table(numnet: Command, content: bytes, words: str) -> None:
    (numnet.folder / "rows.csv").write_bytes(content)
    ended = numnet("predict", "rows.csv", "-o", "out.csv")
    assert ended.code == 1
    assert words in ended.err
    assert not (numnet.folder / "out.csv").exists()


def test_the_output_needs_a_folder(numnet: Command) -> None:
    (numnet.folder / "rows.csv").write_bytes(table(3))
    ended = numnet("predict", "rows.csv", "-o", "missing/out.csv")
    assert ended.code == 1
    assert "No such file or directory" in ended.err


KINDS = (
    "size;colour;new;sold;Größe\r\n"
    '0,5;red;yes;02/01/2024;"a;b"\r\n'
    ';"sea: green";no;2024-01-01;"two\r\nlines"\r\n'
    "0,25;purple;yes;03/01/2024;ß\r\n"
)


def test_categories_dates_and_gaps_in_a_table_with_semicolons(
    start_service: StartService, registry: Registry, run_at: Callable[..., Command]
) -> None:
    serve(registry, table_model())
    numnet = run_at(start_service().url)
    ended = numnet("predict", "-", stdin=("\ufeff" + KINDS.replace("0,", "0.")).encode())
    assert ended.code == 0
    assert ended.out.startswith("\ufeffsize;colour;new;sold;Größe;y_predicted;extrapolating;unseen")
    file = io.StringIO(ended.out.removeprefix("\ufeff"), newline="")
    rows = list(csv.DictReader(file, delimiter=";"))
    assert [row["unseen"] for row in rows] == ["", "", "colour"]
    assert [row["Größe"] for row in rows] == ["a;b", "two\r\nlines", "ß"]
    one = numnet("predict", "size=0.5", "colour=red", "new=yes", "sold=02/01/2024")
    assert one.out == f"{rows[0]['y_predicted']}\n"
    unseen = numnet("predict", "size=", "colour=purple", "new=no", "sold=2024-01-01")
    assert "warning: training had no such colour\n" in unseen.err


def test_a_column_that_is_not_in_the_file_is_a_warning(
    start_service: StartService, registry: Registry, run_at: Callable[..., Command]
) -> None:
    serve(registry, table_model())
    numnet = run_at(start_service().url)
    content = b"Sizes,colour,new,sold\n0.5,red,yes,02/01/2024\n"
    ended = numnet("predict", "-", stdin=content)
    assert ended.code == 0
    warning = 'warning: the column "size" is not in the file and counts as missing in all rows'
    assert f'{warning}; did you mean "Sizes"?' in ended.err.splitlines()
    as_json = json.loads(numnet("predict", "-", "-o", "out.csv", "--json", stdin=content).out)
    assert as_json["missing_columns"] == [{"name": "size", "did_you_mean": "Sizes"}]
    alone = numnet("predict", "-", stdin=content.replace(b"Sizes", b"id"))
    assert warning in alone.err.splitlines()


def long_table(path: Path, copies: int = 400) -> int:
    """Write a table of several slices; return its number of rows."""
    body = table().partition(b"\n")[2]
    path.write_bytes(b"id,x1,x2,x3,x4\n" + body * copies)
    return copies * len(X)


def test_all_rows_are_predicted_by_one_version_while_another_is_promoted(
    start_service: StartService, registry: Registry, run_at: Callable[..., Command]
) -> None:
    model = small_model(seed=1)
    serve(registry, model)
    publish(registry, small_model(seed=2))
    service = start_service()
    numnet = run_at(service.url)
    long_table(numnet.folder / "rows.csv")
    process = numnet.start("predict", "rows.csv", stdout=subprocess.PIPE)
    assert process.stdout is not None
    first = process.stdout.readline() + process.stdout.readline()  # rows were predicted
    promote(registry, 2)
    assert service.predict({"instances": X[:1].tolist()}).json()["version"] == "2"
    rest = process.stdout.read()
    process.stdout.close()
    assert process.wait(DEADLINE_SECONDS) == 0
    found = np.loadtxt(io.BytesIO(first + rest), delimiter=",", skiprows=1, usecols=5)
    assert found.tobytes() == np.tile(model.predict(X)[:, 0], 400).tobytes()


def test_a_service_that_dies_in_the_middle_leaves_no_output(
    start_service: StartService, registry: Registry, run_at: Callable[..., Command]
) -> None:
    serve(registry, small_model())
    service = start_service()
    numnet = run_at(service.url)
    long_table(numnet.folder / "rows.csv", copies=4000)
    arguments = ("predict", "-", "-o", "out.csv", "--timeout", "2")
    process = numnet.start(*arguments, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    rows = (numnet.folder / "rows.csv").read_bytes()
    process.stdin.write(rows)
    until(lambda: any(each.stat().st_size for each in numnet.folder.glob(".out.csv.*")))
    service.process.send_signal(signal.SIGKILL)
    with suppress(BrokenPipeError):  # the command has ended
        process.stdin.write(rows.partition(b"\n")[2])
    _, err = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 3
    assert b"`make run` starts a service" in err or b"--timeout gives it more" in err
    assert [path.name for path in numnet.folder.iterdir()] == ["rows.csv"]


def test_ctrl_c_leaves_no_output(numnet: Command) -> None:
    long_table(numnet.folder / "rows.csv", copies=4000)
    arguments = ("predict", "-", "-o", "out.csv")
    process = numnet.start(*arguments, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write((numnet.folder / "rows.csv").read_bytes())  # without an end
    until(lambda: any(each.stat().st_size for each in numnet.folder.glob(".out.csv.*")))
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE_SECONDS) == 130
    assert process.stderr is not None
    assert process.stderr.read().strip() == b"interrupted"
    process.stderr.close()
    process.stdin.close()
    assert [path.name for path in numnet.folder.iterdir()] == ["rows.csv"]


def test_a_reader_that_closes_the_output_ends_it_silently(numnet: Command) -> None:
    long_table(numnet.folder / "rows.csv")
    process = numnet.start(*("predict", "rows.csv"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"id,x1")
    process.stdout.close()
    assert process.wait(DEADLINE_SECONDS) == 141
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
