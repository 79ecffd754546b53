"""Figures: points where they belong, and well-formed whatever the numbers and names are."""

import numpy as np
import pytest

from export.report.evaluation import Coverage, LossCurve, Pairs
from export.report.figures import (
    STYLE,
    coverage_figure,
    importance_figure,
    loss_figure,
    predicted_figure,
    residual_figure,
    residual_histogram,
    response_figure,
)
from export.report.response import Response
from network import Column
from tests.export.report.figures.drawn import SVG, bars, drawn, paths, text_of, texts

HOSTILE = "<script>alert('1')</script>\"&]]>\x00\x0b\x1b\ufffe"
NUMBERS = {
    "usual": ((0.0, 1.0, 2.0), (0.1, 0.9, 2.2)),
    "one row": ((3.0,), (2.5,)),
    "constant": ((5.0, 5.0), (5.0, 5.0)),
    "zeros": ((0.0, 0.0), (0.0, 0.0)),
    "huge": ((1e308, -1e308), (-1e308, 1.7e308)),
    "tiny": ((1e-300, 2e-300), (0.0, 5e-324)),
    "far from zero": ((1e15, 1e15 + 1), (1e15, 1e15 + 2)),
}
CURVE = LossCurve("", (1, 2, 3), (1.0, 0.1, 0.01), (1.0, 0.2, 0.05), 3)


@pytest.mark.parametrize("name", ["y", HOSTILE], ids=["plain", "hostile"])
@pytest.mark.parametrize("numbers", NUMBERS)
def test_figures_of_pairs_are_well_formed(numbers: str, name: str) -> None:
    pairs = Pairs(*NUMBERS[numbers])
    for figure in (predicted_figure, residual_figure, residual_histogram):
        for series in ({name: pairs}, {name: pairs, "other": pairs}):
            root = drawn(figure(series, name, unit=name))
            assert all("\x00" not in text for text in texts(root))


def test_predictions_above_the_actual_value_are_above_the_diagonal() -> None:
    root = drawn(predicted_figure({"": Pairs((1.0, 2.0, 3.0), (2.0, 2.0, 2.0))}, "y"))
    [((x1, y1), (x2, y2), (x3, y3))] = paths(root, "points")
    assert y1 == y2 == y3
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)
    assert x1 < x2 < x3


def test_residuals_are_predicted_minus_actual() -> None:
    root = drawn(residual_figure({"": Pairs((1.0, 1.0), (1.5, 0.5))}, "y"))
    [((x1, y1), (x2, y2))] = paths(root, "points")
    assert x1 > x2
    assert y1 < y2  # upwards in SVG


def test_the_histogram_counts_every_row() -> None:
    rng = np.random.default_rng(0)
    actual = tuple(rng.normal(size=500).tolist())
    root = drawn(residual_histogram({"": Pairs(actual, (0.0,) * 500)}, "y"))
    heights = [height for _, height in bars(root)]
    ticks = {e.text: float(e.get("y") or 0) for e in root.iter() if e.get("text-anchor") == "end"}
    per_row = (ticks["0"] - ticks["20"]) / 20
    assert sum(heights) / per_row == pytest.approx(500, rel=0.02)


def test_points_that_cover_each_other_are_drawn_once() -> None:
    many = Pairs((1.0,) * 900 + (2.0,), (1.0,) * 900 + (2.0,))
    svg = predicted_figure({"": many}, "y")
    assert len(paths(drawn(svg), "points")[0]) == 2


def test_loss_curves_are_on_a_logarithmic_scale() -> None:
    root = drawn(loss_figure([CURVE]))
    train, validation = paths(root, "line")
    (_, y1), (_, y2), (_, y3) = train
    assert y2 - y1 == pytest.approx(y3 - y2, abs=0.2)
    assert validation[2][1] < train[2][1]
    assert {"0.01", "0.1", "1", "epoch"} <= {*texts(root)}
    assert "best epoch 3" in text_of(root, "desc")


def test_thousands_of_epochs_stay_small_and_keep_the_last() -> None:
    epochs = tuple(range(1, 9_001))
    losses = tuple(1.0 / epoch for epoch in epochs)
    svg = loss_figure([LossCurve("", epochs, losses, losses)])
    assert len(svg) < 9_000
    [line, _] = paths(drawn(svg), "line")
    assert len(line) <= 252
    last = paths(
        drawn(loss_figure([LossCurve("", (1, 9_000), (1.0, 0.1), (1.0, 1 / 9_000))])), "line"
    )
    assert line[-1] == last[1][-1]


@pytest.mark.parametrize(
    "losses",
    [(0.0, 0.0), (5e-324, 1.0), (1e300, 1e-300), (1.7e308, 1.0), (-0.2, -0.3)],
    ids=["zeros", "denormal", "wide", "largest", "negative"],
)
def test_odd_losses_are_drawn(losses: tuple[float, float]) -> None:
    drawn(loss_figure([LossCurve(HOSTILE, (1, 2), losses, losses, 1)]))


def test_one_epoch_is_drawn() -> None:
    drawn(loss_figure([LossCurve("", (1,), (0.5,), (0.6,), 1)]))


def test_several_curves_have_their_names_and_classes() -> None:
    root = drawn(loss_figure([LossCurve(str(k), (1, 2), (1.0, k), (1.0, k)) for k in range(1, 6)]))
    assert {"1", "2", "3", "4", "5"} <= {*texts(root)}
    assert len(paths(root, "line", 4)) == 3  # and its entry in the legend
    assert len(paths(root, "line", 1)) == 6


def test_legend_of_many_long_names_is_inside_the_figure() -> None:
    names = [f"version {k} networks of kind {kind}" for k in (11, 12) for kind in ("one", "two")]
    root = drawn(loss_figure([LossCurve(name, (1, 2), (1.0, 0.5), (1.0, 0.5)) for name in names]))
    assert {*names} <= {*texts(root)}
    left, top, width, height = map(float, (root.get("viewBox") or "").split())
    for element in root.iter(f"{SVG}text"):
        x, y, text = float(element.get("x") or 0), float(element.get("y") or 0), element.text or ""
        assert top < y < top + height
        if text in names:
            assert left < x < left + width - 6.6 * len(text)


def test_coverage_beyond_the_level_is_above_the_diagonal() -> None:
    root = drawn(coverage_figure({"": Coverage((0.5, 0.9), (0.7, 0.9))}, "y"))
    [((x1, y1), (x2, y2))] = paths(root, "points")
    assert (y1 - y2) / (x2 - x1) < 0.9 * (y1 - y2) / (x2 - x1) * 2
    assert "90 % of the rows" in text_of(root, "desc")


def test_bars_are_proportional_to_importance() -> None:
    increases = {"small": 1.0, "large": 4.0, "none": 0.0, HOSTILE: 2.0}
    root = drawn(importance_figure(increases, "y", unit="kg"))
    widths = sorted(width for width, _ in bars(root))
    assert widths[0] == 0.0
    assert widths[3] / widths[1] == pytest.approx(4.0, rel=0.02)
    assert texts(root).index("small") < texts(root).index("large")


def test_many_features_are_cut_to_the_most_important() -> None:
    root = drawn(importance_figure({f"x{k}": float(k) for k in range(300)}, "y"))
    assert len(bars(root)) == 20
    assert "x299" in texts(root)


def test_negative_importance_is_drawn() -> None:
    assert len(bars(drawn(importance_figure({"a": -0.1, "b": -0.2}, "y")))) == 2


def response(
    feature: Column, x: list[float], y: list[float], width: float | None = 1.0
) -> Response:
    typical = np.array(y)
    lower = None if width is None else typical - width
    upper = None if width is None else typical + width
    return Response(feature, "y", np.array(x), typical, lower, upper, typical + 0.5)


def test_a_response_has_a_line_a_band_and_a_mean() -> None:
    root = drawn(response_figure(response(Column("x", unit="bar"), [0.0, 1.0], [2.0, 3.0])))
    [[(_, y1), (_, y2)]] = paths(root, "line")
    assert y2 < y1
    assert len(paths(root, "band")[0]) == 4
    assert len(paths(root, "line", 2)) == 1
    assert "x (bar)" in texts(root)


def test_a_response_without_an_interval_has_no_band() -> None:
    root = drawn(response_figure(response(Column("x"), [0.0, 1.0], [2.0, 3.0], None)))
    assert paths(root, "band") == []


@pytest.mark.parametrize("y", [[2.0, 3.0], [300.0, 301.0], [-1.0, 2.0]], ids=str)
def test_categories_are_bars_unless_zero_is_far_away(y: list[float]) -> None:
    feature = Column("x", "category", ("red", HOSTILE))
    root = drawn(response_figure(response(feature, [0.0, 1.0], y)))
    assert "red" in texts(root)
    assert len(bars(root)) == (0 if y[0] == 300 else 2)


def test_labels_that_do_not_fit_side_by_side_are_tilted() -> None:
    for values, is_tilted in (
        (("a", "b"), False),
        (tuple(f"category {k}" for k in range(20)), True),
    ):
        x = [float(k) for k in range(len(values))]
        root = drawn(response_figure(response(Column("x", "category", values), x, x)))
        tilted = [element.text for element in root.iter() if element.get("transform")]
        assert tilted == (list(values) if is_tilted else [])


def test_a_boolean_without_words_has_false_and_true() -> None:
    root = drawn(response_figure(response(Column("x", "boolean"), [0.0, 1.0], [1.0, 2.0])))
    assert {"false", "true"} <= {*texts(root)}


def test_dates_have_dates_as_ticks() -> None:
    root = drawn(response_figure(response(Column("x", "datetime"), [19723.0, 20088.0], [1.0, 2.0])))
    assert "2024-04" in texts(root)


def test_the_style_sheet_has_no_references() -> None:
    style = STYLE.read_text()
    assert "url(" not in style
    assert "@import" not in style
    assert "<" not in style
