"""What the training of an ensemble reports while it runs, and what it returns."""

from dataclasses import dataclass

from network import Array
from network.ensemble.gaussian_process import GaussianProcess
from network.ensemble.parts import Linear, Networks
from network.ensemble.weights import Floats
from trainer.ensemble.data import Integers


@dataclass(frozen=True)
class Losses:
    """Losses of a model in one epoch: the means over its members, see `EpochLosses`."""

    train: float
    held_out: float


@dataclass(frozen=True)
class Progress:
    """The state of a training after an epoch.

    Attributes
    ----------
    epoch, epochs : the number of the epoch, from 1, and the limit, which shrinks if time is short
    seconds : since the start of the training
    losses : of each model that was trained in this epoch
    best : the least held-out loss of each model so far
    """

    epoch: int
    epochs: int
    seconds: float
    losses: dict[str, Losses]
    best: dict[str, float]


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained ensemble.

    Attributes
    ----------
    networks : the models of networks, by name
    process : the Gaussian process, unless there are too many rows or inputs
    linear, linear_out_of_fold : the linear model, unless there are too many rows and inputs, and
        its predictions (n, K) of the rows in `judged`
    stack : the weight of each model for each target, (K,), not negative; they sum to 1
    judged : (n,), increasing: the rows with predictions out of fold, at most `Plan.judged_rows`
    out_of_fold : (n, K) float32, the stack of the means of the members that did not see the row
    histories, best_epochs : of each model of networks, all losses, and the epoch of its weights
    notes : what was shrunk or left out, as sentences
    """

    networks: dict[str, Networks]
    process: GaussianProcess | None
    linear: Linear | None
    linear_out_of_fold: Floats | None
    stack: dict[str, Array]
    judged: Integers
    out_of_fold: Floats
    histories: dict[str, list[Losses]]
    best_epochs: dict[str, int]
    notes: list[str]
