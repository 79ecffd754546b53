"""An ensemble of small networks and a linear model, for tables with noise."""

from network.ensemble.ensemble import Ensemble
from network.ensemble.parts import Linear, Networks
from network.ensemble.piecewise_linear import Ramps
from network.ensemble.weights import Shape, Weights

__all__ = ["Ensemble", "Linear", "Networks", "Ramps", "Shape", "Weights"]
