"""The comparison as Markdown: each table's regressors, then all tables with their bars."""

import statistics
from collections.abc import Iterator, Sequence

from benchmarks.report import Verdicts
from benchmarks.tables.comparison import NUMNET, Comparison
from benchmarks.tables.rivals import GAUSSIAN_PROCESS

MAX_RATIO = 1.02
MAX_RATIO_TO_GAUSSIAN_PROCESS = {"friedman1": 1.05}  # smooth with normal noise, as it assumes
MAX_MEAN_RATIO = 0.98
COVERAGE = 0.885, 0.915
COVERAGE_OF_THIRDS = 0.84, 0.96


def errors_table(comparison: Comparison) -> Iterator[str]:
    """Yield the lines on one table's regressors."""
    errors, seconds = comparison.errors, comparison.seconds
    yield f"#### {comparison.name}: {comparison.rows:,} rows, {comparison.columns} columns\n"
    yield "| | RMSE | numnet's ÷ it | CPU s |\n|---|---|---|---|"
    for name, values in errors.items():
        compared = NUMNET in errors and name != NUMNET
        ratio = f"{comparison.ratio(name):.3f}" if compared else ""
        yield f"| {name} | {_mean_and_deviation(values)} | {ratio} | {seconds[name]:.1f} |"
    if comparison.refusal:
        yield f"\nnumnet refuses the table: {comparison.refusal[:200]}"
    yield ""


def summary_table(comparisons: Sequence[Comparison], verdicts: Verdicts) -> Iterator[str]:
    """Yield the lines on the errors of all tables, with their bars."""
    yield "| table | rows × columns | numnet | best rival | | ÷ | bar | | CPU s |"
    yield "|---|---|---|---|---|---|---|---|---|"
    ratios = []
    for comparison in comparisons:
        errors, rival = comparison.errors, comparison.best_rival()
        start = f"| {comparison.name} | {comparison.rows:,} × {comparison.columns}"
        of_rival = f"{rival} | {_mean_and_deviation(errors[rival])}"
        if NUMNET not in errors:
            yield f"{start} | refused | {of_rival} | | | {verdicts.note(met=False)} | |"
            continue
        ratios.append(comparison.ratio(rival))
        bar, met = _error_bar(comparison)
        yield (
            f"{start} | {_mean_and_deviation(errors[NUMNET])} | {of_rival} | {ratios[-1]:.3f} | "
            f"{bar} | {verdicts.note(met)} | {comparison.seconds[NUMNET]:.1f} |"
        )
    if ratios:
        mean = statistics.geometric_mean(ratios)
        yield (
            f"\ngeometric mean of the ratios: {mean:.3f} (bar ≤ {MAX_MEAN_RATIO}): "
            f"{verdicts.note(mean <= MAX_MEAN_RATIO)}"
        )
    yield ""


def intervals_table(comparisons: Sequence[Comparison], verdicts: Verdicts) -> Iterator[str]:
    """Yield the lines on the 90 % intervals of all tables, with their bars."""
    (low, high), (lowest, highest) = COVERAGE, COVERAGE_OF_THIRDS
    yield (
        f"90 % intervals: coverage (bar {low:.1%} to {high:.1%}), coverage of the intervals by "
        f"thirds of their width (bar {lowest:.0%} to {highest:.0%}), and interval score divided by "
        f"that of conformalised quantile regression with boosting (bar < 1)\n"
    )
    yield "| table | coverage | | narrow | middle | wide | | score ÷ CQR | |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for comparison in comparisons:
        if NUMNET in comparison.errors:
            coverage, thirds = comparison.coverage, comparison.coverage_of_thirds
            score = comparison.score_ratio
            cells = [
                comparison.name,
                f"{coverage:.1%}",
                verdicts.note(low <= coverage <= high),
                *(f"{third:.1%}" for third in thirds),
                verdicts.note(all(lowest <= third <= highest for third in thirds)),
                f"{score:.3f}",
                verdicts.note(score < 1.0),
            ]
            yield f"| {' | '.join(cells)} |"
    yield ""


def _error_bar(comparison: Comparison) -> tuple[str, bool]:
    """Return the bar in words, and whether it is met."""
    to_process = MAX_RATIO_TO_GAUSSIAN_PROCESS.get(comparison.name)
    if to_process is None or GAUSSIAN_PROCESS not in comparison.errors:
        return f"≤ {MAX_RATIO}", comparison.ratio(comparison.best_rival()) <= MAX_RATIO
    others = comparison.ratio(comparison.best_rival(without=[GAUSSIAN_PROCESS]))
    met = comparison.ratio(GAUSSIAN_PROCESS) <= to_process and others <= MAX_RATIO
    return f"≤ {to_process}, to the others ≤ {MAX_RATIO}", met


def _mean_and_deviation(values: Sequence[float]) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.4g} ± {deviation:.2g}"
