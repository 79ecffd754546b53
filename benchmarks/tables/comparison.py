"""One table's fits: numnet and all rivals on the same halves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables.cache import Outcome, fitted
from benchmarks.tables.datasets import Dataset, halves
from benchmarks.tables.features import Features
from benchmarks.tables.numnet_fit import NumnetFit, fit_numnet
from benchmarks.tables.rivals import (
    GAUSSIAN_PROCESS,
    GAUSSIAN_PROCESS_ROWS,
    RIVALS,
    conformal_quantiles,
)
from benchmarks.tables.scores import interval_score, rmse, thirds, within
from network import NetworkError
from trainer.errors import TrainerError

Array = NDArray[np.float64]
NUMNET = "numnet"


@dataclass(frozen=True)
class Split:
    """The results of one split into halves.

    Attributes
    ----------
    y : (N,) the targets of the test half
    rivals : by name
    quantiles : intervals by conformalised quantile regression
    numnet : None if numnet was left out or refuses the table
    """

    y: Array
    rivals: dict[str, Outcome]
    quantiles: Outcome
    numnet: NumnetFit | None


@dataclass(frozen=True)
class Comparison:
    """All splits of one table.

    Attributes
    ----------
    columns : the number of features in the file
    refusal : numnet's words, empty if it takes the table
    """

    name: str
    rows: int
    columns: int
    splits: tuple[Split, ...]
    refusal: str = ""

    @property
    def errors(self) -> dict[str, list[float]]:
        """Return the RMSE of each split by regressor, numnet first."""
        found: dict[str, list[float]] = {}
        for split in self.splits:
            if split.numnet:
                found.setdefault(NUMNET, []).append(rmse(split.y, split.numnet.predicted))
            for name, outcome in split.rivals.items():
                found.setdefault(name, []).append(rmse(split.y, outcome.predicted))
        return found

    @property
    def seconds(self) -> dict[str, float]:
        """Return the mean CPU seconds of a fit by regressor."""
        found: dict[str, list[float]] = {}
        for split in self.splits:
            if split.numnet:
                found.setdefault(NUMNET, []).append(split.numnet.seconds)
            for name, outcome in split.rivals.items():
                found.setdefault(name, []).append(outcome.seconds)
        return {name: float(np.mean(each)) for name, each in found.items()}

    def best_rival(self, without: Sequence[str] = ()) -> str:
        """Return the rival of the least mean RMSE."""
        errors = {
            name: float(np.mean(each))
            for name, each in self.errors.items()
            if name != NUMNET and name not in without
        }
        return min(errors, key=errors.__getitem__)

    def ratio(self, rival: str) -> float:
        """Return numnet's mean RMSE divided by a rival's."""
        errors = self.errors
        return float(np.mean(errors[NUMNET]) / np.mean(errors[rival]))

    @property
    def coverage(self) -> float:
        """Return the share of test targets in numnet's intervals."""
        return float(np.mean([within(y, fit.interval).mean() for y, fit in self._intervals()]))

    @property
    def coverage_of_thirds(self) -> tuple[float, ...]:
        """Return the coverage of the third of narrowest intervals, the middle and the widest."""
        shares = [
            [within(y, fit.interval)[thirds(fit.interval) == third].mean() for third in range(3)]
            for y, fit in self._intervals()
        ]
        return tuple(np.mean(shares, axis=0).tolist())

    @property
    def score_ratio(self) -> float:
        """Return numnet's mean interval score divided by that of the conformal quantiles."""
        ours = [interval_score(y, fit.interval) for y, fit in self._intervals()]
        theirs = [interval_score(split.y, split.quantiles.predicted) for split in self.splits]
        return float(np.mean(ours) / np.mean(theirs))

    def _intervals(self) -> Iterator[tuple[Array, NumnetFit]]:
        for split in self.splits:
            if split.numnet:
                yield split.y, split.numnet


def compare(
    dataset: Dataset, splits: int, rivals: Sequence[str], cache: Path, *, with_numnet: bool = True
) -> Comparison:
    """Fit everything on every split.

    Parameters
    ----------
    rivals : names in `RIVALS`; a Gaussian process is left out above `GAUSSIAN_PROCESS_ROWS`
    cache : the folder of the rivals' results
    """
    texts = dataset.texts()
    features = Features.of(dataset, texts)
    refusal, done = "", []
    for number in range(splits):
        training, test = halves(len(features.y), number)
        X, y, unknown = features.X[training], features.y[training], features.X[test]
        outcomes = {
            name: fitted(cache, RIVALS[name](features), X, y, unknown)
            for name in rivals
            if name != GAUSSIAN_PROCESS or len(training) <= GAUSSIAN_PROCESS_ROWS
        }
        quantiles = fitted(cache, conformal_quantiles(features), X, y, unknown)
        ours = None
        if with_numnet and not refusal:
            try:
                ours = fit_numnet(dataset, texts, training, test)
            except (NetworkError, TrainerError) as error:
                refusal = " ".join(str(error).split())
        done.append(Split(features.y[test], outcomes, quantiles, ours))
    columns = len(texts.header) - 1
    return Comparison(dataset.name, len(features.y), columns, tuple(done), refusal)
