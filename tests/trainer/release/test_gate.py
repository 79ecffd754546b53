"""The gate: which versions are promoted, and which are kept back."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from network import (
    Array,
    Column,
    Encoding,
    Ensemble,
    Huber,
    Loss,
    Model,
    Quantile,
    Rows,
    Scaling,
    Squared,
    numbers,
)
from network.encoding import EQUALS, SCALED
from network.ensemble.parts import Linear
from tests.random_ensembles import make_ensemble
from tests.trainer.linear_models import linear_model
from trainer.release.gate import Candidate, Verdict, judge

W = np.array([[2.0], [-3.0]])
RNG = np.random.default_rng(7)
X = RNG.uniform(-1.0, 1.0, (50, 2))
ROWS = Rows(X, X @ W)
AGED = replace(ROWS, weights=RNG.uniform(0.1, 5.0, len(X)))


def off_by(error: float, **options: Any) -> Model:
    """Return a model that predicts u = 2a − 3b + error."""
    return linear_model(W, error, **options)


def compare(
    candidate: Model,
    current: Model,
    margin: float = 0.0,
    *,
    rows: Rows = ROWS,
    loss: Loss = Squared(),  # noqa: B008  # it is frozen
) -> Verdict:
    return judge(Candidate(9, candidate, rows, loss), current, 4, margin)


def mean_cost(costs: Array, weights: Array | None = None) -> float:
    """Return the weighted mean over rows of the mean over targets."""
    return float(np.average(costs, axis=0, weights=weights).mean())


def test_better_candidate_is_promoted() -> None:
    verdict = compare(off_by(0.1), off_by(0.2))
    assert verdict.promote
    assert verdict.reason == "MSE 0.01 on 50 held-out rows, 75.00% below version 4's 0.04"
    assert (verdict.against, verdict.metric, verdict.margin, verdict.rows) == (4, "MSE", 0.0, 50)


def test_slightly_worse_candidate_is_kept_back() -> None:
    verdict = compare(off_by(0.2001), off_by(0.2))
    assert not verdict.promote
    assert verdict.reason == "MSE 0.04004 on 50 held-out rows, 0.10% above version 4's 0.04"
    assert verdict.candidate is not None
    assert verdict.current is not None
    assert verdict.candidate > verdict.current


def test_much_worse_candidate_is_kept_back_with_the_factor() -> None:
    verdict = compare(off_by(2.0), off_by(0.2))
    assert not verdict.promote
    assert verdict.reason == "MSE 4 on 50 held-out rows, 100 times version 4's 0.04"


@pytest.mark.parametrize("error", [0.0, 0.2, -1e60])
@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_equal_candidate_is_promoted(error: float, margin: float) -> None:
    verdict = compare(off_by(error), off_by(error), margin)
    assert verdict.promote
    assert verdict.candidate == verdict.current
    assert ", the same as version 4's " in verdict.reason


@pytest.mark.parametrize(
    ("margin", "error", "promoted"),
    [
        (0.21, 0.219, True),
        (0.21, 0.221, False),
        (3.0, 0.399, True),
        (3.0, 0.401, False),
        (-0.19, 0.179, True),
        (-0.19, 0.181, False),
        (-0.19, 0.2, False),
        (-0.75, 0.099, True),
        (-0.75, 0.101, False),
    ],
)
def test_margin_is_a_fraction_of_the_current_loss(
    margin: float, error: float, promoted: bool
) -> None:
    verdict = compare(off_by(error), off_by(0.2), margin)
    assert verdict.promote == promoted
    assert verdict.margin == margin
    what = "more is allowed" if margin > 0 else "less is required"
    assert verdict.reason.endswith(f" version 4's 0.04 ({100 * abs(margin):g} % {what})")


@pytest.mark.parametrize("rows", [ROWS, AGED], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    ("loss", "metric"),
    [(Squared(), "MSE"), (Huber(0.3), "Huber loss"), (Quantile(0.8), "Quantile loss")],
)
def test_verdict_has_the_mean_losses_on_the_rows(rows: Rows, loss: Loss, metric: str) -> None:
    scale = 1.7
    candidate = linear_model(W + 0.3, 0.1, scale=scale)
    current = linear_model(W - 0.2, -0.2, scale=99.0)  # its own scale is not used

    def expected(model: Model) -> float:
        r = model.predict(rows.X) - rows.Y
        if isinstance(loss, Squared):
            return mean_cost(r**2, rows.weights)
        r /= scale
        size = np.abs(r)
        if isinstance(loss, Huber):
            return mean_cost(np.where(size <= 0.3, r**2, 2 * 0.3 * size - 0.3**2), rows.weights)
        kink = Quantile.KINK
        rounded = np.where(size <= kink, r**2 / (2 * kink), size - kink / 2)
        return mean_cost(np.where(r > 0, 0.2, 0.8) * rounded, rows.weights)

    verdict = compare(candidate, current, rows=rows, loss=loss)
    assert verdict.candidate == pytest.approx(expected(candidate), rel=1e-12)
    assert verdict.current == pytest.approx(expected(current), rel=1e-12)
    assert verdict.metric == metric
    assert verdict.promote == (expected(candidate) <= expected(current))


def test_weights_of_rows_count() -> None:
    weights = np.where(X[:, 0] > 0, 100.0, 1.0)
    good_above = off_by(0.0)
    tilted = Rows(X, X @ W + np.where(X[:, :1] > 0, 0.0, 0.3), weights)
    good_below = off_by(0.3)
    assert compare(good_above, good_below, rows=tilted).promote
    assert not compare(good_below, good_above, rows=tilted).promote
    turned = replace(tilted, weights=1.0 / weights)
    assert compare(good_below, good_above, rows=turned).promote


@pytest.mark.parametrize("loss", [Squared(), Huber(0.3), Quantile(0.8)])
def test_targets_count_alike_whatever_their_units(loss: Loss) -> None:
    weights = np.array([[2.0, 1.0], [-3.0, 0.5]])

    def model(first: float, second: float, unit: float) -> Model:
        """Return a model with given errors in scales of the targets, the second in another unit."""
        units = np.array([1.0, unit])
        return linear_model(
            weights * units, [first, second * unit], targets=("u", "v"), scale=list(units)
        )

    verdicts = [
        compare(
            model(0.1, 0.4, unit),
            model(0.2, 0.2, unit),
            rows=Rows(X, X @ weights * [1.0, unit]),
            loss=loss,
        )
        for unit in (1.0, 1e6, 1e-6)
    ]
    assert not any(verdict.promote for verdict in verdicts)
    for verdict in verdicts:
        assert verdict.candidate == pytest.approx(verdicts[0].candidate, rel=1e-6)
        assert verdict.current == pytest.approx(verdicts[0].current, rel=1e-6)
    if isinstance(loss, Squared):
        assert verdicts[0].metric == "scaled MSE"
        assert verdicts[0].candidate == pytest.approx((0.1**2 + 0.4**2) / 2)


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (
            off_by(0.0, features=("a", "c")),
            "its features are a, c and version 4's are a, b: clients would have to change",
        ),
        (
            off_by(0.0, features=("b", "a")),
            "its features are b, a and version 4's are a, b: clients would have to change",
        ),
        (
            off_by(0.0, targets=("v",)),
            "its targets are v and version 4's are u: clients would have to change",
        ),
        (
            linear_model(np.zeros((3, 1)), features=("a", "b", "c")),
            "its features are a, b, c and version 4's are a, b: clients would have to change",
        ),
    ],
)
def test_candidate_with_other_features_or_targets_is_kept_back(
    candidate: Model, reason: str
) -> None:
    assert compare(candidate, off_by(9.0)) == Verdict(False, reason, 4)


HUGE = off_by(1e308)  # its squared error overflows
BROKEN = linear_model(np.full((2, 1), 1e308), 1e308)  # some of its predictions overflow


@pytest.mark.parametrize("candidate", [HUGE, BROKEN])
@pytest.mark.parametrize("margin", [0.0, 1e6, -0.5])
def test_candidate_with_a_loss_that_is_not_finite_is_kept_back(
    candidate: Model, margin: float
) -> None:
    for current in (off_by(0.2), HUGE, BROKEN):
        verdict = compare(candidate, current, margin)
        assert not verdict.promote
        assert verdict.candidate is None
        assert verdict.reason.startswith("its predictions for the 50 held-out rows are not finite")


@pytest.mark.parametrize("current", [HUGE, BROKEN])
@pytest.mark.parametrize("margin", [0.0, 1e6, -0.5])
def test_candidate_replaces_a_current_version_with_a_loss_that_is_not_finite(
    current: Model, margin: float
) -> None:
    verdict = compare(off_by(1e3), current, margin)
    assert verdict.promote
    assert verdict.candidate == pytest.approx(1e6)
    assert verdict.current is None
    assert "MSE 1e+06 on 50 held-out rows, against version 4's " in verdict.reason


def ensemble(shift: float) -> Ensemble:
    """Return an ensemble whose members of fold k predict u = 2a − 3b + shift + k."""
    held_out = np.array([(0, 0), (0, 1)])
    linear = Linear(shift + np.array([[0.0], [1.0]]), np.stack([W, W]), held_out)
    return replace(
        make_ensemble(),
        columns=numbers(("a", "b")),
        targets=("u",),
        encoding=Encoding.of(2, [(0, SCALED, 0.0, 1.0), (1, SCALED, 0.0, 1.0)]),
        networks=(),
        process=None,
        linear=linear,
        stack=np.ones((1, 1)),
        target_scaling=Scaling(np.zeros(1), np.ones(1)),
        feature_range=np.array([[-1.0, -1.0], [1.0, 1.0]]),
    )


def folds(count: int, partitions: int) -> Any:
    assert (count, partitions) == (2, 1)
    return (np.arange(len(X)) % 5 == 0).astype(int)[None]


def test_two_ensembles_are_compared_out_of_fold_with_confidence() -> None:
    # residuals are 0.1 and 1.1 for 40 and 10 rows, against 0.2 and 1.2
    candidate = Candidate(9, ensemble(0.1), ROWS, Squared(), folds)
    verdict = judge(candidate, ensemble(0.2), 4, 0.0)
    assert verdict.promote
    new, old = (40 * 0.1**2 + 10 * 1.1**2) / 50, (40 * 0.2**2 + 10 * 1.2**2) / 50
    assert verdict.candidate == pytest.approx(new)
    assert verdict.current == pytest.approx(old)
    differences = np.repeat([0.1**2 - 0.2**2, 1.1**2 - 1.2**2], [40, 10])
    error = 1.959964 * differences.std() / 50**0.5
    assert verdict.difference == pytest.approx((new - old - error, new - old + error))
    assert "on 50 out-of-fold rows, 21.87% below version 4's 0.32; " in verdict.reason
    assert verdict.reason.endswith("the difference is -28.80 % to -14.95 % with 95 % confidence")


def test_a_category_is_compared_by_its_texts() -> None:
    def model(values: tuple[str, str], weight: float) -> Model:
        """Return a model that predicts u = 2a + weight·(whether b is its second value)."""
        columns = (Column("a"), Column("b", "category", values))
        inputs = [(0, SCALED, 0.0, 1.0), (1, EQUALS, 1.0, 1.0)]
        base = linear_model(np.array([[2.0], [weight]]))
        return replace(base, columns=columns, encoding=Encoding.of(2, inputs))

    codes = (X[:, 1] > 0).astype(float)
    rows = Rows(np.column_stack([X[:, 0], codes]), (2.0 * X[:, :1] + codes[:, None]))
    verdict = compare(model(("no", "yes"), 1.0), model(("yes", "no"), -1.0), rows=rows)
    assert verdict.current == pytest.approx(1.0)  # u is wrong by 1 in every row
    verdict = compare(model(("no", "yes"), 1.0), model(("maybe", "yes"), 1.0), rows=rows)
    assert verdict.current == pytest.approx(0.0)


def test_a_candidate_whose_feature_has_another_kind_is_kept_back() -> None:
    current = off_by(9.0)
    columns = (Column("a"), Column("b", "boolean"))
    verdict = compare(replace(off_by(0.0), columns=columns), current)
    assert verdict.reason == (
        "its feature b is a boolean and version 4's is a number: clients would have to change"
    )


def test_a_candidate_whose_feature_has_another_unit_is_kept_back() -> None:
    current = replace(off_by(9.0), columns=(Column("a"), Column("b", unit="kg")))
    verdict = compare(replace(off_by(0.0), columns=(Column("a"), Column("b", unit="lb"))), current)
    assert verdict.reason == (
        "its feature b is in lb and version 4's in kg: clients would have to change"
    )


def test_a_candidate_whose_feature_may_no_longer_be_missing_is_kept_back() -> None:
    gaps = replace(off_by(9.0), columns=(Column("a"), Column("b", has_gaps=True)))
    assert compare(off_by(0.0), gaps).reason == (
        "its feature b may not be missing and version 4's may: clients would have to change"
    )
    assert compare(replace(off_by(0.0), columns=gaps.columns), off_by(9.0)).promote


def test_an_ensemble_is_compared_with_a_network_on_held_out_rows() -> None:
    candidate = Candidate(9, ensemble(0.1), ROWS, Squared(), folds)
    verdict = judge(candidate, off_by(0.2), 4, 0.0)
    assert not verdict.promote
    assert verdict.candidate == pytest.approx((40 * 0.1**2 + 10 * 1.1**2) / 50)
    assert verdict.difference is None
    assert " on 50 held-out rows, " in verdict.reason
