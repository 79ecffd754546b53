"""The errors that an endpoint can raise; `error_handlers` knows their HTTP statuses.

ServiceError
├── InvalidInput             values in the request are wrong
│   └── PredictionNotFinite  rows are so far out of range that their predictions overflow
├── InvalidInference         values in a request of the Open Inference Protocol are wrong
├── NoModel                  there is no current version
├── NoIntervals              the version cannot make prediction intervals
├── ModelNotFound            there is no model with this name
├── NotSupported             a part of another server's protocol that is not implemented
├── Unauthorized             the token is missing
├── Forbidden                the token is wrong, or lacks a right
├── TooManyWrongTokens       the client has to wait before its next token is looked at
├── AdminUnavailable         this service has no admin token
├── TokensUnavailable        the file of tokens has a mistake since this process was started
├── TooManyWatchers          the limit of open event streams is reached
├── DataFolderUnavailable    the data folder cannot be read or written
├── DataFolderFull           the disk of the data folder has no room
└── Misdirected              the Host header names another service
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Self

MAX_ERRORS = 20  # listed in one response
MAX_MODELS = 10  # likewise


class ServiceError(Exception):
    """Root of the package's errors."""


class InvalidInput(ServiceError):
    """Values in the request are wrong.

    Attributes
    ----------
    errors : one entry per wrong value: where it is (`pointer`, RFC 6901, or `parameter`), and
        `detail`, what is wrong with it
    complete : whether these are all errors; False if there may be more
    example : a valid body
    """

    def __init__(
        self, errors: list[dict[str, str]], example: Mapping[str, Any], complete: bool = True
    ) -> None:
        super().__init__(f"{len(errors)} values are wrong")
        self.errors = errors
        self.complete = complete
        self.example = example


class PredictionNotFinite(InvalidInput):
    """Rows are so far outside the range seen in training that their predictions overflow.

    Attributes
    ----------
    rows : the first of them, from 0
    """

    def __init__(
        self, rows: list[int], errors: list[dict[str, str]], example: Mapping[str, Any]
    ) -> None:
        super().__init__(errors[:MAX_ERRORS], example, complete=len(errors) < MAX_ERRORS)
        self.rows = rows[:MAX_ERRORS]


class InvalidInference(ServiceError):
    """Values in a request of the Open Inference Protocol are wrong."""


class NoModel(ServiceError):
    """There is no current version.

    Attributes
    ----------
    model : whose
    """

    def __init__(self, message: str, model: str = "") -> None:
        super().__init__(message)
        self.model = model


class NoIntervals(ServiceError):
    """The version cannot make prediction intervals."""


class ModelNotFound(ServiceError):
    """There is no model with this name.

    Attributes
    ----------
    name : as it was asked for
    others : the models that the message names or counts
    """

    def __init__(self, message: str, name: str = "", others: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.name = name
        self.others = others

    @classmethod
    def among(cls, name: str, others: Sequence[str]) -> Self:
        """Return the error that says which models there are, or which have similar names."""
        known = f"there {'is' if len(others) == 1 else 'are'} {', '.join(others)}"
        if not 0 < len(others) <= MAX_MODELS:
            names = get_close_matches(name, others, MAX_MODELS)
            known = f"similar: {', '.join(names)}" if names else "GET /models lists them"
        return cls(f"there is no model {name[:64]}; {known}", name, others)


class NotSupported(ServiceError):
    """A part of another server's protocol that is not implemented."""


class Unauthorized(ServiceError):
    """The token is missing."""


class Forbidden(ServiceError):
    """The token is wrong, or lacks a right."""


class TooManyWrongTokens(ServiceError):
    """The client has sent too many wrong tokens.

    Attributes
    ----------
    wait_seconds : how long it has to wait before its next token is looked at
    """

    def __init__(self, wait_seconds: float) -> None:
        super().__init__("too many wrong tokens came from this address; retry later")
        self.wait_seconds = wait_seconds


class AdminUnavailable(ServiceError):
    """This service has no admin token."""


class TokensUnavailable(ServiceError):
    """The file of tokens has had a mistake since this process was started."""


class TooManyWatchers(ServiceError):
    """The limit of open event streams is reached."""


class DataFolderUnavailable(ServiceError):
    """The data folder cannot be read or written."""


class DataFolderFull(ServiceError):
    """The disk of the data folder has no room."""


class Misdirected(ServiceError):
    """The Host header names another service."""
