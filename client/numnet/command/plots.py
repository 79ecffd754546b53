"""Charts of characters: braille dots, 2 × 4 in each character, or asterisks in ASCII."""

import math
from collections.abc import Iterable, Sequence

Point = tuple[float, float]

WIDTH, HEIGHT = 64, 12  # characters
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of U+2800, by row and column
_BLOCKS = " ▁▂▃▄▅▆▇█"


class Canvas:
    """A rectangle of dots.

    Parameters
    ----------
    x_range, y_range : of the points that are drawn
    is_ascii : whether a character is one dot
    """

    def __init__(self, x_range: Point, y_range: Point, *, is_ascii: bool = False) -> None:
        self._x, self._y, self._is_ascii = x_range, y_range, is_ascii
        across, down = (1, 1) if is_ascii else (2, 4)
        self._columns, self._rows = WIDTH * across, HEIGHT * down
        self._cells = [[0] * WIDTH for _ in range(HEIGHT)]
        self._across, self._down = across, down

    def point(self, x: float, y: float) -> None:
        """Set the dot of a point."""
        self._set(self._place(x, self._x, self._columns), self._place(y, self._y, self._rows))

    def line(self, points: Sequence[Point]) -> None:
        """Set the dots between points that follow each other."""
        places = [
            (self._place(x, self._x, self._columns), self._place(y, self._y, self._rows))
            for x, y in points
        ]
        for (x0, y0), (x1, y1) in zip(places, [*places[1:], *places[-1:]], strict=True):
            steps = max(abs(x1 - x0), abs(y1 - y0), 1)
            for step in range(steps + 1):
                part = step / steps
                self._set(round(x0 + part * (x1 - x0)), round(y0 + part * (y1 - y0)))

    def lines(self) -> list[str]:
        """Return the text, from the top."""
        return ["".join(map(self._character, row)).rstrip() for row in self._cells]

    def _place(self, value: float, ends: Point, count: int) -> int:
        low, high = ends
        part = (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5
        return min(max(round(part * (count - 1)), 0), count - 1)

    def _set(self, column: int, row: int) -> None:
        row = self._rows - 1 - row
        dot = _DOTS[row % self._down][column % self._across]
        self._cells[row // self._down][column // self._across] |= dot

    def _character(self, cell: int) -> str:
        if self._is_ascii:
            return "*" if cell else " "
        return chr(0x2800 + cell) if cell else " "


def log_curves(
    title: str, curves: Sequence[Sequence[Point]], x_name: str, *, is_ascii: bool = False
) -> list[str]:
    """Return a chart of curves with positive values, on a logarithmic axis."""
    curves = [
        [(x, math.log10(y)) for x, y in curve if y > 0 and math.isfinite(y)] for curve in curves
    ]
    points = [point for curve in curves for point in curve]
    if not points:
        return []
    x_range, y_range = _range(x for x, _ in points), _range(y for _, y in points)
    canvas = Canvas(x_range, y_range, is_ascii=is_ascii)
    for curve in curves:
        canvas.line(curve)
    labels = (f"{10 ** y_range[1]:.1e}", f"{10 ** y_range[0]:.1e}")
    return _framed(title, canvas.lines(), labels, x_range, x_name)


def scatter(
    title: str, points: Sequence[Point], x_name: str, *, is_ascii: bool = False
) -> list[str]:
    """Return a chart of points, with equal axes and their diagonal."""
    if not points:
        return []
    ends = _range(value for point in points for value in point)
    canvas = Canvas(ends, ends, is_ascii=is_ascii)
    for x, y in points:
        canvas.point(x, y)
    labels = (f"{ends[1]:.3g}", f"{ends[0]:.3g}")
    return _framed(title, canvas.lines(), labels, ends, x_name)


def histogram(
    title: str, edges: Sequence[float], counts: Sequence[int], *, is_ascii: bool = False
) -> list[str]:
    """Return a chart of counts between edges, two characters for each."""
    highest = max(counts, default=0)
    if not highest:
        return []
    height = HEIGHT // 3
    levels = [round(count / highest * height * 8) or (1 if count else 0) for count in counts]
    lines = []
    for row in reversed(range(height)):
        parts = [min(max(level - 8 * row, 0), 8) for level in levels]
        lines.append("".join((_bar(part, is_ascii) * 2) for part in parts).rstrip())
    ends = edges[0], edges[-1]
    return _framed(title, lines, (str(highest), "0"), ends, "", width=2 * len(counts))


def _bar(part: int, is_ascii: bool) -> str:
    if is_ascii:
        return "#" if part >= 4 else " "
    return _BLOCKS[part]


def _range(values: Iterable[float]) -> Point:
    found = list(values)
    return min(found), max(found)


def _framed(
    title: str,
    lines: Sequence[str],
    labels: tuple[str, str],
    ends: Point,
    x_name: str,
    *,
    width: int = WIDTH,
) -> list[str]:
    """Return the lines with a title and the ends of both axes."""
    room = max(map(len, labels))
    left = [labels[0], *[""] * (len(lines) - 2), labels[1]]
    low, high = f"{ends[0]:.4g}", f"{ends[1]:.4g}"
    below = low + x_name.center(width - len(low) - len(high)) + high
    return [
        title,
        *(f"{label:>{room}} |{line}" for label, line in zip(left, lines, strict=True)),
        f"{'':>{room}} +{'-' * width}",
        f"{'':>{room}}  {below}",
    ]
