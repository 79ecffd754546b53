"""The regressors of scikit-learn that numnet is compared with, each in a pipeline for any table.

Models based on distances get scaled numbers, medians and indicators for missing cells, and one-hot
categories. Boosting takes categories and missing cells as they are.
"""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVR

from benchmarks.tables.boosting import ConformalQuantiles, TunedBoosting
from benchmarks.tables.features import Features

Array = NDArray[np.float64]
Estimator = Any  # of scikit-learn, which has no types
SEARCH_ROWS = 1_200
GAUSSIAN_PROCESS_ROWS = 1_000
MAX_LENGTHS = 40
GAUSSIAN_PROCESS = "Gaussian process"
FOLDS = 3
RARE_ROWS = 5  # a category of fewer rows is merged with other rare ones


class SampledSearch(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # untyped bases
    """A grid search on a sample of the rows, whose best estimator is fitted to all rows."""

    def __init__(self, search: GridSearchCV, rows: int = SEARCH_ROWS) -> None:
        self.search = search
        self.rows = rows

    def fit(self, X: Array, y: Array) -> Self:
        """Search, and fit the best."""
        sample = np.random.default_rng(0).permutation(len(X))[: self.rows]
        search = clone(self.search).set_params(refit=False).fit(X[sample], y[sample])
        best = clone(self.search.estimator).set_params(**search.best_params_)
        self.model_ = best.fit(X, y)
        return self

    def predict(self, X: Array) -> Array:
        """Return predictions (N,)."""
        y_hat: Array = self.model_.predict(X)
        return y_hat


class ArdGaussianProcess(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # untyped bases
    """A Gaussian process with one length per input and noise, by the greater marginal likelihood.

    The kernels are a Gaussian and Matérn's with ν = 5/2. Their parameters are found on at most
    `rows` rows. More than `MAX_LENGTHS` inputs, which are mostly one-hot, share one length.
    """

    def __init__(self, rows: int = 500) -> None:
        self.rows = rows

    def fit(self, X: Array, y: Array) -> Self:
        """Find the better kernel, and condition it on all rows."""
        sample = np.random.default_rng(0).permutation(len(X))[: self.rows]
        inputs = X.shape[1] if X.shape[1] <= MAX_LENGTHS else 1
        lengths = {"length_scale": np.ones(inputs), "length_scale_bounds": (1e-2, 1e3)}
        searches = [
            GaussianProcessRegressor(
                ConstantKernel(1.0, (1e-2, 1e4)) * kernel + WhiteKernel(0.1, (1e-6, 1e1)),
                random_state=0,
            ).fit(X[sample], y[sample])
            for kernel in (RBF(**lengths), Matern(nu=2.5, **lengths))
        ]
        best = max(searches, key=lambda each: each.log_marginal_likelihood_value_)
        self.model_ = GaussianProcessRegressor(best.kernel_, optimizer=None).fit(X, y)
        return self

    def predict(self, X: Array) -> Array:
        """Return predictions (N,)."""
        y_hat: Array = self.model_.predict(X)
        return y_hat


def _linear(features: Features) -> Estimator:
    return make_pipeline(_encoder(features), RidgeCV(np.logspace(-3, 3, 13)))


def _boosting(features: Features) -> Estimator:
    return HistGradientBoostingRegressor(
        categorical_features=list(features.categories) or None, random_state=0
    )


def _tuned_boosting(features: Features) -> Estimator:
    return TunedBoosting(features.categories)


def _forest(features: Features) -> Estimator:
    return make_pipeline(_encoder(features), RandomForestRegressor(random_state=0))


def _support_vectors(features: Features) -> Estimator:
    return _searched(features, SVR(), {"C": [1.0, 10.0, 100.0], "gamma": [0.01, 0.03, 0.1, 0.3]})


def _perceptron(features: Features) -> Estimator:
    regressor = MLPRegressor(
        hidden_layer_sizes=(64, 64), max_iter=200, n_iter_no_change=20, random_state=0
    )
    full_batch = {"solver": ["lbfgs"], "alpha": [0.3, 5.0]}
    batches = {"solver": ["adam"], "alpha": [0.1], "early_stopping": [True]}
    return _searched(features, regressor, full_batch, batches)


def _gaussian_process(features: Features) -> Estimator:
    return _with_scaled_target(make_pipeline(_encoder(features), ArdGaussianProcess()))


def conformal_quantiles(features: Features) -> Estimator:
    """Return the estimator of intervals that numnet's are compared with."""
    return ConformalQuantiles(features.categories)


RIVALS: dict[str, Callable[[Features], Estimator]] = {
    "linear": _linear,
    "boosting": _boosting,
    "tuned boosting": _tuned_boosting,
    "random forest": _forest,
    "SVR": _support_vectors,
    "MLP": _perceptron,
    GAUSSIAN_PROCESS: _gaussian_process,
}


def _encoder(features: Features) -> ColumnTransformer:
    texts = [*features.categories, *features.codes]
    numbers = [index for index in range(features.X.shape[1]) if index not in texts]
    return ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(
                    SimpleImputer(strategy="median", add_indicator=True), StandardScaler()
                ),
                numbers,
            ),
            (
                "categories",
                make_pipeline(
                    SimpleImputer(strategy="constant", fill_value=-1.0),
                    OneHotEncoder(
                        handle_unknown="infrequent_if_exist",
                        min_frequency=RARE_ROWS,
                        sparse_output=False,
                    ),
                ),
                texts,
            ),
        ]
    )


def _searched(features: Features, regressor: Estimator, *grids: dict[str, Any]) -> Estimator:
    step = type(regressor).__name__.lower()
    search = GridSearchCV(
        make_pipeline(_encoder(features), regressor),
        [{f"{step}__{name}": values for name, values in grid.items()} for grid in grids],
        cv=KFold(FOLDS, shuffle=True, random_state=0),
        scoring="neg_mean_squared_error",
    )
    return _with_scaled_target(SampledSearch(search))


def _with_scaled_target(regressor: Estimator) -> TransformedTargetRegressor:
    return TransformedTargetRegressor(regressor, transformer=StandardScaler())
