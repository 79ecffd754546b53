"""The result of a training."""

from dataclasses import dataclass
from typing import Any

from network import Array, Calibration, Predictor
from registry import HeldOut
from trainer.training.watchdog import Stopped


@dataclass(frozen=True, eq=False)
class Trained:
    """A model ready to be published.

    Attributes
    ----------
    card : as `make_card` returns it
    golden_inputs : (a few, features) float64, rows of the table
    calibration : of prediction intervals, from rows that the model was not trained on
    held_out : rows that the model was not trained on, with their predictions
    seconds : the duration of the training
    """

    model: Predictor
    card: dict[str, Any]
    golden_inputs: Array
    calibration: Calibration
    held_out: HeldOut
    stopped: Stopped
    seconds: float

    @property
    def metrics(self) -> dict[str, Any]:
        """Return MSE, RMSE, MAE and R² on rows that the model was not trained on."""
        return main_metrics(self.card)


def main_metrics(card: dict[str, Any]) -> dict[str, Any]:
    """Return the metrics by which a card judges its model: out of fold, else on the test rows."""
    by_rows = card["metrics"]
    metrics: dict[str, Any] = by_rows.get("out_of_fold") or by_rows["test"]
    return metrics
