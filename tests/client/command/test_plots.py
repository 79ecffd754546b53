"""Charts of characters."""

import pytest

from numnet.command.plots import HEIGHT, WIDTH, histogram, log_curves, scatter


def body(lines: list[str]) -> list[str]:
    """Return what is right of the axis."""
    return [line.partition("|")[2] for line in lines if "|" in line]


@pytest.mark.parametrize("is_ascii", [True, False], ids=["ascii", "braille"])
def test_a_falling_loss_falls_from_the_left_to_the_right(is_ascii: bool) -> None:
    curve = [(float(epoch), 10.0**-epoch) for epoch in range(9)]
    title, *lines = log_curves("loss", [curve], "epoch", is_ascii=is_ascii)
    drawn = body(lines)
    assert title == "loss"
    assert len(drawn) == HEIGHT
    starts = [len(line) - len(line.lstrip()) for line in drawn]
    assert starts == sorted(starts)
    assert starts[0] == 0
    assert len(drawn[-1]) == WIDTH
    assert lines[0].startswith("1.0e+00 |")
    assert lines[HEIGHT - 1].startswith("1.0e-08 |")


def test_a_loss_of_zero_is_left_out() -> None:
    assert log_curves("loss", [[(1.0, 0.0)]], "epoch") == []
    assert body(log_curves("loss", [[(1.0, 1.0), (2.0, 0.0)]], "epoch"))


def test_one_dot_of_braille_is_where_its_point_is() -> None:
    lines = body(scatter("points", [(0.0, 0.0), (1.0, 1.0)], "x"))
    assert lines[0] == " " * (WIDTH - 1) + "\u2808"
    assert lines[-1] == "\u2840"


def test_the_highest_bar_of_a_histogram_reaches_the_top() -> None:
    lines = body(histogram("values", [0.0, 1.0, 2.0, 3.0], [1, 0, 3]))
    assert lines[0] == "    ██"
    assert lines[-1] == "██  ██"
    assert histogram("values", [0.0, 1.0], [0]) == []


def test_equal_points_are_drawn() -> None:
    assert any(line.strip() for line in body(scatter("points", [(2.0, 2.0)], "x")))
    assert scatter("points", [], "x") == []
