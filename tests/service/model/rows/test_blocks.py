"""Long JSON bodies are read block by block, with the values and errors of a body that is not."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest

from service.model.rows import blocks
from service.model.rows.blocks import RowBlocks, parse_rows
from service.model.rows.reader import RowReader
from service.web.bodies import parse
from service.web.errors import MAX_ERRORS, InvalidInput
from tests.service import near_valid
from tests.service.small_models import small_model

READER = RowReader(small_model())
ODD = RowReader(small_model(near_valid.FEATURES))
ROW = [0.5, -1, 2e3, 4]
NAMED = dict(zip(READER.model.features, ROW, strict=True))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LONG_BYTES", 0)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 200)


def outcome(reader: RowReader, document: Any, body: bytes) -> Any:
    """Return the rows as bytes, or the errors."""
    try:
        return reader.rows(document, body).tobytes()
    except InvalidInput as wrong:
        return wrong.errors, wrong.complete


def in_blocks(reader: RowReader, body: bytes) -> Any:
    return outcome(reader, parse_rows(body, {"instances"}), body)


def whole(reader: RowReader, body: bytes) -> Any:
    return outcome(reader, parse(body), body)


def described(read: Callable[[RowReader, bytes], Any], body: bytes) -> Any:
    """Return the outcome, or what is wrong with the JSON."""
    try:
        return read(READER, body)
    except BadRequest as error:
        return error.description


@pytest.mark.parametrize(
    "other",
    [
        '"signature_name": "serving_default"',
        '"params": {}',
        '"params" : null',
        '"signature_name":""',
    ],
)
def test_a_small_member_may_be_beside_the_rows(other: str) -> None:
    rows = json.dumps([ROW] * 100)
    for members in (f'{other}, "instances": {rows}', f'"instances": {rows}\n,{other} '):
        document = parse_rows(f"{{{members}}}".encode(), {"instances"})
        assert isinstance(document, dict)
        found = document.pop("instances")
        assert isinstance(found, RowBlocks)
        assert [row for rows, _ in found for row in rows] == [ROW] * 100
        assert document == json.loads(f"{{{other}}}")


@pytest.mark.parametrize("wrap", [list, dict], ids=["lists", "objects"])
def test_rows_of_values_in_lists_of_their_own_are_divided(wrap: type) -> None:
    names = [f"x{index}" for index in range(8)]
    rows = [[[index + 0.25] for _ in names] for index in range(60)]
    sent = rows if wrap is list else [dict(zip(names, row, strict=True)) for row in rows]
    document = parse_rows(json.dumps({"instances": sent}).encode(), {"instances"})
    assert isinstance(document, dict)
    blocks_of_rows = list(document["instances"])
    assert len(blocks_of_rows) > 5
    assert [row for found, _ in blocks_of_rows for row in found] == sent


@pytest.mark.parametrize("row", [ROW, NAMED], ids=["lists", "objects"])
@pytest.mark.parametrize("indent", [None, 2])
def test_blocks_have_all_rows_in_order(row: Any, indent: int | None) -> None:
    rows = [row if index % 7 else [index, 0, 0, 0] for index in range(100)]
    body = json.dumps({"instances": rows}, indent=indent).encode()
    document = parse_rows(body, {"instances"})
    assert isinstance(document, dict)
    assert isinstance(found := document["instances"], RowBlocks)
    assert len(list(found)) > 5
    assert [row for rows, _ in found for row in rows] == rows
    assert in_blocks(READER, body) == whole(READER, body)


@pytest.mark.parametrize(
    "wrong",
    [
        [1, 2, 3],
        [1, 2, 3, True],
        [1, 2, 3, None],
        [1, 2, 3, "4"],
        [1, 2, 3, "],[1,2,3,4],["],
        [1, 2, 3, [4]],
        [[1, 2, 3, 4], [1, 2, 3, 4]],
        {"x1": 1},
        NAMED | {"x5": 1},
        NAMED | {"x4": {"x1": [1, 2], "x2": 3}},
        {},
        [],
        7,
        "},{",
    ],
)
@pytest.mark.parametrize("place", [0, 50, 99])
@pytest.mark.parametrize("others", [ROW, NAMED], ids=["lists", "objects"])
def test_errors_name_the_same_places(wrong: Any, place: int, others: Any) -> None:
    rows = [others] * 100
    rows[place] = wrong
    body = json.dumps({"instances": rows}).encode()
    assert in_blocks(READER, body) == whole(READER, body)


def test_reading_stops_at_the_errors_that_are_listed() -> None:
    body = json.dumps({"instances": [{"": 0}] * 1000 + [[[[["deep"]]]]]}).encode()
    found = parse_rows(body, {"instances"})
    with pytest.raises(InvalidInput) as wrong:
        READER.rows(found, body)  # type: ignore[arg-type]
    assert len(wrong.value.errors) == MAX_ERRORS
    assert not wrong.value.complete


@pytest.mark.parametrize(
    "text",
    [
        '{"x1":1,"x2":2,"x3":3,"x4":4,"x1":5}',
        '{"x1":1,"x2":2,"x3":3,"x4":4,"x\\u0031":5}',
    ],
)
def test_repeated_names_are_found_in_every_block(text: str) -> None:
    body = f'{{"instances":[{json.dumps(ROW)},{",".join([text] * 20)}]}}'.encode()
    assert in_blocks(READER, body) == whole(READER, body)
    assert in_blocks(READER, body)[0][0]["detail"] == '"x1" appears twice in one object'


@pytest.mark.parametrize(
    "end",
    [
        ',"other":[1]}',
        ',"instances":[[1,2,3,4]]}',
        ',"other":{"a":[]}}',
        "",
        "]}",
        "}]",
        "}}",
    ],
)
@pytest.mark.parametrize("last", ["[1,2,3,4]", "[1,2,3,4],", "", "[1,2,3,4][1,2,3,4]", "1e400"])
def test_other_bodies_are_parsed_whole(end: str, last: str) -> None:
    rows = "[1,2,3,4]," * 30
    body = f'{{"instances":[{rows}{last}]{end}'.encode()
    assert described(in_blocks, body) == described(whole, body)


@pytest.mark.slow
@given(st.lists(near_valid.one_row_bodies(), min_size=1, max_size=6))
@settings(max_examples=300)
def test_blocks_accept_what_whole_bodies_accept(rows: list[bytes]) -> None:
    body = b'{"instances":[%b]}' % b",".join([b"[1,2,3,4]", *rows, b"[1,2,3,4]"])
    try:
        expected = whole(ODD, body)
    except BadRequest:
        with pytest.raises((BadRequest, InvalidInput)):
            in_blocks(ODD, body)
    else:
        found = in_blocks(ODD, body)
        assert type(found) is type(expected)
        assert isinstance(found, tuple) or found == expected


def test_unknown_names_of_a_row_are_counted_only_as_far_as_they_are_listed() -> None:
    values, errors = READER.schema.check({f"n{index}": 0 for index in range(10_000)}, "")
    assert values == []
    assert len(errors) == len(READER.cells) + MAX_ERRORS
    assert not np.isnan(READER.schema.check(NAMED, "")[0]).any()
