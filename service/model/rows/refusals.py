"""The exceptions for requests that are wrong, with a valid row as an example."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.web.errors import MAX_ERRORS, InvalidInput, PredictionNotFinite
from service.web.field_errors import Error, shown


@dataclass(frozen=True)
class Refusals:
    """Makes the exceptions for the requests to one model.

    Attributes
    ----------
    example : a valid row
    """

    example: Mapping[str, Any]

    def invalid(self, errors: list[Error]) -> InvalidInput:
        """Return the exception for wrong values, with the first of these errors."""
        return InvalidInput(errors[:MAX_ERRORS], self.example, complete=len(errors) < MAX_ERRORS)

    def not_an_object(self, document: Any) -> InvalidInput:
        """Return the exception for a JSON body that is not an object."""
        detail = f"must be an object: one row, or `instances` with many; got {shown(document)}"
        return self.invalid([{"pointer": "", "detail": detail}])

    def unknown_parameters(self, names: list[str]) -> InvalidInput:
        """Return the exception for unknown query parameters."""
        detail = "is not a query parameter"
        return self.invalid([{"parameter": name, "detail": detail} for name in names])

    def wrong_parameter(self, name: str, detail: str) -> InvalidInput:
        """Return the exception for a query parameter with a wrong value."""
        return self.invalid([{"parameter": name, "detail": detail}])

    def not_finite(self, rows: list[int], many: bool) -> PredictionNotFinite:
        """Return the exception for rows whose predictions overflow."""
        detail = "is too far outside the range seen in training: the prediction is not finite"
        errors = [
            {"pointer": f"/instances/{row}" if many else "", "detail": detail} for row in rows
        ]
        return PredictionNotFinite(rows, errors, self.example)
