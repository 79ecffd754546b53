"""The options for the data of a training."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner

from trainer.command_line.data_options import ColumnNames, data_options, read_table
from trainer.command_line.report import report_table
from trainer.errors import RecipeError

CONTENT = "k,size,y\n" + "".join(f"{k},{k % 3},{k * k}\n" for k in range(12))


def options(*arguments: str) -> dict[str, Any]:
    """Return the options that a command line gives."""
    found: dict[str, Any] = {}

    @click.command()
    @data_options
    def command(**given: Any) -> None:
        found.update(given)

    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    del found["test_file"]
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(CONTENT)
    return path


def test_categories_are_named_like_features(path: Path) -> None:
    given = options("--data", str(path), "--target", "y", "--categories", "size")
    table = read_table(path.parent, 0, **given)
    assert [column.kind for column in table.columns] == ["number", "category"]
    assert table.source == "table.csv"


def test_column_name_may_be_of_any_length() -> None:
    assert ColumnNames().convert("a," + "b" * 200_000, None, None) == ("a", "b" * 200_000)


def test_encoding_and_missing_reach_the_reader(path: Path) -> None:
    path.write_bytes(CONTENT.replace("size", "Größe").encode("cp1252"))
    given = options(
        *("--data", str(path), "--target", "y", "--encoding", "cp1252", "--missing", "refuse")
    )
    table = read_table(path.parent, 0, **given)
    assert table.features == ("k", "Größe")
    assert table.summary["options"] == {"encoding": "cp1252", "missing": "refuse"}


def test_a_dash_is_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CONTENT.encode())))
    table = read_table(Path("data"), 0, **options("--data", "-", "--target", "y"))
    assert table.source == "standard input"
    np.testing.assert_array_equal(table.Y[:, 0], np.arange(12) ** 2)


@pytest.mark.parametrize(
    "option", [("--encoding", "cp1252"), ("--categories", "x1"), ("--missing", "refuse")]
)
def test_options_of_a_file_are_refused_for_synthetic_rows(option: tuple[str, str]) -> None:
    with pytest.raises(RecipeError, match=r"^--encoding, --categories and --missing need --data"):
        read_table(Path("data"), 0, **options(*option))


def test_what_was_understood_is_printed(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{k},a,{k % 2},0{k % 3},{k or 'NA'},{k * k}" for k in range(12)]
    path.write_text("id,c,size,code,g,y\n" + "\n".join([*lines, "1,a,2,00,3,"]))
    given = options("--data", str(path), "--target", "y", "--categories", "size")
    table = read_table(path.parent, 0, **given)
    report_table(table)
    assert capsys.readouterr().err.splitlines() == [
        "table.csv: UTF-8 text separated by commas, 12 rows, features: 2 categories, 1 number",
        "note: missing cells: 1 in 'g'",
        "note: column 'id' is left out: it numbers the rows",
        "note: column 'c' is left out: it is 'a' in every row",
        "note: column 'code': codes with leading zeros",
        "note: 1 row left out, because 'y' is missing",
    ]
    assert json.loads(json.dumps(table.summary)) == table.summary


def test_nothing_is_printed_of_synthetic_rows(capsys: pytest.CaptureFixture[str]) -> None:
    report_table(read_table(Path("data"), 0, **options("--samples", "20")))
    assert capsys.readouterr().err == ""
