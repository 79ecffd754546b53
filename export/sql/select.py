"""Writes a version as one SELECT.

Every vector is a table expression that is computed once and for all rows (`MATERIALIZED`), so that
no number is computed again for each of those that are made of it. Rows are numbered, so that the
predictions find the rows that they belong to.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from export.code.names import quoted
from export.errors import NotExportable
from export.graph import Cells, Graph, Join, Operation
from export.graph.operations import sources
from export.source import Source
from export.sql.cells import Named, cell_numbers, date_parts, raw_cells
from export.sql.expressions import stages
from export.sql.literals import identifier, number
from network import Array

MAX_CONSTANTS = 10_000  # the time that SQLite takes to read them grows with their square
MAX_COLUMNS = 1_000  # of a table expression; PostgreSQL allows 1,664
ROW = "numnet_row"

_HEAD = """\
-- Version {number} of the numnet model {name}: predictions for the rows of a table.
-- Put the table's name in place of "rows" in the line `FROM "rows" AS source`. The result has all
-- its columns, the number {row} of each row, and what is predicted; NULL if a cell is not valid.
-- For PostgreSQL 12 or newer, and SQLite 3.35 or newer with its mathematical functions.
-- Features:
{features}
"""


@dataclass
class _Query:
    """The table expressions, each of which reads the one before."""

    tables: list[str] = field(default_factory=list)

    def add(self, name: str, columns: Iterable[Named | str], table: str = "") -> None:
        """Add a table expression; a column without an expression is one of the table before."""
        selected = [
            each if isinstance(each, str) else f"{each[1]} AS {each[0]}" for each in columns
        ]
        if len(selected) > MAX_COLUMNS:
            raise _too_long("columns", len(selected), MAX_COLUMNS)
        listed = ",\n    ".join(selected)
        select = f"SELECT\n    {listed}\n  FROM {table or self.last}"
        self.tables.append(f"numnet_{name} AS MATERIALIZED (\n  {select}\n)")
        self.last = f"numnet_{name}"

    last: str = ""


def sql_select(source: Source) -> str:
    """Return the statement of a version.

    Raises
    ------
    NotExportable
        it would be too long, or has a text that SQL cannot have.
    LevelError
    """
    graph, columns = source.graph, source.model.columns
    if (count := graph.constants) > MAX_CONSTANTS:
        raise _too_long("constants", count, MAX_CONSTANTS)
    texts = (text for each in columns for text in (each.name, *each.values))
    if any("\0" in text for text in (*texts, *source.model.targets)):
        raise NotExportable("SQL cannot have the null character that a name or a category has")
    taken = {each.name.lower() for each in columns}  # SQLite does not distinguish case
    row = _free(ROW, taken)
    query = _Query()
    query.add("rows", ["source.*", (row, "row_number() OVER ()")], '"rows" AS source')
    query.add("cells", [row, *raw_cells(columns, "numnet_rows")])
    if parts := list(date_parts(columns)):
        query.add("dates", ["numnet_cells.*", *parts])
    missing = [f"missing_{j}" for j in range(len(columns))]
    query.add("numbers", [row, *missing, *cell_numbers(columns)])
    x = [f"x_{j}" for j in range(len(columns))]
    outside = ("outside", _outside(x, source.model.extrapolation_limits))
    query.add("x", [row, *missing, *x, outside])
    vectors = _add_operations(query, graph, [row, "outside"], [*missing, *x])
    features = "\n".join(f"--   {quoted(each.name)}: {each.kind}" for each in columns)
    head = _HEAD.format(number=source.number, name=quoted(source.name), row=row, features=features)
    results = ",\n  ".join(
        f"{expression} AS {identifier(_free(name, taken))}"
        for name, expression in _results(source, vectors)
    )
    return (
        f"{head}WITH {', '.join(query.tables)}\nSELECT\n  numnet_rows.*,\n  {results}\n"
        f"FROM numnet_rows JOIN {query.last} USING ({row})\nORDER BY {row};\n"
    )


def _add_operations(
    query: _Query, graph: Graph, kept: list[str], cells: list[str]
) -> dict[str, list[str]]:
    """Add a table expression for each vector, and return the columns of the vectors.

    Parameters
    ----------
    kept : the columns that every table expression has
    cells : those of the first vector, and of which cells are missing
    """
    operations = list(graph)
    vectors = {operations[0].out: [each for each in cells if each.startswith("x_")]}
    carried = {operations[0].out: cells}
    for index, operation in enumerate(operations):
        if isinstance(operation, Cells):
            continue
        if isinstance(operation, Join):
            vectors[operation.out] = [v for part in operation.parts for v in vectors[part]]
            carried[operation.out] = vectors[operation.out]
            continue
        found = list(stages(operation, vectors, graph.columns))
        needed = _needed(operations[index + 1 :], graph)
        before = [c for name, each in carried.items() if name in needed for c in each]
        old = [*kept, *dict.fromkeys(before)]
        own = [""] * operation.width
        for stage, forms in enumerate(found, 1):
            name = operation.out if stage == len(found) else f"{operation.out}_part{stage}"
            values = [form.format(v=v) for form, v in zip(forms, own, strict=True)]
            own = [f"{name}_{j}" for j in range(operation.width)]
            query.add(name, [*old, *zip(own, values, strict=True)])
        vectors[operation.out] = carried[operation.out] = own
    return vectors


def _needed(following: list[Operation], graph: Graph) -> set[str]:
    """Return the names of the vectors that operations and results read."""
    return {*graph.outputs, *(name for each in following for name in sources(each))}


def _outside(x: list[str], limits: Array) -> str:
    """Return how many cells are outside the range of training."""
    return (
        " + ".join(
            f"CASE WHEN {v} < {number(least)} OR {v} > {number(greatest)} THEN 1 ELSE 0 END"
            for v, least, greatest in zip(x, *limits.tolist(), strict=True)
            if abs(least) < float("inf")
        )
        or "0"
    )


def _results(source: Source, vectors: dict[str, list[str]]) -> Iterator[Named]:
    """Yield the names of the results and their expressions."""
    targets = source.model.targets
    for k, target in enumerate(targets):
        for kind, vector in zip(
            ("prediction", "lower", "upper"), source.graph.outputs, strict=False
        ):
            yield kind if len(targets) == 1 else f"{kind}_{target}", vectors[vector][k]
    yield "extrapolating", "outside"


def _free(name: str, taken: set[str]) -> str:
    """Return a name that no feature has."""
    while name.lower() in taken:
        name += "_"
    return name


def _too_long(what: str, count: int, limit: int) -> NotExportable:
    return NotExportable(
        f"SQL for this version would have {count:,} {what}, and the limit is {limit:,}; "
        "the limits of the other formats are much larger"
    )
