import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import psycopg
import pytest

from config.dates import days_since_1970
from export import NotExportable
from export.sql import sql_select
from network import Architecture, Array, Column, Model
from tests.export.models import EXAMPLES, LEVEL, Example
from tests.export.sources import (
    HOSTILE,
    example_of_words,
    hostile_example,
    json_rows,
    more_rows,
    source_of,
    valid_rows,
    with_dates_in_text,
)
from tests.export.sql.databases import Database, PostgreSQL, Rows, SQLite
from tests.random_ensembles import make_ensemble
from tests.single_network import network

MIXED = EXAMPLES["network of mixed columns"]
ROW = json_rows(with_dates_in_text(MIXED))[0]


def check(example: Example, database: Database, level: float | None = LEVEL) -> None:
    example = with_dates_in_text(example)
    rows = json_rows(example)
    found = database.select(source_of(example, level), rows)
    assert [each["id"] for each in found] == list(range(len(rows)))
    results = results_of(found, example, level)
    valid = valid_rows(example)
    for got, expected in zip(results, example.expected(level), strict=True):
        assert np.isnan(got[~valid]).all()
        example.assert_close(got[valid], expected[valid])
    outside = example.model.outside(example.X).sum(axis=1)
    assert [each["extrapolating"] for each in found] == outside.tolist()


def results_of(found: Rows, example: Example, level: float | None = None) -> list[Array]:
    """Return predictions, lower and upper ends, (N, targets) each, with NaN for NULL."""
    targets = example.model.targets
    results = []
    for kind in ("prediction", "lower", "upper") if level else ("prediction",):
        names = [kind if len(targets) == 1 else f"{kind}_{target}" for target in targets]
        results.append(np.array([[row[name] for name in names] for row in found], np.float64))
    return results


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_statement_predicts_as_its_model(name: str, database: Database) -> None:
    check(EXAMPLES[name], database)


def test_a_statement_without_intervals_predicts(database: Database) -> None:
    check(MIXED, database, None)


def test_a_statement_predicts_random_rows(database: Database) -> None:
    check(replace(MIXED, X=more_rows(MIXED, 300)), database)


def test_hostile_names_and_texts_change_nothing(database: Database) -> None:
    # SQLite takes names in any case for the same, and PostgreSQL has no empty names
    name = {"sqlite": "INT", "postgresql": ""}[database.name]
    check(hostile_example([each for each in HOSTILE if each != name]), database)


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("select", "abc"),
        ("select", ""),
        ("select", 1e999),
        ("bright ness/%", "abc"),
        ("1st", "maybe"),
        ("day", "never"),
        ("day", "2023-13-01"),
        ("day", "2023-04-31"),
        ("day", "2023-02-29"),
        ("day", "1900-02-29"),
        ("day", "2023-07-00"),
        ("day", "2023-07-08 24:00"),
        ("day", "2023-07-08 12:60"),
        ("day", "2023-07-08 12:34:60"),
        ("day", "2023-07-08 12:34:56+02:00"),
        ("day", "2023-07-08 12"),
    ],
)
def test_a_wrong_cell_gives_no_prediction_in_sqlite(
    name: str, cell: object, sqlite: SQLite
) -> None:
    found = sqlite.select(source_of(MIXED), [ROW | {name: cell}, ROW])
    wrong, right = results_of(found, MIXED)[0]
    assert np.isnan(wrong).all()
    assert np.isfinite(right).all()


@pytest.mark.parametrize("cell", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_gives_no_prediction(
    cell: float, postgresql: PostgreSQL
) -> None:
    found = postgresql.select(source_of(MIXED), [ROW | {"bright ness/%": cell}])
    assert np.isnan(results_of(found, MIXED)[0]).all()


MOMENT = datetime(2023, 7, 8, 12, 34, 56, 789012, UTC)
DAYS = days_since_1970(MOMENT.isoformat())


@pytest.mark.parametrize(
    ("kind", "cell", "days"),
    [
        ("timestamp with time zone", MOMENT, DAYS),
        ("timestamp", MOMENT.replace(tzinfo=None), DAYS),
        ("date", MOMENT.date(), 19_546.0),
        ("text", "2023-07-08T12:34:56.789012Z", DAYS),
        ("text", " 2023-07-08 12:34 ", days_since_1970("2023-07-08T12:34")),
    ],
)
def test_dates_have_any_type(kind: str, cell: object, days: float, database: Database) -> None:
    if database.name == "sqlite":
        cell = str(cell)  # it has texts alone
    found = database.select(source_of(MIXED), [ROW | {"day": cell}], {"day": kind})
    X = with_dates_in_text(MIXED).X[:1].copy()
    X[0, 3] = days
    MIXED.assert_close(results_of(found, MIXED)[0], MIXED.model.predict(X))


@pytest.mark.parametrize("day", ["2000-02-29", "2024-02-29", "1900-02-28", "2023-12-31"])
def test_the_last_day_of_a_month_is_a_date(day: str, database: Database) -> None:
    found = database.select(source_of(MIXED), [ROW | {"day": day}], {"day": "text"})
    X = with_dates_in_text(MIXED).X[:1].copy()
    X[0, 3] = days_since_1970(day)
    MIXED.assert_close(results_of(found, MIXED)[0], MIXED.model.predict(X))


def test_features_may_have_the_names_of_results(database: Database) -> None:
    example = EXAMPLES["network tanh"]
    columns = tuple(map(Column, ("Prediction", "numnet_row", "lower")))
    renamed = replace(example, model=replace(network(example.model), columns=columns))
    found = database.select(source_of(renamed), json_rows(renamed))
    Y = np.array([[row["prediction_"]] for row in found])
    example.assert_close(Y, example.expected()[0])
    assert [row["numnet_row_"] for row in found] == list(range(1, len(found) + 1))
    assert [row["lower"] for row in found] == example.X[:, 2].tolist()
    assert all(row["lower_"] < row["upper"] for row in found)


@pytest.mark.parametrize(
    ("kind", "cell"),
    [("numeric", Decimal("7")), ("integer", 7), ("real", 7.0), ("bigint", 2**60), ("smallint", 7)],
)
def test_numbers_have_any_type(kind: str, cell: Any, database: Database) -> None:
    example = EXAMPLES["network tanh"]
    name = example.model.features[0]
    value = float(cell) if database.name == "sqlite" and kind == "numeric" else cell
    rows = [dict.fromkeys(example.model.features, 0.5) | {name: value}]
    found = database.select(source_of(example), rows, {name: kind})
    expected = example.model.predict([[float(cell), 0.5, 0.5]])
    example.assert_close(results_of(found, example)[0], expected)


def test_words_numbers_and_times_stand_for_values(database: Database) -> None:
    example = example_of_words()
    is_sqlite = database.name == "sqlite"
    types = {"kind": "numeric", "on": "text", "at": "text" if is_sqlite else "time"}
    number = float if is_sqlite else Decimal
    rows: Rows = [
        {"kind": number("2.50"), "on": " NEIN ", "at": "06:00"},
        {"kind": number("2.5"), "on": "false", "at": "06:00:00"},
        {"kind": number("7"), "on": "Ja", "at": "06:00"},
    ]
    if not is_sqlite:
        rows = [row | {"at": time.fromisoformat(row["at"])} for row in rows]
    found = database.select(source_of(example), rows, types)
    expected = example.model.predict([[1.0, 0.0, 0.25], [1.0, 0.0, 0.25], [-1.0, 1.0, 0.25]])
    example.assert_close(results_of(found, example)[0], expected)


def test_a_column_that_is_missing_is_an_error(database: Database) -> None:
    rename = "ALTER TABLE rows RENAME COLUMN x3 TO other"
    with pytest.raises((sqlite3.OperationalError, psycopg.errors.UndefinedColumn), match="x3"):
        database.select(source_of(EXAMPLES["network tanh"]), [], {}, rename)


def test_a_long_statement_is_refused() -> None:
    large = replace(EXAMPLES["ensemble"], model=make_ensemble(hidden=64))
    with pytest.raises(
        NotExportable,
        match=r"would have \d\d,\d{3} constants, .* is 10,000; the limits of the other formats are",
    ):
        sql_select(source_of(large))


@pytest.mark.parametrize(
    "column", [Column("x\0"), Column("c", "category", ("a", "b\0"))], ids=["name", "category"]
)
def test_a_null_character_is_refused(column: Column) -> None:
    example = EXAMPLES["network of one feature"]
    odd = replace(example, model=replace(network(example.model), columns=(column,)))
    with pytest.raises(NotExportable, match="null character"):
        sql_select(source_of(odd))


def test_a_wide_statement_is_refused() -> None:
    example = EXAMPLES["network of one feature"]
    architecture = Architecture((1, 1100, 1), "tanh")
    assert isinstance(example.model, Model)
    theta = np.ones(architecture.parameters)
    wide = replace(example, model=replace(example.model, architecture=architecture, theta=theta))
    with pytest.raises(NotExportable, match=r"would have 1,102 columns, .* is 1,000; the"):
        sql_select(source_of(wide))
