"""marshmallow fields that accept only JSON's own types: `"1"` is no number, and `1` no boolean.

`json_schema` describes a field in the OpenAPI document.
"""

import math
from typing import Any

from marshmallow import ValidationError, fields

from service.web.field_errors import shown

NUMBERS = {float, int}


class FiniteNumber(fields.Field[float]):
    """A JSON number, as the nearest float64: no string, boolean, null, NaN or infinity."""

    json_schema: dict[str, Any] = {"type": "number", "format": "double"}
    default_error_messages = {
        "required": "is missing",
        "null": "must be a finite number, got null",
        "invalid": "must be a finite number, got {input}",
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> float:
        if type(value) not in NUMBERS or not math.isfinite(value):
            raise self.make_error("invalid", input=shown(value))
        return float(value)


class Number(FiniteNumber):
    """A finite number above 0, or from 0 if `zero`, and below `below`."""

    def __init__(self, *, zero: bool = False, below: float = math.inf, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._zero, self._below = zero, below
        self._expected = f"must be {'0 or more' if zero else 'above 0'}"
        if below < math.inf:
            self._expected += f" and below {below:g}"
        self.json_schema = {"type": "number", "minimum" if zero else "exclusiveMinimum": 0}
        if below < math.inf:
            self.json_schema["exclusiveMaximum"] = below

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> float:
        number = super()._deserialize(value, attr, data, **kwargs)
        if not 0 <= number < self._below or (number == 0 and not self._zero):
            raise ValidationError(f"{self._expected}, got {value}")
        return number


class Whole(fields.Field[int]):
    """A whole number in a range, written without a decimal point."""

    def __init__(self, least: int, greatest: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._least, self._greatest = least, greatest
        self._expected = f"must be a whole number from {least:,} to {greatest:,}"
        self.error_messages |= {"null": f"{self._expected}, got null"}
        self.json_schema = {"type": "integer", "minimum": least, "maximum": greatest}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if type(value) is not int or not self._least <= value <= self._greatest:
            raise ValidationError(f"{self._expected}, got {shown(value)}")
        return value


class Flag(fields.Field[bool]):
    """true or false."""

    json_schema: dict[str, Any] = {"type": "boolean"}
    default_error_messages = {"null": "must be true or false, got null"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if type(value) is not bool:
            raise ValidationError(f"must be true or false, got {shown(value)}")
        return value


class Text(fields.Field[str]):
    """A nonempty string; one of the choices, if there are any."""

    def __init__(self, *choices: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._choices = choices
        self._expected = (
            f"must be one of {', '.join(choices)}"
            if choices
            else "must be a string that is not empty"
        )
        self.error_messages |= {"null": f"{self._expected}, got null"}
        self.json_schema = {"type": "string"} | (
            {"enum": list(choices)} if choices else {"minLength": 1}
        )

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if type(value) is not str or not value or (self._choices and value not in self._choices):
            raise ValidationError(f"{self._expected}, got {shown(value)}")
        return value


class Several(fields.List[Any]):
    """A list; `what` names its items in messages."""

    def __init__(self, of: fields.Field[Any], what: str, **kwargs: Any) -> None:
        super().__init__(of, **kwargs)
        self._expected = f"must be a list of {what}"
        self.error_messages |= {"null": f"{self._expected}, got null"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        if type(value) is not list:
            raise ValidationError(f"{self._expected}, got {shown(value)}")
        return super()._deserialize(value, attr, data, **kwargs)
