"""What can be wrong with a network or with what it is given.

NetworkError
├── ArchitectureError   layers or an activation that make no network
├── ScalingError        data that cannot be scaled
├── LossError           a loss with a parameter out of its range
├── InputError          an array that does not fit the model
└── LevelError          a level that no interval can have
"""


class NetworkError(ValueError):
    """Root of the package's errors."""


class ArchitectureError(NetworkError):
    """Layers or an activation that make no network."""


class ScalingError(NetworkError):
    """Data that cannot be scaled."""


class LossError(NetworkError):
    """A loss with a parameter out of its range."""


class InputError(NetworkError):
    """An array that does not fit the model."""


class LevelError(NetworkError):
    """A level that no interval can have."""
