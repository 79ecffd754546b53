"""The report of a training, as text."""

from dataclasses import replace

import numpy as np
import pytest

from network.column import numbers
from trainer.command_line.report import report_version
from trainer.data.table import Table
from trainer.training.recipe import Recipe
from trainer.training.training import train


@pytest.mark.slow
def test_the_report_says_if_the_confidence_of_the_error_is_unknown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    table = Table(numbers("ab"), ("y",), X, rng.normal(size=(40, 1)), "made")
    outcome = {"version": 1, "state": "published", "verdict": {"reason": "none"}}
    recipe = Recipe(solver="ensemble", max_seconds=1e6)
    for weight, expected in [(1.0, "(95 % confidence: "), (1e12, "(confidence unknown, because ")]:
        weights = np.append(np.ones(39), weight)
        trained = train(replace(table, weights=weights, weights_name="w"), recipe)
        with pytest.raises(SystemExit):
            report_version(outcome, trained, as_json=False)
        assert expected in capsys.readouterr().out
