"""The report: what it says, that it needs nothing else, and that no version breaks it."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from export.report.page import policy, render
from network import Column, numbers
from registry import Version
from tests.export.report.figures.drawn import drawn
from tests.export.report.versions import (
    SHORT,
    of_earlier_release,
    trained,
    untrained,
    with_card,
)
from tests.service.small_models import small_model, some_calibration, table_model
from trainer.data.table import Table

HOSTILE = "</style><script>alert('x')</script>\"'&{{ 7 * 7 }}"
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Reader(HTMLParser):
    """Reads a page; fails if elements are not nested, or refer to anything outside."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text = ""
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        assert len(names) == len(attrs)
        assert tag not in {"script", "link", "iframe", "img", "object", "a", "base", "form"}
        assert not names.keys() & {"href", "src", "style", "xlink:href", "action", "id"}
        assert not [name for name in names if name.startswith("on")]
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title", "desc"} & {*self.open}:
            self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    assert page.startswith("<!doctype html>")
    assert page.count("<style>") == 1
    assert "NaN" not in page
    for figure in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        drawn(figure)
    return reader


def figures(page: str) -> list[str]:
    return re.findall(r"<title>(.*?)</title>", page)[1:]


def noisy_table(rows: int = 200, targets: int = 1, names: tuple[str, ...] = ("a", "b")) -> Table:
    rng = np.random.default_rng(5)
    X = rng.uniform(-1, 1, (rows, len(names)))
    Y = X[:, :1] * np.arange(1, targets + 1) + 0.1 * rng.normal(size=(rows, targets))
    return Table(numbers(names), tuple(f"y{k}" for k in range(targets)), X, Y, "made.csv")


@pytest.fixture(scope="module")
def version() -> Version:
    return trained(noisy_table())


def test_the_report_has_all_parts(version: Version) -> None:
    page = render(version, "pump")
    text = read(page).text
    for part in (
        "pump, version 3",
        "How good it is",
        "this version",
        "a linear model",
        "the mean",
        "What predictions depend on",
        "The data",
        "made.csv: 160 rows for training, 20 rows for early stopping, 20 rows for tests.",
        "How it was trained, and why so",
        "Origin",
        version.sha256,
        str(version.card["identity"]),
    ):
        assert part in text
    assert figures(page) == [
        "Predicted against actual y0",
        "Residuals of y0 against predictions",
        "Distribution of the residuals of y0",
        "Coverage of the prediction intervals of y0",
        "Importance of the features for y0",
        "y0 by a",
        "y0 by b",
        "Loss by epoch",
    ]
    assert "missing, because" not in text


def test_the_summary_has_the_numbers_of_the_card(version: Version) -> None:
    text = " ".join(read(render(version, "pump")).text.split())
    metrics = version.card["metrics"]["test"]
    least, most = metrics["rmse_95"]
    assert f"typical error (RMSE) of {metrics['rmse']:.3g} (95 % confidence: " in text
    assert f"{least:.3g} to {most:.3g}), on 20 rows that it was not trained on." in text
    ratio = metrics["baselines"]["mean"]["rmse"] / metrics["rmse"]
    assert f"{ratio:.2g} times smaller than if it always predicted the mean" in text
    assert "The version was judged on 20 rows only" in text


def test_the_policy_allows_the_style_of_the_page_alone(version: Version) -> None:
    page = render(version, "pump")
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy()
    assert "default-src 'none'" in policy()
    assert policy().replace("'", "&#39;") in page
    assert "@import" not in style
    assert "url(" not in style


def test_a_version_of_an_earlier_release_says_what_is_missing(version: Version) -> None:
    old = of_earlier_release(version)
    assert old.held_out is None
    page = render(old, "pump")
    text = read(page).text
    assert "The errors of a linear model were not recorded" in text
    assert "The rows are the few that an earlier release stored" in text
    assert "Predicted against actual y0" in figures(page)  # the card has some rows
    assert "Coverage of the prediction intervals of y0" in figures(page)  # and some levels


def test_a_version_without_a_record_has_a_report() -> None:
    page = render(untrained(small_model()), "pump")
    text = read(page).text
    assert "How good this version is was not recorded" in text
    for what in ("A judgement on held-out rows", "The importance", "The loss by epoch"):
        assert f"{what} " in text
    assert text.count("missing, because this version is of an earlier release") == 4
    assert figures(page) == [f"y by x{k}" for k in range(1, 5)]


def test_the_largest_errors_have_the_numbers_of_their_rows() -> None:
    model = small_model()
    at_zero = float(model.predict(np.zeros((1, 4)))[0, 0])
    Y = np.array([[at_zero], [at_zero + 5.0], [at_zero - 1.0]])
    page = render(untrained(model, Y=Y), "pump")
    rows = re.findall(r'<tr><th scope="row" class="number">(\d+)</th>', page)
    assert rows == ["2", "3", "1"]


def test_intervals_have_their_widths_and_coverage(version: Version) -> None:
    calibration = version.card["metrics"]["calibration"]
    page = render(version, "pump")
    for level, share in (("0.8", "80 %"), ("0.9", "90 %")):
        within = calibration["coverage_of_validation_rows"][level]["y0"]
        shown = f"{within:.0%}".replace("%", " %")
        width = calibration["half_widths"][level]["y0"]
        row = re.search(rf'">{share}</th><td class="number">([\d.]+)</td><td .*?>(.*?)</td>', page)
        assert row is not None
        assert float(row[1]) == pytest.approx(width, rel=1e-3)
        assert row[2] == shown


def test_several_targets_have_their_own_figures_and_errors() -> None:
    page = render(trained(noisy_table(targets=3)), "pump")
    reader = read(page)
    for target in ("y0", "y1", "y2"):
        assert f"Predicted against actual {target}" in figures(page)
        assert f"{target} by a" in figures(page)
        assert f"Predictions of {target} have a typical error" in reader.text


def test_a_wide_table_is_cut() -> None:
    model = small_model(tuple(f"x{k}" for k in range(250)))
    text = read(render(untrained(model, Y=np.zeros((4, 1))), "pump")).text
    assert "50 more features are not listed here" in text
    assert "226 less important features have no figure here" in text


def test_many_targets_and_features_are_cut() -> None:
    targets = tuple(f"y{k}" for k in range(10))
    model = small_model(tuple(f"x{k}" for k in range(30)), targets)
    page = render(untrained(model, Y=np.zeros((4, 10))), "pump")
    text = read(page).text
    assert "2 more targets have no figures here" in text
    assert "6 less important features have no figure here" in text
    assert len([title for title in figures(page) if " by x" in title]) == 24 * 8


@pytest.mark.parametrize("rows", [1, 2])
def test_few_held_out_rows_have_a_report(rows: int) -> None:
    Y = np.zeros((rows, 1))
    card = {
        "metrics": {"test": {"rmse": 1.0, "mae": 1.0, "r2": None}},
        "data": {"rows": {"test": rows}},
    }
    text = read(render(untrained(small_model(), card, Y=Y), "pump")).text
    assert f"judged on {'1 row' if rows == 1 else '2 rows'} only" in text


def test_categories_dates_and_missing_cells_are_in_words() -> None:
    reading = {
        "format": "UTF-8 text",
        "columns": [{"name": "size", "kind": "number", "missing": 7, "note": "as numbers"}],
        "left_out": [{"column": "id", "why": "it is different in every row"}],
        "notes": ["2 rows left out, because 'y' is missing"],
        "targets": [{"name": "y", "kind": "number", "unit": "kg"}],
    }
    version = untrained(
        table_model(), {"data": {"source": "t.csv", "reading": reading}}, Y=np.zeros((3, 1)),
        calibration=some_calibration(),
    )  # fmt: skip
    page = render(version, "pump")
    text = read(page).text
    for words in (
        "red, blue, sea: green",
        "no, yes",
        "2024-01-01 to 2024-12-31",
        "as numbers",
        "Column 'id' is left out: it is different in every row.",
        "2 rows left out, because 'y' is missing.",
        "Read as UTF-8 text.",
    ):
        assert words in text
    assert ">7</td>" in page
    assert "predicted (kg)" in page
    assert "y (kg)" in page


def test_hostile_names_stay_text() -> None:
    columns = (
        Column(HOSTILE),
        Column(f"c{HOSTILE}", "category", (HOSTILE, "\x00\x0b\ufffe")),
    )
    model = replace(table_model(columns), targets=(HOSTILE,))
    card: dict[str, Any] = {
        "created_at": HOSTILE,
        "warnings": [HOSTILE],
        "recipe": {"solver": HOSTILE, HOSTILE: HOSTILE, "asked": {HOSTILE: 1}},
        "data": {
            "source": HOSTILE,
            "weights": HOSTILE,
            "rows": {HOSTILE: 3},
            "reading": {
                "format": HOSTILE,
                "columns": [{"name": HOSTILE, "note": HOSTILE}],
                "left_out": [{"column": HOSTILE, "why": HOSTILE}],
                "notes": [HOSTILE],
                "targets": [{"name": HOSTILE, "unit": HOSTILE}],
            },
        },
        "metrics": {"test": {"rmse": 1.0, "r2": 0.5}},
        "importance": {"increases": {HOSTILE: {HOSTILE: 1.0, f"c{HOSTILE}": 0.0}}},
        "training": {
            "history": {HOSTILE: [{"train": 1.0, "held_out": 1.0}]},
            "decisions": [HOSTILE],
            "stopped": HOSTILE,
            "epochs": 1,
        },
        "libraries": {HOSTILE: HOSTILE},
    }
    page = render(untrained(model, card, Y=np.zeros((3, 1))), HOSTILE)
    text = read(page).text
    assert "<script" not in page
    assert "{{ 7 * 7 }}" in text
    assert text.count(HOSTILE) > 12


ODD: list[Any] = [None, 7, "x", [], {}, [None], [3], {"a": None}, {"y": {}}, True, 1e308]


@pytest.mark.parametrize("odd", ODD, ids=str)
@pytest.mark.parametrize(
    "key",
    ["metrics", "data", "recipe", "training", "importance", "warnings", "created_at", "libraries",
     "test_report", "job", "identity"],
)  # fmt: skip
def test_a_card_of_any_origin_has_a_report(version: Version, key: str, odd: Any) -> None:
    read(render(with_card(version, **{key: odd}), "pump"))


@pytest.mark.parametrize("odd", ODD, ids=str)
@pytest.mark.parametrize(
    ("outer", "inner"),
    [("data", "reading"), ("data", "rows"), ("data", "source"), ("metrics", "test"),
     ("metrics", "calibration"), ("training", "decisions"), ("training", "seconds"),
     ("training", "epochs"), ("training", "stopped"), ("recipe", "asked"), ("recipe", "ensemble"),
     ("recipe", "loss")],
    ids=str,
)  # fmt: skip
def test_inner_members_of_any_origin_have_a_report(
    version: Version, outer: str, inner: str, odd: Any
) -> None:
    read(render(with_card(version, **{outer: version.card[outer] | {inner: odd}}), "pump"))


def test_huge_and_constant_values_have_a_report() -> None:
    huge = small_model(gain=1e150, feature_range=(-1e300, 1e300))
    for Y in (np.full((4, 1), 1e308), np.full((4, 1), -7.0), np.zeros((4, 1))):
        read(render(untrained(huge, Y=Y), "pump"))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_range_whose_ends_are_far_apart_has_a_report(activation: str) -> None:
    gain = 1.0 if activation == "tanh" else 1e150  # NaN, at the ends
    far = small_model(activation=activation, gain=gain, feature_range=(-1.7e308, 1.7e308))
    page = render(untrained(far), "pump")
    read(page)
    assert ("Response to each feature" in page) == (activation == "tanh")


@pytest.mark.parametrize(("scores", "is_said"), [(None, False), (3, False), (200, True)])
def test_only_intervals_that_are_drawn_are_named(scores: int | None, is_said: bool) -> None:
    calibration = None if scores is None else some_calibration(scores)
    page = render(untrained(small_model(), calibration=calibration), "pump")
    assert ("with its 90 % interval" in page) == is_said


def test_a_version_of_a_quantile_says_what_it_predicts() -> None:
    recipe = replace(SHORT, loss="quantile", quantile=0.9)
    text = read(render(trained(noisy_table(), recipe), "pump")).text
    assert "They are meant to have 90% of the actual values below them" in text


def test_a_useless_version_is_called_so() -> None:
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(200, 2)), rng.normal(size=(200, 1))
    noise = Table(numbers(("a", "b")), ("y",), X, Y, "noise.csv")
    assert "do not rely on it" in read(render(trained(noise), "pump")).text


@pytest.mark.parametrize(
    ("r2", "shown"), [(0.5, "0.5"), (1 - 2.5e-9, "1 − 2.5·10⁻⁹"), (1.0, "1"), (-3.0, "−3")]
)
def test_an_r2_near_1_is_shown_by_its_difference(r2: float, shown: str) -> None:
    card = {"metrics": {"test": {"rmse": 1.0, "mae": 1.0, "r2": r2}}}
    page = render(untrained(small_model(), card), "pump")
    assert f'<td class="number">{shown}</td></tr>' in page


def test_a_report_is_of_moderate_size(version: Version) -> None:
    assert len(render(version, "pump")) < 80_000
