"""The kinds of values that settings take: each parses text and describes what it accepts."""

import re
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Protocol

from config.numbers import parse_number


class Values(Protocol):
    """A kind of values."""

    @property
    def expected(self) -> str:
        """Return a description that completes "expected …"."""

    def parse(self, text: str) -> Any:
        """Return the value that the text stands for.

        Raises
        ------
        ValueError
            the text stands for none.
        """


@dataclass(frozen=True)
class Integer:
    """A whole number from `minimum` to `maximum`, both included."""

    minimum: int
    maximum: int

    @property
    def expected(self) -> str:
        return f"a whole number from {self.minimum} to {self.maximum}"

    def parse(self, text: str) -> int:
        if parse_number(text) is None:  # int() alone also accepts "1_000"
            raise ValueError(text)
        number = int(text)
        if not self.minimum <= number <= self.maximum:
            raise ValueError(text)
        return number


@dataclass(frozen=True)
class Number:
    """A number from `minimum` to `maximum`, both included."""

    minimum: float
    maximum: float

    @property
    def expected(self) -> str:
        return f"a number from {self.minimum} to {self.maximum}"

    def parse(self, text: str) -> float:
        number = parse_number(text)
        if number is None or not self.minimum <= number <= self.maximum:
            raise ValueError(text)
        return number


@dataclass(frozen=True)
class Text:
    """Text that matches a pattern as a whole."""

    pattern: str
    expected: str

    def parse(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text):
            raise ValueError(text)
        return text


@dataclass(frozen=True)
class OneOf:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        return " or ".join(self.words)

    def parse(self, text: str) -> str:
        if text not in self.words:
            raise ValueError(text)
        return text


@dataclass(frozen=True)
class Names:
    """Names that match a pattern, separated by commas; their case does not matter."""

    pattern: str
    expected: str

    def parse(self, text: str) -> tuple[str, ...]:
        names = tuple(each.strip().lower() for each in text.split(","))
        if not all(re.fullmatch(self.pattern, name) for name in names):
            raise ValueError(text)
        return names


class Networks:
    """IP networks; an address is a network of one, and `*` stands for all."""

    expected = "IP addresses or networks, separated by commas, or *"

    def parse(self, text: str) -> tuple[str, ...]:
        if text.strip() == "*":
            return ("*",)
        return tuple(str(ip_network(each.strip())) for each in text.split(","))


class Folder:
    """A path of a folder, which need not exist."""

    expected = "a folder; object storage is not supported"

    def parse(self, text: str) -> Path:
        if "://" in text:
            raise ValueError(text)
        return Path(text)


class CronExpression:
    """Five fields of digits, ranges, steps and names, which describe a time that comes."""

    expected = (
        "five fields, minute hour day month weekday, of a time that exists, for example 0 3 * * *"
    )

    def parse(self, text: str) -> str:
        from croniter import croniter  # noqa: PLC0415  # slow to import, and rarely needed

        field = r"(?:[\d*/,-]|[A-Za-z]{3})+"  # croniter has further ones, such as random times
        if not re.fullmatch(rf"{field}(?: +{field}){{4}}", text.strip()):
            raise ValueError(text)
        croniter(text).get_next()  # raises CroniterError, a ValueError, for 30 February
        return text


class DatabaseUrl:
    """A URL of PostgreSQL or SQLite, as SQLAlchemy and psycopg accept it."""

    expected = "postgresql://user:password@host:port/database or sqlite:////a/file"

    def parse(self, text: str) -> str:
        scheme, _, rest = text.partition("://")
        if scheme in ("postgres", "postgresql") and rest:
            _check_url(text)
            return f"postgresql://{rest}"
        if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
            return text
        raise ValueError(text)


def _check_url(text: str) -> None:
    from sqlalchemy import make_url  # noqa: PLC0415  # slow to import, and rarely needed
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        make_url(text)
    except ArgumentError as error:
        raise ValueError(text) from error
