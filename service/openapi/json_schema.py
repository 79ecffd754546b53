"""Functions that make JSON Schemas, for bodies that marshmallow schemas cannot describe."""

from collections.abc import Iterable, Mapping
from typing import Any

from service.openapi.contract import JsonSchema

NUMBER: JsonSchema = {"type": "number", "format": "double"}
WHOLE: JsonSchema = {"type": "integer", "minimum": 0}
TEXT: JsonSchema = {"type": "string"}
FLAG: JsonSchema = {"type": "boolean"}
NULL: JsonSchema = {"type": "null"}
CELL: JsonSchema = {"type": ["number", "string", "boolean", "null"]}  # of any table


def lenient(
    required: Mapping[str, JsonSchema], optional: Mapping[str, JsonSchema] | None = None
) -> JsonSchema:
    """Return the schema of an object with these members; others are ignored."""
    members = {"type": "object", "properties": {**required, **(optional or {})}}
    return {**members, "required": list(required)} if required else members


def closed(
    required: Mapping[str, JsonSchema], optional: Mapping[str, JsonSchema] | None = None
) -> JsonSchema:
    """Return the schema of an object with these members and no others."""
    return {**lenient(required, optional), "additionalProperties": False}


def by_name(names: Iterable[str] | None, item: JsonSchema) -> JsonSchema:
    """Return the schema of an object with one member per name; with any names if they are None."""
    if names is None:
        return {"type": "object", "minProperties": 1, "additionalProperties": item}
    return closed(dict.fromkeys(names, item))


def array(items: JsonSchema, least: int = 0, most: int | None = None) -> JsonSchema:
    """Return the schema of a list of `least` to `most` items."""
    limits = {"minItems": least} | ({} if most is None else {"maxItems": most})
    return {"type": "array", "items": items, **limits}


def row_of(*items: JsonSchema) -> JsonSchema:
    """Return the schema of a list of exactly these items, in order."""
    count = len(items)
    return {"type": "array", "prefixItems": list(items), "minItems": count, "maxItems": count}


def any_of(*alternatives: JsonSchema) -> JsonSchema:
    """Return the schema of a value that matches at least one of these."""
    return {"anyOf": list(alternatives)}


def or_null(schema: JsonSchema) -> JsonSchema:
    """Return the schema of an optional member, which may also be null."""
    return any_of(schema, NULL)


def one_of(values: tuple[str, ...] | None) -> JsonSchema:
    """Return the schema of one of these strings; of any nonempty string if they are None."""
    return {"type": "string", "enum": list(values)} if values else {**TEXT, "minLength": 1}


def same(value: Any) -> JsonSchema:
    """Return the schema of exactly this value."""
    return {"const": value}
