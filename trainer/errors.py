"""What can keep a training from making a model.

TrainerError
├── DataError       a table that cannot be trained on; names what is wrong and where
├── RecipeError     options that make no training
└── TrainingFailed  the training diverged before it found anything better than its start
"""


class TrainerError(Exception):
    """Root of the package's errors."""


class DataError(TrainerError):
    """A table that cannot be trained on."""


class RecipeError(TrainerError):
    """Options that make no training."""


class TrainingFailed(TrainerError):
    """The training diverged before it found anything better than its start."""
