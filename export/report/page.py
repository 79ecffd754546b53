"""The report on a version: one HTML file that opens anywhere, without scripts and references."""

import base64
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.report import decisions, table_of_data
from export.report.errors_of_targets import (
    TargetErrors,
    errors_of_targets,
    interval_widths,
    unit_of,
)
from export.report.evaluation import Evaluation, evaluate_version
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
from export.report.figures.numerals import numeral
from export.report.response import has_intervals, responses
from export.report.sentences import cautions, judged_rows, summary
from registry import Version

if TYPE_CHECKING:
    from jinja2 import Template

MOST_TARGETS = 8  # with figures
MOST_RESPONSES = 24  # features with a figure
MOST_COLUMNS = 200  # in the table of features
_LARGEST_ERRORS = 5
_FOLDER = Path(__file__).parent


def render(version: Version, model: str) -> str:
    """Return the report on a version as an HTML document.

    Parameters
    ----------
    version : of this release or an earlier one, of any origin
    model : the model's name
    """
    card, evaluation = version.card, evaluate_version(version.card, version.held_out)
    errors = errors_of_targets(card, evaluation)
    return _template().render(
        style=_style(),
        policy=policy(),
        model=model,
        version=version,
        card=card,
        evaluation=evaluation,
        judged_rows=judged_rows(evaluation),
        summary=summary(card, evaluation, errors),
        cautions=cautions(card, evaluation, errors),
        errors=errors,
        loss=loss_figure(evaluation.losses) if evaluation.losses else "",
        targets=[_target_part(version, evaluation, each) for each in errors[:MOST_TARGETS]],
        more_targets=len(errors) - MOST_TARGETS,
        responses=_response_figures(version, evaluation),
        more_features=len(version.model.features) - MOST_RESPONSES,
        has_intervals=has_intervals(version.calibration),
        columns=table_of_data.columns_in_words(card, version.model, MOST_COLUMNS),
        more_columns=len(version.model.features) - MOST_COLUMNS,
        decisions=decisions,
        data=table_of_data,
    )


@cache
def policy() -> str:
    """Return the Content-Security-Policy of a report: its own style, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _style() -> str:
    style = STYLE.read_text("utf-8") + _FOLDER.joinpath("report.css").read_text("utf-8")
    return style.replace("\r\n", "\n")  # as browsers do before they compare the checksum


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  # most commands need no report

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["numeral"] = _or_unknown(numeral)
    environment.filters["r2"] = _or_unknown(_r2)
    environment.filters["percent"] = _or_unknown(lambda value: f"{value:.0%}".replace("%", " %"))
    return environment.from_string(_FOLDER.joinpath("report.html").read_text("utf-8"))


def _r2(value: float) -> str:
    """Return R², also if it is so near 1 that only the difference says something."""
    return numeral(value) if not 0.0 < 1.0 - value < 1e-3 else f"1 − {numeral(1.0 - value, 2)}"


def _or_unknown(write: Callable[..., str]) -> Callable[..., str]:
    return lambda value, *options: "–" if value is None else write(value, *options)


def _target_part(version: Version, evaluation: Evaluation, errors: TargetErrors) -> dict[str, Any]:
    """Return the figures and the largest errors of one target."""
    target, unit = errors.target, errors.unit
    figures = dict.fromkeys(("predicted", "residuals", "histogram", "coverage", "importance"), "")
    coverage = evaluation.coverage.get(target)
    importance = evaluation.importance.get(target)
    if (pairs := evaluation.pairs.get(target)) is not None:
        for name, draw in (
            ("predicted", predicted_figure),
            ("residuals", residual_figure),
            ("histogram", residual_histogram),
        ):
            figures[name] = draw({"": pairs}, target, unit=unit)
    if coverage is not None:
        figures["coverage"] = coverage_figure({"": coverage}, target)
    if importance:
        figures["importance"] = importance_figure(importance, target, unit=unit)
    return {
        "errors": errors,
        "figures": figures,
        "intervals": interval_widths(version.card, evaluation, target),
        "largest": _largest(evaluation, target),
    }


def _largest(evaluation: Evaluation, target: str) -> list[dict[str, float]]:
    """Return the rows with the largest errors, with their positions in the table, from 1."""
    pairs = evaluation.pairs.get(target)
    if pairs is None or len(evaluation.rows) != len(pairs.actual):
        return []
    found = sorted(
        zip(evaluation.rows, pairs.actual, pairs.predicted, pairs.residuals, strict=True),
        key=lambda row: -abs(row[3]),
    )
    return [
        {"row": row + 1, "actual": actual, "predicted": predicted, "residual": residual}
        for row, actual, predicted, residual in found[:_LARGEST_ERRORS]
    ]


def _response_figures(version: Version, evaluation: Evaluation) -> list[list[str]]:
    """Return figures of the most important features, those of all targets for each."""
    X = version.golden_inputs if version.held_out is None else version.held_out.inputs
    if X is None or not len(X):
        return []
    names = list(version.model.features)
    importance = next(iter(evaluation.importance.values()), {})
    most = sorted(range(len(names)), key=lambda index: -importance.get(names[index], 0.0))
    found = responses(version.model, version.calibration, X, most[:MOST_RESPONSES])
    figures = [
        [
            response_figure(each, unit=unit_of(version.card, each.target))
            for each in of_feature[:MOST_TARGETS]
            if not np.isnan([*each.typical, *each.mean]).any()  # the arithmetic overflowed
        ]
        for of_feature in found
    ]
    return list(filter(None, figures))
