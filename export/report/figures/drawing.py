"""A drawing with two axes, and what can be drawn in it."""

import html
import re
from collections.abc import Iterable, Sequence

from export.report.figures.axis import Axis

WIDTH, HEIGHT = 480, 300
_CHARACTER = 6.6  # about the width of one, of 12 px text
_MOST_LEFT = 170.0
_TOP, _RIGHT, _BOTTOM = 28.0, 16.0, 44.0
_TILTED = 0.6  # of its length is the height of a tilted label
_MOST_LABEL = 24  # characters of a tick's label
_MOST_NAME = 40  # characters of a name in the legend
_LEGEND_ROW = 18.0
_GRID = 1.5  # of two points closer than this, one is drawn

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NUMBERS = 4  # of the classes of colours

Point = tuple[float, float]


def escaped(text: str) -> str:
    """Return a text for XML, without characters that XML cannot have."""
    return html.escape(_NOT_XML.sub("\ufffd", text))


def colour(number: int) -> int:
    """Return the number of a colour's class for the n-th series, from 1."""
    return (number - 1) % _NUMBERS + 1


def shortened(text: str, most: int = _MOST_LABEL) -> str:
    """Return a text of at most this many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


class Drawing:
    """A figure in the making.

    Parameters
    ----------
    x, y : the axes
    x_name, y_name : what they show, with the unit if there is one
    title, description : what the figure shows, in words
    """

    def __init__(
        self, x: Axis, y: Axis, x_name: str, y_name: str, *, title: str, description: str,
        height: int = HEIGHT,
    ) -> None:  # fmt: skip
        self._x, self._y = x, y
        self._y_name = shortened(y_name, 60)
        self._above = 0.0  # the height of a legend above the name of the vertical axis
        longest = max((len(shortened(label)) for _, label in y.ticks), default=0)
        self._left = min(_MOST_LEFT, 16.0 + _CHARACTER * longest)
        names = [len(shortened(label)) for _, label in x.ticks]
        self._is_tilted = _CHARACTER * sum(names) + 8.0 * len(names) > WIDTH - self._left - _RIGHT
        if self._is_tilted:  # the first label reaches to the left of its tick
            self._left = max(self._left, 0.75 * _CHARACTER * names[0])
        self._bottom = _BOTTOM + (_TILTED * _CHARACTER * max(names) if self._is_tilted else 0.0)
        self._height = round(height + self._bottom - _BOTTOM)
        self._parts = [f"<title>{escaped(title)}</title><desc>{escaped(description)}</desc>"]
        self._frame(x_name, y_name)

    def place(self, x: float, y: float) -> Point:
        """Return where a point is in the figure."""
        right, bottom = WIDTH - _RIGHT, self._height - self._bottom
        return (
            self._left + self._x.share(x) * (right - self._left),
            bottom - self._y.share(y) * (bottom - _TOP),
        )

    def line(self, points: Iterable[Point], number: int, *, dashed: bool = False) -> None:
        """Draw a line through points."""
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        path = _path(self.place(*point) for point in points)
        self._add(
            f'<path class="figure-line figure-{colour(number)}" stroke-width="2"{dashes} '
            f'd="{path}"/>'
        )

    def points(self, points: Iterable[Point], number: int, *, size: int = 4) -> None:
        """Draw points of a size in pixels, one of those that cover each other."""
        cells: dict[tuple[int, int], Point] = {}
        for point in points:
            x, y = self.place(*point)
            cells.setdefault((round(x / _GRID), round(y / _GRID)), (x, y))
        dots = "".join(f"M{_number(x)} {_number(y)}h0" for x, y in cells.values())
        self._add(
            f'<path class="figure-points figure-{colour(number)}" stroke-width="{size}" '
            f'stroke-linecap="round" stroke-opacity="0.6" d="{dots}"/>'
        )

    def band(self, lower: Sequence[Point], upper: Sequence[Point], number: int) -> None:
        """Fill the area between two lines."""
        path = _path(self.place(*point) for point in [*lower, *reversed(upper)])
        self._add(
            f'<path class="figure-band figure-{colour(number)}" fill-opacity="0.2" d="{path}z"/>'
        )

    def bar(self, start: Point, end: Point, number: int) -> None:
        """Fill the rectangle between two corners."""
        (x1, y1), (x2, y2) = self.place(*start), self.place(*end)
        x, y, width, height = min(x1, x2), min(y1, y2), abs(x2 - x1), abs(y2 - y1)
        self._add(
            f'<rect class="figure-bar figure-{colour(number)}" x="{_number(x)}" y="{_number(y)}" '
            f'width="{_number(width)}" height="{_number(height)}" fill-opacity="0.85"/>'
        )

    def whisker(self, x: float, lower: float, upper: float) -> None:
        """Draw a vertical interval."""
        path = _path([self.place(x, lower), self.place(x, upper)])
        self._add(f'<path class="figure-reference" stroke-width="1.5" d="{path}"/>')

    def reference(self, start: Point, end: Point) -> None:
        """Draw a thin dashed line."""
        path = _path([self.place(*start), self.place(*end)])
        self._add(f'<path class="figure-reference" stroke-dasharray="3 4" d="{path}"/>')

    def text(self, x: float, y: float, text: str) -> None:
        """Write a text to the right of a point."""
        left, top = self.place(x, y)
        self._add(f'<text x="{_number(left + 5)}" y="{_number(top + 4)}">{escaped(text)}</text>')

    def legend(self, names: Sequence[str]) -> None:
        """Name the lines or points of numbers 1, 2, …, above the figure on the right.

        Names that have no room beside the name of the vertical axis are in rows above it.
        """
        names = [shortened(name, _MOST_NAME) for name in names]
        rows: list[list[int]] = [[]]
        for index in range(len(names)):
            if rows[-1] and _legend_width(names[i] for i in (*rows[-1], index)) > WIDTH - _RIGHT:
                rows.append([])
            rows[-1].append(index)
        beside = WIDTH - _RIGHT - 12.0 - _CHARACTER * len(self._y_name)
        if len(rows) > 1 or _legend_width(names) > beside:
            self._above = _LEGEND_ROW * len(rows)
        for number, row in enumerate(rows):
            x = WIDTH - _RIGHT - _legend_width(names[i] for i in row)
            y = 12.0 + _LEGEND_ROW * number - self._above
            for index in row:
                self._add(
                    f'<path class="figure-line figure-{colour(index + 1)}" stroke-width="4" '
                    f'd="M{_number(x)} {_number(y)}h14"/>'
                    f'<text x="{_number(x + 19)}" y="{_number(y + 4)}">'
                    f"{escaped(names[index])}</text>"
                )
                x += _legend_width([names[index]])

    def svg(self) -> str:
        """Return the figure."""
        top, height = _number(0.0 - self._above), _number(self._height + self._above)
        return (
            f'<svg class="figure" xmlns="http://www.w3.org/2000/svg" role="img" '
            f'viewBox="0 {top} {WIDTH} {height}">'
            f"{''.join(self._parts)}</svg>"
        )

    def _frame(self, x_name: str, y_name: str) -> None:
        """Draw the axes, their ticks and names."""
        right, bottom = WIDTH - _RIGHT, self._height - self._bottom
        grid, labels = [], []
        for value, label in self._x.ticks:
            x, _ = self.place(value, self._y.least)
            grid.append(f"M{_number(x)} {_number(_TOP)}V{_number(bottom)}")
            if self._is_tilted:
                labels.append(_label(x + 4, bottom + 14, "end", label, tilted=True))
            else:
                half = _CHARACTER * len(shortened(label)) / 2
                labels.append(_label(min(x, WIDTH - half), bottom + 16, "middle", label))
        for value, label in self._y.ticks:
            _, y = self.place(self._x.least, value)
            grid.append(f"M{_number(self._left)} {_number(y)}H{_number(right)}")
            labels.append(_label(self._left - 6, y + 4, "end", label))
        corner = f"M{_number(self._left)} {_number(_TOP)}V{_number(bottom)}H{_number(right)}"
        self._add(f'<path class="figure-grid" fill="none" d="{"".join(grid)}"/>')
        self._add(f'<path class="figure-axis" fill="none" d="{corner}"/>')
        self._parts += labels
        for x, y, anchor, name in (
            (right, self._height - 8.0, "end", x_name),
            (4.0, 16.0, "start", y_name),
        ):
            self._add(
                f'<text class="figure-name" x="{_number(x)}" y="{_number(y)}" '
                f'text-anchor="{anchor}">{escaped(shortened(name, 60))}</text>'
            )

    def _add(self, part: str) -> None:
        self._parts.append(part)


def _label(x: float, y: float, anchor: str, text: str, *, tilted: bool = False) -> str:
    turn = f' transform="rotate(-35 {_number(x)} {_number(y)})"' if tilted else ""
    return (
        f'<text x="{_number(x)}" y="{_number(y)}" text-anchor="{anchor}"{turn}>'
        f"{escaped(shortened(text))}</text>"
    )


def _legend_width(names: Iterable[str]) -> float:
    return sum(34.0 + _CHARACTER * len(name) for name in names)


def _path(points: Iterable[Point]) -> str:
    return "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
