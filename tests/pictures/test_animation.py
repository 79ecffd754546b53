"""A recorded shell becomes an animated SVG of what its terminal showed."""

import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pictures.animation import animation
from pictures.recording import Frame, Recording, Run, shortened

SVG = "{http://www.w3.org/2000/svg}"


def texts(document: str) -> list[str]:
    root = ElementTree.fromstring(document)
    return [each.text or "" for each in root.iter(f"{SVG}text")]


@pytest.fixture
def frames(tmp_path: Path) -> list[Frame]:
    with Recording(tmp_path, dict(os.environ), columns=40, lines=6) as recording:
        recording.run("printf '\\033[31mred\\033[0m & <b>\\n'", pause=3.0)
        recording.run("echo done")
        return recording.frames()


def test_animation_shows_what_the_terminal_showed(frames: list[Frame]) -> None:
    document = animation(frames, 40, 6, "a shell & its <commands>")
    assert {"red", "& <b>", "done"} <= set(texts(document))
    assert document.count("translateY") >= len(frames)


def test_last_screen_has_all_lines_in_order(frames: list[Frame]) -> None:
    shown = ["".join(run.text for run in row) for row in frames[-1].rows]
    assert shown == [
        r"$printf '\033[31mred\033[0m & <b>\n'",
        "red& <b>",
        "$echo done",
        "done",
        "$",
        "",
    ]


def test_colours_are_kept(frames: list[Frame]) -> None:
    assert Run(0, "red", "red", False) in frames[-1].rows[1]
    assert Run(0, "$", "green", True) in frames[-1].rows[0]


def test_long_pauses_are_shortened(frames: list[Frame]) -> None:
    assert max(frame.seconds for frame in frames) >= 3.0
    assert max(frame.seconds for frame in shortened(frames, 1.0)) == 1.0
