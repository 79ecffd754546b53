"""Files as people have them: the numbers that are read, what is said about them, and refusals."""

import bz2
import gzip
import io
import json
import lzma
import re
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainer.data.reading.options import ReadingOptions
from trainer.data.reading.table_file import table_from_file
from trainer.data.table import Table
from trainer.errors import DataError

COUNT = 24
NAN = np.nan


def rows(header: str, row: Callable[[int], str], end: str = "\n") -> str:
    """Return a header and `COUNT` lines."""
    return "".join(line + end for line in (header, *map(row, range(COUNT))))


def square(k: int) -> str:
    return str(k * k)


@dataclass(frozen=True)
class Readable:
    """A file that can be read.

    Attributes
    ----------
    columns : the kind and the first three cells of each feature
    says : words of the summary
    of_columns : attributes of columns
    y : the first three targets
    """

    content: str | bytes
    columns: dict[str, tuple[str, tuple[float, float, float]]]
    says: tuple[str, ...] = ()
    of_columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    y: tuple[float, float, float] = (0.0, 1.0, 4.0)
    options: ReadingOptions | None = None


NUMBERS: dict[str, tuple[str, tuple[float, float, float]]] = {
    "a": ("number", (0.5, 2.5, 4.5)),
    "b": ("number", (-3.0, -2.0, -1.0)),
}


def plain(
    delimiter: str = ",",
    end: str = "\n",
    header: str = "a,b,y",
    row: Callable[[str, str, str], str] | None = None,
) -> str:
    """Return a table with the features `NUMBERS`."""

    def line(k: int) -> str:
        cells = (f"{2 * k + 0.5}", f"{k - 3}", square(k))
        return row(*cells) if row else delimiter.join(cells)

    return rows(header.replace(",", delimiter), line, end)


def numbers(content: str | bytes, *says: str, **more: Any) -> Readable:
    return Readable(content, NUMBERS, says, **more)


def one(
    kind: str,
    cells: tuple[float, float, float],
    cell: Callable[[int], str],
    *says: str,
    **more: Any,
) -> Readable:
    """Return a file with one feature x besides the number k."""
    content = rows("k;x;y", lambda k: f"{k % 7};{cell(k)};{square(k)}")
    columns = {"k": ("number", (0.0, 1.0, 2.0)), "x": (kind, cells)}
    return Readable(content, columns, says, **more)


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, plain())
    return file.getvalue()


COLORS = ("red", "green", "blue")

DELIMITERS = {
    "comma": numbers(plain(), "separated by commas"),
    "semicolon": numbers(plain(";"), "separated by semicolons"),
    "tab": numbers(plain("\t"), "separated by tabs"),
    "vertical bar": numbers(plain("|"), "separated by vertical bars"),
    "white space": numbers(plain(row=lambda *c: "  ".join(c), header="a b y"), "white space"),
    "columns of fixed width": numbers(
        plain(header="    a    b    y", row=lambda *c: "".join(f"{each:>5}" for each in c))
    ),
    "delimiter named on top": numbers("sep=;\n" + plain(";")),
    "unusual delimiter named on top": numbers("sep=^\n" + plain("^")),
    "header with another delimiter in a name": Readable(
        plain(";", header="a,1,b,y").replace("a;1;b", "a,1;b"),
        {"a,1": NUMBERS["a"], "b": NUMBERS["b"]},
    ),
    "more commas in the header than semicolons": Readable(
        plain(";", header="a,b,y").replace("a;b;y", "a, in m, s, kg, K;b;y"),
        {"a, in m, s, kg, K": NUMBERS["a"], "b": NUMBERS["b"]},
    ),
    "delimiters in quoted texts": Readable(
        rows("t,b,y", lambda k: f'"{COLORS[k % 3]}, or so",{k - 3},{k * k}'),
        {"t": ("category", (2.0, 1.0, 0.0)), "b": NUMBERS["b"]},
    ),
    "single quotes": numbers(plain(header="'a','b','y'", row="'{}','{}','{}'".format)),
    "all cells quoted": numbers(plain(row='"{}","{}","{}"'.format)),
    "escaped quotes": Readable(
        rows("t,b,y", lambda k: f'"say \\"{COLORS[k % 3]}\\"",{k - 3},{k * k}'),
        {"t": ("category", (2.0, 1.0, 0.0)), "b": NUMBERS["b"]},
        of_columns={"t": {"values": ('say "blue"', 'say "green"', 'say "red"')}},
    ),
    "doubled quotes": Readable(
        rows("t,b,y", lambda k: f'"say ""{COLORS[k % 3]}""",{k - 3},{k * k}'),
        {"t": ("category", (2.0, 1.0, 0.0)), "b": NUMBERS["b"]},
        of_columns={"t": {"values": ('say "blue"', 'say "green"', 'say "red"')}},
    ),
    "an inch sign in a text": Readable(
        rows("t,b,y", lambda k: f'{k % 3}" pipe,{k - 3},{k * k}'),
        {"t": ("category", (0.0, 1.0, 2.0)), "b": NUMBERS["b"]},
    ),
    "line ends in quoted texts": Readable(
        rows("t,b,y", lambda k: f'"{COLORS[k % 3]}\nline 2",{k - 3},{k * k}'),
        {"t": ("category", (2.0, 1.0, 0.0)), "b": NUMBERS["b"]},
    ),
    "line end in a name": Readable(
        plain(header='"a\nin m",b,y'), {"a in m": NUMBERS["a"], "b": NUMBERS["b"]}
    ),
}

LINES = {
    "byte order mark": numbers("\ufeff" + plain()),
    "carriage returns and line feeds": numbers(plain(end="\r\n")),
    "carriage returns": numbers(plain(end="\r")),
    "mixed line ends": numbers(plain().replace("1\n", "1\r\n").replace("4\n", "4\r")),
    "no line end at the end": numbers(plain().rstrip("\n")),
    "blank lines between": numbers(plain(end="\n\n")),
    "lines of blanks": numbers(plain().replace("\n", "\n   \n", 5)),
    "lines of delimiters": numbers(plain().replace("\n", "\n,,\n", 5)),
    "lines of delimiters at the end": numbers(plain() + ",,\n" * 50),
    "delimiter at each line's end": numbers(plain(end=",\n")),
    "delimiter at each line's end except the header's": numbers(
        plain(end=",\n").replace("y,", "y")
    ),
    "delimiter at the header's end alone": numbers(plain().replace("y\n", "y,\n")),
    "empty cells after the last column": numbers(plain(end=",,,,\n")),
    "comments on top": numbers("# made by a tool\n#\n# on a day, or so\n" + plain()),
    "comments among the rows": numbers(plain().replace("\n", "\n# note\n", 7)),
    "header marked as a comment": numbers("#" + plain()),
    "header after a comment sign and a blank": numbers("# " + plain()),
    "title above the header": numbers("Results of 2024\n\n" + plain(), "1 line above the column"),
    "titles with delimiters above the header": numbers(
        "Results,,\nby,me,\n" + plain(), "2 lines above the column names left out"
    ),
    "spaces around names and cells": numbers(
        plain(header=" a , b , y ", row=" {} ,  {}, {} ".format)
    ),
    "row names of R": numbers(
        plain(header='"a","b","y"', row=lambda *c: f'"{c[1]}",' + ",".join(c)),
        "column 1: it has no name",
    ),
    "nameless first column": numbers(
        plain(header=",a,b,y", row=lambda *c: f"{c[1]}," + ",".join(c)), "column 1: it has no name"
    ),
    "nameless column in the middle": numbers(
        plain(header="a,,b,y", row=lambda *c: f"{c[0]},7,{c[1]},{c[2]}"), "column 2: it has no name"
    ),
    "row numbers": numbers(
        rows("id,a,b,y", lambda k: f"{k + 1},{2 * k + 0.5},{k - 3},{k * k}"),
        "id: it numbers the rows",
    ),
    "row numbers of which one has no target": numbers(
        rows("id,a,b,y", lambda k: f"{k + 1 + (k > 8)},{2 * k + 0.5},{k - 3},{k * k}").replace(
            "\n11,", "\n10,1,1,\n11,"
        ),
        "id: it numbers the rows",
    ),
    "row numbers in German": numbers(
        rows("Nr.,a,b,y", lambda k: f"{k + 1},{2 * k + 0.5},{k - 3},{k * k}"),
        "Nr.: it numbers the rows",
    ),
    "constant column": numbers(
        plain(header="c,a,b,y", row=lambda *c: "7," + ",".join(c)), "c: it is '7' in every row"
    ),
    "constant text": numbers(
        plain(header="c,a,b,y", row=lambda *c: "EU," + ",".join(c)), "c: it is 'EU' in every row"
    ),
    "empty column": numbers(
        plain(header="c,a,b,y", row=lambda *c: "," + ",".join(c)), "c: every cell is missing"
    ),
    "names of several texts": numbers(
        rows("name,a,b,y", lambda k: f"person {k},{2 * k + 0.5},{k - 3},{k * k}"),
        "name: it is a text with 24 different values in 24 rows",
    ),
    "no header": Readable(
        plain().partition("\n")[2].replace("\n", ",1\n"),
        {"column1": NUMBERS["a"], "column2": NUMBERS["b"]},
        ("the file has no header", "column4: it is '1' in every row"),
    ),
    "names like signatures of binary files": Readable(
        plain(header="PAR1,ORCA,y"), {"PAR1": NUMBERS["a"], "ORCA": NUMBERS["b"]}
    ),
    "names in brackets": Readable(
        plain(header="[m/s],{b},y"), {"[m/s]": NUMBERS["a"], "{b}": NUMBERS["b"]}
    ),
    "years as names": Readable(
        plain(header="2023,2024,y"), {"2023": NUMBERS["a"], "2024": NUMBERS["b"]}
    ),
    "rows without a target": numbers(
        plain() + "1,2,\n3,4,NA\n", "2 rows left out, because 'y' is missing"
    ),
    "units below the names": numbers(
        plain().replace("y\n", "y\nm,,kg\n"), "line 2 left out, because it has texts in all columns"
    ),
    "the end of a file of DOS": numbers(plain() + "\x1a"),
    "row of totals": numbers(
        plain() + f"{sum(2 * k + 0.5 for k in range(24))},{sum(k - 3 for k in range(24))},"
        f"{sum(k * k for k in range(24))}\n",
        "the last row is left out: it holds the sums of the others",
    ),
    "row of totals with a label": Readable(
        rows("t,b,y", lambda k: f"{COLORS[k % 3]},{k - 3},{k * k}") + "Total,204,4324\n",
        {"t": ("category", (2.0, 1.0, 0.0)), "b": NUMBERS["b"]},
        ("the last row, called 'Total', is left out",),
        {"t": {"values": ("blue", "green", "red")}},
    ),
    "row of totals with a label among dates": Readable(
        rows("d,b,y", lambda k: f"2024-01-{k + 1:02},{k - 3},{k * k}") + "Grand total,204,4324\n",
        {"d": ("datetime", (19723.0, 19724.0, 19725.0)), "b": NUMBERS["b"]},
        ("the last row, called 'Grand total', is left out",),
    ),
    "footer of one cell": numbers(
        plain() + "Source: plant 3\n\nPrinted on Friday\n",
        "line 26, 28 left out: one cell alone, below all rows",
    ),
    "footer without a target": numbers(
        plain() + "Source: plant 3,,\n", "1 row left out, because 'y' is missing"
    ),
    "row of totals and a footer": Readable(
        rows("d,b,y", lambda k: f"2024-01-{k + 1:02},{k - 3},{k * k}")
        + "Total,204,4324\nexported by X,,\n",
        {"d": ("datetime", (19723.0, 19724.0, 19725.0)), "b": NUMBERS["b"]},
        ("the last row, called 'Total', is left out",),
    ),
    "row of totals with a label among numbers": numbers(
        plain() + f"sum,{sum(k - 3 for k in range(24))},{sum(k * k for k in range(24))}\n",
        "the last row, called 'sum', is left out",
    ),
}

ENCODINGS = {
    "UTF-16, little endian": numbers(plain().encode("utf-16")),
    "UTF-16, big endian": numbers(b"\xfe\xff" + plain().encode("utf-16-be"), "UTF-16 text"),
    "UTF-32": numbers(plain().encode("utf-32")),
    "Windows-1252": Readable(
        plain(header="Größe,b,y").encode("cp1252"),
        {"Größe": NUMBERS["a"], "b": NUMBERS["b"]},
        ("cp1252 text",),
        options=ReadingOptions(encoding="cp1252"),
    ),
    "UTF-16 without a mark": numbers(
        plain().encode("utf-16-le"), options=ReadingOptions(encoding="utf-16-le")
    ),
    "gzip": numbers(gzip.compress(plain().encode()), "compressed by gzip"),
    "bzip2": numbers(bz2.compress(plain().encode()), "compressed by bzip2"),
    "xz": numbers(lzma.compress(plain().encode()), "compressed by xz"),
    "zip": numbers(zipped("data/table.csv"), "compressed by zip"),
    "zip of a Macintosh": numbers(zipped("table.csv", "__MACOSX/._table.csv")),
    "gzip of UTF-16": numbers(gzip.compress(plain("\t").encode("utf-16")), "UTF-16 text"),
}

CELLS = {
    "decimal commas": one("number", (0.25, 1.25, 2.25), lambda k: f"{k},25"),
    "decimal commas and line ends in quotes": one(
        "number", (0.5, 1.5, 2.5), lambda k: f'"{k},5\n"'
    ),
    "decimal commas in quotes": Readable(
        rows("k,x,y", lambda k: f'{k % 7},"{k},25",{k * k}'),
        {"k": ("number", (0.0, 1.0, 2.0)), "x": ("number", (0.25, 1.25, 2.25))},
    ),
    "decimal commas and thousands points": one(
        "number", (1000.5, 1001.5, 1002.5), lambda k: f"1.{k:03},5"
    ),
    "thousands commas": one("number", (1000.5, 1001.5, 1002.5), lambda k: f"1,{k:03}.5"),
    "two thousands commas": one("number", (2e6, 2000001.0, 2000002.0), lambda k: f"2,000,{k:03}"),
    "thousands commas, maybe": one(
        "number",
        (997.0, 998.0, 999.0),
        lambda k: f"{k + 997:,}",
        "x: a comma is taken as a thousands mark",
    ),
    "decimal commas by other numbers": one(
        "number",
        (1500.0, 1.001, 1500.0),
        lambda k: f"1,{k:03}" if k % 2 else "1500",
        "x: a comma is taken as the decimal mark",
    ),
    "decimal commas by another column": Readable(
        rows("k;x;y", lambda k: f"{k},5;1.{k:03};{k * k}"),
        {"k": ("number", (0.5, 1.5, 2.5)), "x": ("number", (1000.0, 1001.0, 1002.0))},
        ("x: a point is taken as a thousands mark",),
    ),
    "thousands apostrophes": one("number", (1000.5, 1001.5, 1002.5), lambda k: f"1'{k:03}.5"),
    "thousands spaces": one("number", (1000.5, 1001.5, 1002.5), lambda k: f"1 {k:03},5"),
    "thousands non-breaking spaces": one(
        "number", (1000.0, 1001.0, 1002.0), lambda k: f"1\u00a0{k:03}"
    ),
    "dollars": one(
        "number", (3000.0, 3001.0, 3002.0), lambda k: f"$3,{k:03}", of_columns={"x": {"unit": "$"}}
    ),
    "negative dollars": one("number", (-5.5, 6.5, -7.5), lambda k: f"{'-' * (~k % 2)}${k + 5.5}"),
    "euros after the number": one(
        "number", (3.5, 4.5, 5.5), lambda k: f"{k + 3},50 €", of_columns={"x": {"unit": "€"}}
    ),
    "currency code": one("number", (3.5, 4.5, 5.5), lambda k: f"USD {k + 3.5}"),
    "per cent": one(
        "number", (10.0, 11.0, 12.0), lambda k: f"{k + 10} %", of_columns={"x": {"unit": "%"}}
    ),
    "kilograms": one(
        "number", (10.0, 11.0, 12.0), lambda k: f"{k + 10}kg", of_columns={"x": {"unit": "kg"}}
    ),
    "square metres and gaps": one(
        "number", (NAN, 11.0, 12.0), lambda k: f"{k + 10} m²" if k else "-"
    ),
    "a unit and words for missing cells": one(
        "number",
        (1000.5, 1001.5, NAN),
        lambda k: "k.A." if k == 2 else f"1.{k:03},5 km",
        of_columns={"x": {"unit": "km"}},
    ),
    "names that begin with numbers": one(
        "category", (0.0, 1.0, 2.0), lambda k: f"{k % 3 + 3} Series" if k < 23 else "X5"
    ),
    "two units": one(
        "none",
        (0.0, 0.0, 0.0),
        lambda k: f"{k} {'kg' if k % 2 else 't'}",
        "x: it is a text with 24 different values",
    ),
    "parentheses for negative numbers": one(
        "number",
        (-1000.0, 1001.0, -1002.0),
        lambda k: f"1,{k:03}" if k % 2 else f"(1,{k:03})",
    ),
    "minus signs": one("number", (-0.5, -1.5, -2.5), lambda k: f"\u2212{k}.5"),
    "plus signs and bare points": one("number", (0.5, 1.5, 2.5), lambda k: f"+{k or ''}.50"),
    "exponents": one("number", (0.0, 1e5, 2e5), lambda k: f"{k}E+05"),
    "large whole numbers": one(
        "number", (1e20, 1e20 + 2e5, 1e20 + 4e5), lambda k: str(10**20 + 200_000 * k)
    ),
    "missing cells": one(
        "number",
        (NAN, NAN, NAN),
        lambda k: (
            ["", "NA", "NaN", "nan", "null", "NULL", "None", "#N/A", "?", "-", " ", "n/a"][k]
            if k < 12
            else str(k)
        ),
        "x, missing 12",
        of_columns={"x": {"has_gaps": True}},
    ),
    "errors of Excel": one("number", (NAN, 1.0, NAN), lambda k: str(k) if k % 2 else "#DIV/0!"),
    "missing dates": one(
        "datetime", (NAN, 19724.0, 19725.0), lambda k: f"2024-01-{k + 1:02}" if k else "-"
    ),
    "numbers with gaps alone": Readable(
        rows("a,b,y", lambda k: f"{k % 5 or ''},{'' if k % 3 else k},{k * k}"),
        {"a": ("number", (NAN, 1.0, 2.0)), "b": ("number", (0.0, NAN, NAN))},
    ),
    "texts": one(
        "category",
        (2.0, 1.0, 0.0),
        lambda k: COLORS[k % 3],
        of_columns={"x": {"values": ("blue", "green", "red"), "has_gaps": False}},
    ),
    "texts with gaps": one(
        "category",
        (NAN, 1.0, 0.0),
        lambda k: [*COLORS][k % 3] if k % 3 else "NA",
        of_columns={"x": {"values": ("blue", "green"), "has_gaps": True}},
    ),
    "texts with a dash among them": one(
        "category",
        (0.0, 2.0, 1.0),
        lambda k: ["-", "green", "blue"][k % 3],
        of_columns={"x": {"values": ("-", "blue", "green")}},
    ),
    "numbers as categories": one(
        "category",
        (0.0, 1.0, 2.0),
        lambda k: ("2", "10", "x1")[k % 3],
        of_columns={"x": {"values": ("2", "10", "x1")}},
    ),
    "numbers named as categories": one(
        "category",
        (0.0, 1.0, 2.0),
        lambda k: str((2, 9, 10)[k % 3]),
        of_columns={"x": {"values": ("2", "9", "10")}},
        options=ReadingOptions(categories=("x",)),
    ),
    "levels with an open end": one(
        "category", (0.0, 1.0, 2.0), lambda k: ("1", "2", "3+")[k % 3], "texts among numbers"
    ),
    "zip codes": one(
        "category",
        (0.0, 1.0, 2.0),
        lambda k: ("01234", "02345", "98765")[k % 3],
        "codes with leading zeros",
    ),
    "ids with leading zeros": one(
        "none",
        (0.0, 0.0, 0.0),
        lambda k: f"{k:05}",
        "x: it is a text with 24 different values in 24 rows, codes with leading zeros",
    ),
    "true and false": one(
        "boolean",
        (0.0, 1.0, 0.0),
        lambda k: str(k % 2 == 1),
        of_columns={"x": {"values": ("False", "True")}},
    ),
    "yes and no": one(
        "boolean",
        (1.0, 0.0, 1.0),
        lambda k: "no" if k % 2 else "YES",
        of_columns={"x": {"values": ("no", "YES")}},
    ),
    "letters for yes and no": one("boolean", (1.0, 0.0, NAN), lambda k: ["Y", "N", ""][k % 3]),
    "booleans in several spellings": one(
        "boolean", (1.0, 0.0, 1.0), lambda k: ["TRUE", "false", "True"][k % 3]
    ),
    "sexes": one("category", (1.0, 0.0, 1.0), lambda k: "F" if k % 2 else "M"),
    "dates": one(
        "datetime",
        (19723.0, 19724.0, 19725.0),
        lambda k: f"2024-01-{k + 1:02}",
        of_columns={"x": {"date_format": ""}},
    ),
    "dates and times": one(
        "datetime", (19723.5, 19724.5, 19725.5), lambda k: f"2024-01-{k + 1:02} 12:00:00"
    ),
    "dates and times in a zone": one(
        "datetime", (19723.25, 19724.25, 19725.25), lambda k: f"2024-01-{k + 1:02}T08:00:00+02:00"
    ),
    "dates and times in UTC": one(
        "datetime", (19723.25, 19724.25, 19725.25), lambda k: f"2024-01-{k + 1:02}T06:00:00.000Z"
    ),
    "German dates": one(
        "datetime",
        (19723.0, 19724.0, 19725.0),
        lambda k: f"{k + 1}.1.2024",
        of_columns={"x": {"date_format": "%d.%m.%Y"}},
    ),
    "American dates": one(
        "datetime",
        (19723.0, 19724.0, 19725.0),
        lambda k: f"01/{k + 1:02}/2024",
        of_columns={"x": {"date_format": "%m/%d/%Y"}},
    ),
    "American dates with times": one(
        "datetime",
        (19723.75, 19724.75, 19725.75),
        lambda k: f"1/{k + 1}/2024 6:00 PM",
        of_columns={"x": {"date_format": "%m/%d/%Y %I:%M %p"}},
    ),
    "ambiguous dates": one(
        "datetime",
        (19723.0, 19754.0, 19783.0),
        lambda k: f"01/{k % 12 + 1:02}/2024",
        "the day is taken to be first",
    ),
    "dates with months in words": one(
        "datetime", (19723.0, 19724.0, 19725.0), lambda k: f"{k + 1:02}-Jan-2024"
    ),
    "dates in full words": one(
        "datetime", (19723.0, 19724.0, 19725.0), lambda k: f"January {k + 1}, 2024"
    ),
    "dates and times without marks": one(
        "datetime", (19723.5, 19724.5, 19725.5), lambda k: f"202401{k + 1:02}T120000"
    ),
    "dates of mails": one(
        "datetime",
        (19723.5, 19724.5, 19725.5),
        lambda k: f"{'MonTueWedThuFriSatSun'[k % 7 * 3 :][:3]}, {k + 1:02} Jan 2024 12:00:00 GMT",
    ),
    "months": one("datetime", (19723.0, 19754.0, 19783.0), lambda k: f"2024-{k % 12 + 1:02}"),
    "times of the day": one("datetime", (0.0, 1 / 24, 2 / 24), lambda k: f"{k:02}:00"),
    "unix time": one(
        "number",
        (1.7e9, 1.7e9 + 3611, 1.7e9 + 7222),
        lambda k: str(1_700_000_000 + 3611 * k),
        "'x' looks like unix time in seconds, 2023-11-14 to 2023-11-15",
    ),
    "dates without marks": one(
        "number",
        (20240101, 20240102, 20240103),
        lambda k: str(20240101 + k),
        "'x' looks like dates written YYYYMMDD",
    ),
    "a feature that is the target": one(
        "number",
        (0.5, 1.5, 4.5),
        lambda k: str(k * k + 0.5),
        "'x' is nearly the same as target 'y' (correlation 1.00000)",
    ),
    "counted rows": one("number", (0.0, 1.0, 2.0), str, "'x' counts up from row to row"),
    "ids": Readable(
        rows("k,user_id,y", lambda k: f"{k % 7},{(k * 7919) % 104729},{k * k}"),
        {"k": ("number", (0.0, 1.0, 2.0)), "user_id": ("number", (0.0, 7919.0, 15838.0))},
        ("'user_id' is different in every row",),
    ),
    "long tail": Readable(
        rows("k,y", lambda k: f"{k % 7},{10 ** (k // 4)}"),
        {"k": ("number", (0.0, 1.0, 2.0))},
        ("target 'y' has a long tail: its greatest value is 182 times its median",),
        y=(1.0, 1.0, 1.0),
    ),
    "thousands marks of the target, maybe": Readable(
        rows("k;y", lambda k: f"{k % 7};{k + 1},000"),
        {"k": ("number", (0.0, 1.0, 2.0))},
        ("target 'y': a comma is taken as a thousands mark",),
        y=(1000.0, 2000.0, 3000.0),
    ),
    "unit of the target": Readable(
        rows("k,y", lambda k: f'{k % 7},"${k * k:,}"'), {"k": ("number", (0.0, 1.0, 2.0))}
    ),
}

READABLE = DELIMITERS | LINES | ENCODINGS | CELLS


def read(path: Path, content: str | bytes, options: ReadingOptions | None = None) -> Table:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    target = "column3" if content in (READABLE["no header"].content,) else "y"
    return table_from_file(path, [target], options=options)


@pytest.mark.parametrize("file", READABLE.values(), ids=READABLE)
def test_a_messy_file_is_read(file: Readable, tmp_path: Path) -> None:
    table = read(tmp_path / "table.csv", file.content, file.options)
    columns = {name: cells for name, cells in file.columns.items() if cells[0] != "none"}
    assert {column.name: column.kind for column in table.columns} == {
        name: kind for name, (kind, _) in columns.items()
    }
    assert table.X.shape == (COUNT, len(columns))
    np.testing.assert_allclose(table.X[:3].T, [cells for _, cells in columns.values()], rtol=1e-15)
    np.testing.assert_array_equal(table.Y[:3, 0], file.y)
    for column in table.columns:
        for name, value in file.of_columns.get(column.name, {}).items():
            assert getattr(column, name) == value
    said = sentences(table)
    assert [words for words in file.says if words not in said] == []


def sentences(table: Table) -> str:
    """Return the summary as a text."""
    summary = json.loads(json.dumps(table.summary))
    lines = [summary["format"], *summary["notes"]]
    lines += [f"{each['column']}: {each['why']}" for each in summary["left_out"]]
    for each in summary["columns"]:
        lines.append(f"{each['name']}: {each.get('note')}")
        lines.append(f"{each['name']}, missing {each.get('missing', 0)}")
    return "\n".join(lines)


def database() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (a, y)")
    return connection.serialize()


def archive() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("table.csv"))
    return file.getvalue()


def arrays(save: Callable[[io.BytesIO], None]) -> bytes:
    file = io.BytesIO()
    save(file)
    return file.getvalue()


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "JSON": (
        '[{"a": 1, "y": 2}]',
        "is a JSON document, not a table of text: write its table as CSV",
    ),
    "one cell without the unit": (
        rows("a,y", lambda k: f"{2 * k + 0.5}{' kg' if k != 5 else ''},{k * k}"),
        "line 7, column 'a': expected a finite number with 'kg', as in most cells, got '10.5'",
    ),
    "one cell with another currency": (
        rows("a,y", lambda k: f'"{"€" if k == 5 else "$"}{1000 + 37 * k:,}",{k * k}'),
        "line 7, column 'a': expected a finite number with '\\$', as in most cells, got '€1,185'",
    ),
    "footers among dates": (
        rows("d,b,y", lambda k: f"2024-01-{k + 1:02},{k - 3},{k * k}")
        + "Average,1,1\nMaximum,20,500\nPrinted by me,1,1\n",
        "got 'Printed by me'$",
    ),
    "a label of totals in a row that has none": (
        plain() + "Total,1,1\n",
        "line 26, column 'a': expected a finite number, got 'Total'",
    ),
    "JSON lines": ('{"a": 1, "y": 2}\n' * 20, "is a JSON document"),
    "HTML": ("<!DOCTYPE html><html><table>", "is an HTML page, not a table of text"),
    "HTML after a mark": ("\ufeff\n<html>", "is an HTML page, not a table of text"),
    "XML": ('<?xml version="1.0"?><t/>', "is an XML document"),
    "SQLite": (database(), "is an SQLite database, not a table of text: export a table as CSV"),
    "NumPy array": (arrays(lambda f: np.save(f, np.ones(3))), "is a NumPy array"),
    "NumPy archive": (
        arrays(lambda f: np.savez(f, a=np.ones(3), b=np.ones(3))),
        r"is an archive of NumPy arrays \(.npz\): write its table as CSV",
    ),
    "zip of several files": (
        zipped("a.csv", "b.csv"),
        r"is a zip archive with 2 files \(a.csv, b.csv\): expected one table",
    ),
    "empty zip": (zipped(), "is a zip archive with 0 files: expected one table"),
    "tar": (archive(), "is a tar archive: extract the table"),
    "gzip of tar": (gzip.compress(archive()), r"\(gzip\) is a tar archive: extract the table"),
    "gzip with a wrong checksum": (
        gzip.compress(plain().encode())[:-8] + bytes(8),
        "is damaged: CRC check failed",
    ),
    "gzip that ends early": (gzip.compress(plain().encode())[:60], "is damaged: "),
    "xz that ends early": (lzma.compress(plain().encode())[:80], "is damaged: "),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "is an HDF5 file"),
    "Arrow": (b"ARROW1\0\0" + bytes(100), "is an Arrow file"),
    "pickle": (b"\x80\x04\x95" + bytes(100), "is a Python pickle"),
    "PDF": (b"%PDF-1.7\n" + bytes(100), "is a PDF document"),
    "R data": (b"X\n\0\0\0\x03" + bytes(100), "is an R data file"),
    "binary": (bytes(range(256)) * 8 + bytes(2000), "is a binary file, not a table of text"),
    "UTF-16 without a mark": (plain().encode("utf-16-le"), "its encoding is utf-16-le"),
    "Windows-1252": (
        plain(header="Größe,b,y").encode("cp1252"),
        "line 1: not UTF-8 text: .*; name another encoding, such as cp1252",
    ),
    "text as the target": (
        rows("a,y", lambda k: f"{k},{COLORS[k % 3]}"),
        "column 'y' holds text; to predict one of two classes, write 0 and 1 in their place",
    ),
    "dates as the target": (
        rows("a,y", lambda k: f"{k},2024-01-{k + 1:02}"),
        "numnet predicts numbers, and column 'y' holds dates",
    ),
    "booleans as the target": (
        rows("a,y", lambda k: f"{k},{k % 2 == 0}"),
        "numnet predicts numbers, and column 'y' holds text",
    ),
    "a text among numbers": (
        plain() + "many,1,2\n",
        "line 26, column 'a': expected a finite number, got 'many'",
    ),
    "several texts among numbers": (
        plain() + "many,1,2\nfew,1,2\nsome,1,2\n",
        "if column 'a' is a category, name it in categories",
    ),
    "infinity": (plain() + "inf,1,2\n", "line 26, column 'a': expected a finite number, got 'inf'"),
    "a date that does not exist": (
        rows("a,d,y", lambda k: f"{k},2024-01-{k + 1:02},{k * k}") + "1,2024-02-30,3\n",
        "line 26, column 'd': expected a date like 2024-01-31, got '2024-02-30'",
    ),
    "texts alone": (
        rows("name,y", lambda k: f"person {k},{k * k}"),
        "no column is left to predict from:\n  column 'name': it is a text with 24 different",
    ),
    "ragged rows": (plain() + "1,2\n", "line 26: 2 cells, but the header has 3"),
    "used twice": (
        plain(header="a,a,y"),
        "has two columns called 'a': rename one, or name other features; its columns are: a, a, y",
    ),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_cannot_be_read_is_named_for_what_it_is(
    content: str | bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    with pytest.raises(DataError, match=message) as refusal:
        read(path, content)
    assert str(refusal.value).startswith(str(path))
    assert len(re.findall(r"\n  line ", str(refusal.value))) <= 20
