"""A clock that tests set."""


class Clock:
    """A clock that stands still until a test sets it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds
