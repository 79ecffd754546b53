import ctypes
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.dates import days_since_1970, format_date
from network import Column
from tests.export.c.compiled import Compiled
from tests.export.models import EXAMPLES, LEVEL, Example
from tests.export.sources import (
    HOSTILE,
    example_of_words,
    hostile_example,
    more_rows,
    source_of,
    valid_rows,
)
from tests.export.tools import tool

MIXED = EXAMPLES["ensemble of mixed columns and two targets"]
Compile = Callable[..., Compiled]


@pytest.fixture
def compile_(tmp_path: Path) -> Compile:
    return lambda example, **options: Compiled(source_of(example, **options), tmp_path)


def check(compiled: Compiled, example: Example) -> None:
    valid = valid_rows(example)
    found = [compiled.predict(row) for row in example.X]
    assert [status == 0 for status, _ in found] == valid.tolist()
    results = np.array([results for _, results in found])
    assert np.isnan(results[~valid]).all()
    expected = example.expected(compiled.source.level)
    assert results.shape[1] == len(expected)
    for number, each in enumerate(expected):
        example.assert_close(results[valid, number], each[valid])


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_program_predicts_as_its_model(name: str, compile_: Compile) -> None:
    check(compile_(EXAMPLES[name]), EXAMPLES[name])


def test_a_program_without_intervals_predicts(compile_: Compile) -> None:
    check(compile_(MIXED, level=None), MIXED)


@pytest.mark.parametrize("name", [name for name in EXAMPLES if "mixed" in name])
def test_a_program_predicts_random_rows(name: str, compile_: Compile) -> None:
    example = replace(EXAMPLES[name], X=more_rows(EXAMPLES[name], 300))
    check(compile_(example), example)


def test_hostile_names_and_texts_change_nothing(compile_: Compile) -> None:
    example = hostile_example()
    compiled = compile_(example)
    check(compiled, example)
    category = len(HOSTILE) - 1
    for number, text in enumerate(HOSTILE):
        assert compiled.number_of("category", category, text.encode()) == number


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return Compiled(source_of(MIXED), tmp_path_factory.mktemp("mixed"))


@pytest.mark.parametrize(
    ("feature", "cell"),
    [
        (0, np.inf),
        (0, -np.inf),
        (1, -2.0),
        (1, 4.0),
        (1, 0.5),
        (2, 2.0),
        (2, 0.5),
        (3, np.inf),
        (4, np.nan),
    ],
)
def test_the_first_wrong_cell_is_named(mixed: Compiled, feature: int, cell: float) -> None:
    row = MIXED.X[0].copy()
    row[feature] = cell
    status, results = mixed.predict(row)
    assert status == feature + 1
    assert np.isnan(results).all()


def test_an_overflow_is_reported(compile_: Compile) -> None:
    compiled = compile_(EXAMPLES["network relu"])
    assert compiled.predict(np.full(3, 1e308))[0] == -1


def test_the_ends_of_the_interval_need_not_be_computed(mixed: Compiled) -> None:
    row, prediction = np.ascontiguousarray(MIXED.X[0]), np.zeros(2)
    pointers = [each.ctypes.data_as(ctypes.c_void_p) for each in (row, prediction)]
    assert mixed.library.numnet_predict(*pointers, None, None) == 0
    assert prediction.tolist() == mixed.predict(row)[1][0].tolist()


def test_cells_outside_the_range_of_training_are_counted(mixed: Compiled) -> None:
    expected = MIXED.model.outside(MIXED.X).sum(axis=1)
    assert [mixed.outside(row) for row in MIXED.X] == expected.tolist()
    assert expected.any()


def test_categories_are_found_by_their_texts(mixed: Compiled) -> None:
    values = MIXED.model.columns[1].values
    for number, value in enumerate(values):
        assert mixed.number_of("category", 1, value.encode()) == number
    assert mixed.number_of("category", 1, b"\t red\r\n") == 0
    assert mixed.number_of("category", 1, b"Red") == -1
    assert mixed.number_of("category", 0, b"red") == -1
    assert np.isnan(mixed.number_of("category", 1, None))


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00", "1969-12-31T23:59:59.500000", "2000-02-29", "9999-12-31"]
)
def test_days_are_those_of_the_service(mixed: Compiled, moment: str) -> None:
    at = datetime.fromisoformat(moment)
    whole = (at.year, at.month, at.day, at.hour, at.minute)
    second = ctypes.c_double(at.second + at.microsecond / 1e6)
    assert mixed.number_of("days", *whole, second) == pytest.approx(
        days_since_1970(moment), abs=1e-10, rel=1e-15
    )


def test_nothing_is_allocated_and_no_variable_outlives_a_call(mixed: Compiled) -> None:
    object_file = mixed.build("model.o", "-c", "-fno-pie")
    listed = subprocess.run(
        [tool("nm"), object_file], capture_output=True, text=True, check=True
    ).stdout
    symbols = [line.split()[-2:] for line in listed.splitlines()]
    assert not {name for kind, name in symbols if kind in "BbCDdGgSs"}
    needed = {name for kind, name in symbols if kind == "U"} - {"_GLOBAL_OFFSET_TABLE_"}
    assert needed <= {"cos", "exp", "floor", "memcmp", "sin", "sqrt", "strlen", "tanh"}


def test_a_time_without_a_date_is_a_fraction_of_a_day(compile_: Compile) -> None:
    example = example_of_words()
    compiled = compile_(example)
    assert "time as a fraction of a day, in UTC: 0.25 to 0.75" in compiled.file.read_text()
    command = compiled.build("command", "-DNUMNET_MAIN")
    for time in ("12:00", "12:00:00", "12:00:00.0"):
        arguments = [str(command), "kind=2.50", "on=Ja", f"at={time}"]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True)
        found = float(done.stdout.split("\t")[1])
        assert found == pytest.approx(example.model.predict([[1.0, 1.0, 0.5]])[0, 0], rel=1e-12)
    for time in ("24:00", "12:60", "12", "2020-01-31 12:00"):
        wrong = [*arguments[:3], f"at={time}"]
        done = subprocess.run(wrong, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr == f"at={time}: wrong value; expected a time, such as 12:30\n"


def test_the_declarations_are_a_header(mixed: Compiled, tmp_path: Path) -> None:
    caller = tmp_path / "caller.c"
    caller.write_text(
        "#define NUMNET_DECLARATIONS\n"
        f'#include "{mixed.file}"\n#include "{mixed.file}"\n'
        "#include <stdio.h>\n#include <math.h>\n"
        "int main(void) {\n"
        "  double row[NUMNET_FEATURES], y[NUMNET_TARGETS], least[NUMNET_TARGETS],"
        " most[NUMNET_TARGETS];\n"
        "  for (int j = 0; j < NUMNET_FEATURES; j++) row[j] = 0;\n"
        "  row[NUMNET_FEATURE_BRIGHT_NESS] = NAN;\n"
        '  row[NUMNET_FEATURE_COLOUR] = numnet_category(NUMNET_FEATURE_COLOUR, "red");\n'
        "  row[NUMNET_FEATURE_DAY] = numnet_days(2020, 1, 31, 12, 0, 0.0);\n"
        '  printf("%d ", numnet_predict(row, y, least, most));\n'
        '  printf("%.17g\\n", y[NUMNET_TARGET_Y2]);\n'
        "  return 0;\n}\n"
    )
    program = mixed.build("caller", files=(caller, mixed.file))
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    day = days_since_1970("2020-01-31T12:00")
    assert day
    status, value = map(float, printed.split())
    expected = MIXED.model.predict([[np.nan, 0.0, 0.0, day, 0.0]])[0, 1]
    assert status == 0
    assert value == pytest.approx(expected, rel=1e-12)


def arguments_of(example: Example, row: int) -> list[str]:
    """Return NAME=VALUE for each cell that is not missing."""
    cells = example.cells(row)
    return [
        f"{column.name}={_text_of(column, cells[column.name])}"
        for column in example.model.columns
        if cells[column.name] is not None
    ]


def _text_of(column: Column, cell: Any) -> str:
    match column.kind:
        case "boolean":
            return column.values[int(cell)]
        case "datetime":
            return format_date(cell)
    return str(cell)


@pytest.mark.parametrize("example", [MIXED, hostile_example()], ids=["mixed", "hostile"])
def test_a_command_predicts_a_row(example: Example, compile_: Compile) -> None:
    command = compile_(example).build("command", "-DNUMNET_MAIN")
    expected = np.transpose(example.expected(LEVEL), (1, 2, 0))
    for row in (0, 1, 4):
        done = subprocess.run(
            [command, *arguments_of(example, row)], capture_output=True, text=True, check=True
        )
        assert done.stdout.startswith(f"{example.model.targets[0]}\t")
        numbers = [
            [float(number) for number in line.split("\t")[-3:]]
            for line in done.stdout.splitlines()
            if line.count("\t") == 3
        ]
        assert numbers == pytest.approx(expected[row], rel=1e-9)


A_DATE = "wrong value; expected a date, such as 2026-01-31 or 2026-01-31 12:00\n"


@pytest.mark.parametrize("name", ["rent", "2nd", "numnet"])
def test_a_model_of_any_name_is_a_command_with_a_usage(name: str, compile_: Compile) -> None:
    command = compile_(MIXED, name=name).build("command", "-DNUMNET_MAIN")
    done = subprocess.run([command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    usage, blank, *features = done.stderr.splitlines()
    assert (usage, blank) == (f"usage: {command} NAME=VALUE ...", "")
    assert [line.strip().split(" = ")[0] for line in features] == list(MIXED.model.features)
    assert [line.endswith("; may be left out") for line in features] == [
        column.has_gaps for column in MIXED.model.columns
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["select=1", "nonsense=2"],
            2,
            "nonsense=2: expected NAME=VALUE, with the name of a feature",
        ),
        (["select=1e"], 2, "select=1e: wrong value; expected a finite number\n"),
        (["select=1", "day=2020-01-31T12:00+02:00"], 2, f"day=2020-01-31T12:00+02:00: {A_DATE}"),
        (["select=1", "day=2023-02-29"], 2, f"day=2023-02-29: {A_DATE}"),
        (["select=1", "day=2023-13-01"], 2, f"day=2023-13-01: {A_DATE}"),
        (["select=1", "day=2023-12-32"], 2, f"day=2023-12-32: {A_DATE}"),
        (["select=1", "day=2023-07-08 24:00"], 2, f"day=2023-07-08 24:00: {A_DATE}"),
        (["select=1", "1st=maybe"], 2, "1st=maybe: wrong value; expected no or yes\n"),
        (["day=2023-02-28"], 1, "select: missing; expected a finite number\n"),
        (["select=inf"], 1, "select: wrong value; expected a finite number\n"),
        (["select=1e9"], 0, "outside the range of training"),
    ],
)
def test_a_command_says_what_is_wrong(
    mixed: Compiled, arguments: list[str], code: int, message: str
) -> None:
    command = mixed.build("command", "-DNUMNET_MAIN")
    done = subprocess.run([command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert done.stderr.startswith(message)
