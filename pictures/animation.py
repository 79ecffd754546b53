"""Draws recorded screens as one animated SVG, which needs no script.

The screens are a strip, one below the other, that a CSS animation moves in steps. Equal rows are
drawn once and used again.
"""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from pictures.recording import Frame, Row, Run

CHARACTER, LINE, MARGIN = 8.4, 18.0, 14.0  # pixels, for a font of 14
_COLOURS = {
    "default": "#d8dee9",
    "black": "#4c566a",
    "red": "#e06c75",
    "green": "#98c379",
    "brown": "#e5c07b",
    "blue": "#61afef",
    "magenta": "#c678dd",
    "cyan": "#56b6c2",
    "white": "#e6e9ef",
}


def animation(frames: Sequence[Frame], columns: int, lines: int, title: str) -> str:
    """Return an SVG document that shows frames in turn, again and again."""
    width, height = columns * CHARACTER + 2 * MARGIN, lines * LINE + 2 * MARGIN
    total = sum(frame.seconds for frame in frames)
    rows = dict.fromkeys(row for frame in frames for row in frame.rows if row)
    names = {row: f"r{number}" for number, row in enumerate(rows)}
    drawn = "\n".join(_definition(names[row], row) for row in rows)
    strip = "\n".join(
        f'<g transform="translate(0 {number * height:.1f})">{_screen(frame, names)}</g>'
        for number, frame in enumerate(frames)
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}" \
width="{width:.0f}" height="{height:.0f}" role="img">
<title>{escape(title)}</title>
<style>
text {{ font: 14px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre }}
.b {{ font-weight: bold }}
#strip {{ animation: play {total:.2f}s step-end infinite }}
@keyframes play {{
{_keyframes(frames, total, height)}
}}
@media (prefers-reduced-motion: reduce) {{ #strip {{ animation: none; \
transform: translateY({-(len(frames) - 1) * height:.1f}px) }} }}
</style>
<defs>
{drawn}
</defs>
<rect width="100%" height="100%" rx="8" fill="#1e222a"/>
<g id="strip">
{strip}
</g>
</svg>
"""


def _keyframes(frames: Sequence[Frame], total: float, height: float) -> str:
    lines, begin = [], 0.0
    for number, frame in enumerate(frames):
        at = 100 * begin / total
        lines.append(f"{at:.3f}% {{ transform: translateY({-number * height:.1f}px) }}")
        begin += frame.seconds
    return "\n".join(lines)


def _screen(frame: Frame, names: dict[Row, str]) -> str:
    return "".join(
        f'<use href="#{names[row]}" y="{MARGIN + (number + 0.75) * LINE:.1f}"/>'
        for number, row in enumerate(frame.rows)
        if row
    )


def _definition(name: str, row: Row) -> str:
    return f'<g id="{name}">{"".join(map(_text, row))}</g>'


def _text(run: Run) -> str:
    bold = ' class="b"' if run.bold else ""
    width = len(run.text) * CHARACTER
    return (
        f'<text x="{MARGIN + run.column * CHARACTER:.1f}" textLength="{width:.1f}" '
        f'fill="{_COLOURS.get(run.colour, "#" + run.colour)}"{bold}>{escape(run.text)}</text>'
    )
