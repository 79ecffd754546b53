"""Reads figures back."""

import re
import xml.etree.ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg: str) -> ET.Element:
    """Parse a figure, which must have nothing that a strict policy forbids."""
    root = ET.fromstring(svg)  # this project wrote it
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert all(text_of(root, name) for name in ("title", "desc"))
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in {"svg", "title", "desc", "path", "rect", "text"}
        assert not {*element.keys()} & {"style", "id", "href"}
        assert not [name for name in element.keys() if name.startswith("on")]  # noqa: SIM118
        assert not re.search("nan|inf", " ".join(element.attrib.values()).lower())
    return root


def text_of(root: ET.Element, name: str) -> str:
    return root.findtext(SVG + name) or ""


def texts(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def paths(root: ET.Element, kind: str, number: int = 1) -> list[list[tuple[float, float]]]:
    """Return the points of each path of a kind, such as `points`, of the n-th series."""
    found = []
    for element in root.iter(f"{SVG}path"):
        if element.get("class") == f"figure-{kind} figure-{number}":
            numbers = re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", element.get("d") or "")
            found.append([(float(x), float(y)) for x, y in numbers])
    return found


def bars(root: ET.Element) -> list[tuple[float, float]]:
    """Return the width and the height of each bar."""
    return [
        (float(bar.get("width") or 0), float(bar.get("height") or 0))
        for bar in root.iter(f"{SVG}rect")
    ]
