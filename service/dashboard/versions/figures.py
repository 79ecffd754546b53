"""The figures of versions: one version's, or several versions' in the same axes."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from flask import Blueprint

from export.report.evaluation import Evaluation, Pairs
from export.report.figures import (
    coverage_figure,
    importance_figure,
    loss_figure,
    predicted_figure,
    residual_figure,
    residual_histogram,
)

MOST_TARGETS = 4  # with figures of their own, so that a page stays small
MOST_POINTS = 400  # of one version in one figure


class Figure(NamedTuple):
    """A figure as inline SVG, which is safe HTML, and what to look for in it."""

    title: str
    svg: str
    note: str


def register(blueprint: Blueprint) -> None:
    """Add the filter `figures` to the templates."""
    blueprint.add_app_template_filter(figures)


def figures(evaluations: Mapping[str, Evaluation]) -> list[Figure]:
    """Return the figures of one version or of several.

    Parameters
    ----------
    evaluations : by the names of the versions
    """
    return [*_losses(evaluations), *_of_targets(evaluations)]


def _losses(evaluations: Mapping[str, Evaluation]) -> Iterator[Figure]:
    several = len(evaluations) > 1
    curves = [
        replace(curve, name=f"{name} {curve.name}".strip()) if several else curve
        for name, evaluation in evaluations.items()
        for curve in evaluation.losses
    ]
    if curves:
        yield Figure(
            "Loss",
            loss_figure(curves),
            "On training rows (dashed) and on rows that were not trained on (solid). A solid line "
            "that rises while the dashed one falls means overfitting.",
        )


def _of_targets(evaluations: Mapping[str, Evaluation]) -> Iterator[Figure]:
    first = next(iter(evaluations.values()))
    of_several = len({t for each in evaluations.values() for t in each.pairs}) > 1
    for target in [*first.pairs][:MOST_TARGETS]:
        pairs = {
            name: _thinned(each.pairs[target])
            for name, each in evaluations.items()
            if target in each.pairs
        }
        of = f" of {target}" if of_several else ""
        yield Figure(
            f"Predicted against actual{of}",
            predicted_figure(pairs, target),
            "Rows that were not trained on. On the dashed line, the prediction is exact.",
        )
        yield Figure(
            f"Residuals{of}",
            residual_figure(pairs, target),
            "Predicted minus actual. A bend or a funnel is something that the model misses.",
        )
        yield Figure(
            f"Distribution of the residuals{of}",
            residual_histogram(pairs, target),
            "Centred at 0 if the model is right on average.",
        )
        yield from _intervals_and_importance(evaluations, target, of)


def _intervals_and_importance(
    evaluations: Mapping[str, Evaluation], target: str, of: str
) -> Iterator[Figure]:
    coverage = {n: e.coverage[target] for n, e in evaluations.items() if target in e.coverage}
    if coverage:
        yield Figure(
            f"Coverage of the intervals{of}",
            coverage_figure(coverage, target),
            "On the dashed line, intervals contain the true value as often as they promise.",
        )
    [*only] = evaluations.values()
    if len(only) == 1 and target in only[0].importance:
        yield Figure(
            f"Importance of the features{of}",
            importance_figure(only[0].importance[target], target),
            "How much the error grows if the values of a feature are shuffled.",
        )


def _thinned(pairs: Pairs) -> Pairs:
    """Return the first rows of a random sample."""
    return Pairs(pairs.actual[:MOST_POINTS], pairs.predicted[:MOST_POINTS])
