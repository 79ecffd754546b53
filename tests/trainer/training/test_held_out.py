"""The held-out rows that a training keeps for pictures."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from network import Ensemble
from registry import HeldOut
from trainer.data.split import held_out_indices
from trainer.data.table import Table
from trainer.training.recipe import Recipe
from trainer.training.training import train

MakeTable = Callable[..., Table]
NETWORK = Recipe(layers=(5, 4), epochs=4, starts=1)
ENSEMBLE = Recipe(solver="ensemble", max_seconds=2.0)


def assert_rows_of(table: Table, kept: HeldOut) -> None:
    rows = kept.rows.astype(int)
    assert len({*rows.tolist()}) == len(rows)
    assert kept.actual.tobytes() == table.Y[rows].tobytes()
    assert kept.inputs.tobytes() == table.X[rows[: len(kept.inputs)]].tobytes()


def test_a_network_keeps_its_test_rows_with_their_predictions(make_table: MakeTable) -> None:
    table = make_table(rows=60, targets=2)
    trained = train(table, NETWORK)
    kept = trained.held_out
    assert_rows_of(table, kept)
    assert kept.rows.tolist() == held_out_indices(table).tolist()
    assert kept.predicted.tobytes() == trained.model.predict(kept.inputs).tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("fraction", [None, 0.2], ids=["all rows", "test rows apart"])
def test_an_ensemble_keeps_out_of_fold_predictions(
    make_table: MakeTable, fraction: float | None
) -> None:
    table = make_table(rows=80)
    trained = train(table, replace(ENSEMBLE, test_fraction=fraction))
    assert isinstance(trained.model, Ensemble)
    kept = trained.held_out
    assert_rows_of(table, kept)
    assert len(kept.rows) == (80 if fraction is None else 64)
    if fraction is not None:
        assert not {*kept.rows.tolist()} & {*held_out_indices(table, fraction).tolist()}
    errors = kept.predicted - kept.actual
    rmse = trained.card["metrics"]["out_of_fold"]["rmse"]
    assert np.sqrt((errors**2).mean()) == pytest.approx(rmse)
    assert (
        kept.predicted.tobytes() != trained.model.predict(table.X[kept.rows.astype(int)]).tobytes()
    )


@pytest.mark.parametrize("loss", ["squared", "quantile"])
def test_the_card_has_coverage_at_many_levels_and_baselines(
    make_table: MakeTable, loss: str
) -> None:
    card: dict[str, Any] = train(make_table(rows=400, targets=2), replace(NETWORK, loss=loss)).card
    coverage = card["metrics"]["calibration"]["coverage_by_level"]
    assert (coverage["rows"], len(coverage["levels"])) == (40, 19)
    for shares in coverage["targets"].values():
        assert shares == sorted(shares)
    few = card["metrics"]["calibration"]["coverage_of_validation_rows"]["0.8"]
    at = coverage["levels"].index(0.8)
    assert few == {name: shares[at] for name, shares in coverage["targets"].items()}
    baselines = card["metrics"]["test"]["baselines"]
    assert baselines["linear"]["targets"]["u"]["rmse"] < 1e-6 < baselines["mean"]["rmse"]
