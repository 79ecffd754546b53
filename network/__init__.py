"""The mathematics of small neural networks, with NumPy: no files, clock, global state or logs."""

from network.activations import ACTIVATIONS
from network.architecture import MAX_LAYERS, MAX_PARAMETERS, Architecture
from network.arrays import Array
from network.assessment import Assessment, RowAssessment
from network.column import UNSEEN, Column, numbers, ranges
from network.conformal import Calibration
from network.derivatives.backpropagation import Backpropagation
from network.derivatives.jacobian import Jacobian
from network.encoding import Encoding
from network.ensemble.ensemble import Ensemble
from network.ensemble.error_scale import ErrorScale
from network.errors import (
    ArchitectureError,
    InputError,
    LevelError,
    LossError,
    NetworkError,
    ScalingError,
)
from network.explanation.explanation import Explainer, Explanation, explain
from network.familiarity import Familiarity
from network.initialization import initial_parameters
from network.loss import LOSSES, Huber, Loss, Quantile, Squared
from network.model import Model
from network.predictor import Predictor
from network.rows import Rows
from network.scaling import Scaling

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "MAX_LAYERS",
    "MAX_PARAMETERS",
    "UNSEEN",
    "Architecture",
    "ArchitectureError",
    "Array",
    "Assessment",
    "Backpropagation",
    "Calibration",
    "Column",
    "Encoding",
    "Ensemble",
    "ErrorScale",
    "Explainer",
    "Explanation",
    "Familiarity",
    "Huber",
    "InputError",
    "Jacobian",
    "LevelError",
    "Loss",
    "LossError",
    "Model",
    "NetworkError",
    "Predictor",
    "Quantile",
    "RowAssessment",
    "Rows",
    "Scaling",
    "ScalingError",
    "Squared",
    "explain",
    "initial_parameters",
    "numbers",
    "ranges",
]
