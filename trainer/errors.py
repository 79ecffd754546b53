"""What can keep a training from making a model.

TrainerError
├── DataError       a table that cannot be trained on; names what is wrong and where
├── RecipeError     options that make no training
├── CheckpointError a checkpoint that cannot be written or read
└── TrainingFailed  nothing better than the random start was found
"""


class TrainerError(Exception):
    """Root of the package's errors."""


class DataError(TrainerError):
    """A table that cannot be trained on."""


class RecipeError(TrainerError):
    """Options that make no training."""


class CheckpointError(TrainerError):
    """A checkpoint that cannot be written or read."""


class TrainingFailed(TrainerError):
    """Nothing better than the random start was found."""
