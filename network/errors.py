"""What can be wrong with a network or with its input.

NetworkError
├── ArchitectureError   layers or an activation that are not allowed
├── ScalingError        data that cannot be scaled
├── LossError           a parameter of a loss that is out of its range
├── InputError          an array that does not fit the model
└── LevelError          a level that no prediction interval can have
"""


class NetworkError(ValueError):
    """Root of the package's errors."""


class ArchitectureError(NetworkError):
    """Layers or an activation that are not allowed."""


class ScalingError(NetworkError):
    """Data that cannot be scaled."""


class LossError(NetworkError):
    """A parameter of a loss that is out of its range."""


class InputError(NetworkError):
    """An array that does not fit the model."""


class LevelError(NetworkError):
    """A level that no prediction interval can have."""
