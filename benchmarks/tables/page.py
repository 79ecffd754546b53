"""The page of the docs that compares numnet with scikit-learn."""

from collections.abc import Sequence

from benchmarks.report import Verdicts
from benchmarks.repository import ROOT
from benchmarks.tables.comparison import Comparison
from benchmarks.tables.printing import errors_table, intervals_table, summary_table

PAGE = ROOT / "docs" / "comparison.md"
COMMAND = ".venv/bin/python -m benchmarks.tables --markdown"
INTRODUCTION = f"""# Comparison with scikit-learn

numnet without any option beside the regressors of scikit-learn, on tables with noise. This page is
written by `{COMMAND}` after `make setup-dev`. The tables and their sources
are in [benchmarks/tables/data](../benchmarks/tables/data/README.md).

## How it is measured

Each table is split into halves at random: one half to train on, the other to test. All regressors
get the same rows. numnet gets a CSV file of the training half and the name of the target, and
nothing else. The rivals get pipelines that an expert would write:

| | |
|---|---|
| linear | ridge regression, its penalty by leave-one-out |
| boosting | `HistGradientBoostingRegressor` with its defaults |
| tuned boosting | the same, with leaves, rows of a leaf and number of trees by cross-validation |
| random forest | `RandomForestRegressor` with its defaults |
| SVR | C and γ by grid search |
| MLP | two layers of 64; L-BFGS with two penalties or Adam with early stopping, by grid search |
| Gaussian process | one length per input, by the likelihood of up to 500 rows; up to 1,000 rows |

Boosting takes categories and missing cells as they are. For the others numbers are scaled, missing
cells are replaced by the median with an indicator, and categories are one-hot. Grid searches use at
most 1,200 rows of the training half, and the winner is fitted to all of it. CQR is conformalised
quantile regression with boosting (Romano et al. 2019).
"""
EXPLANATION = """RMSE on the other half, mean ± standard deviation of {splits} splits, the ratio to
the best rival, and CPU seconds of a fit. {machine}.
"""


def write_page(comparisons: Sequence[Comparison], splits: int, machine: str) -> None:
    """Replace the page by one on these comparisons."""
    verdicts = Verdicts()  # the caller counts what is missed
    lines = [
        INTRODUCTION,
        "## Errors\n",
        EXPLANATION.format(splits=splits, machine=machine),
        *summary_table(comparisons, verdicts),
        "## Prediction intervals\n",
        *intervals_table(comparisons, verdicts),
        "## Every regressor\n",
    ]
    for comparison in comparisons:
        lines += errors_table(comparison)
    PAGE.write_text("\n".join(lines).rstrip() + "\n")
