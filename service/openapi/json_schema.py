"""The few words of JSON Schema that endpoints describe bodies with where marshmallow has none."""

from collections.abc import Iterable, Mapping
from typing import Any

from service.openapi.contract import JsonSchema

NUMBER: JsonSchema = {"type": "number", "format": "double"}
WHOLE: JsonSchema = {"type": "integer", "minimum": 0}
TEXT: JsonSchema = {"type": "string"}
FLAG: JsonSchema = {"type": "boolean"}
NULL: JsonSchema = {"type": "null"}


def lenient(
    required: Mapping[str, JsonSchema], optional: Mapping[str, JsonSchema] | None = None
) -> JsonSchema:
    """An object with these members, and maybe others that mean nothing."""
    members = {"type": "object", "properties": {**required, **(optional or {})}}
    return {**members, "required": list(required)} if required else members


def closed(
    required: Mapping[str, JsonSchema], optional: Mapping[str, JsonSchema] | None = None
) -> JsonSchema:
    """An object of these members and no others."""
    return {**lenient(required, optional), "additionalProperties": False}


def by_name(names: Iterable[str] | None, item: JsonSchema) -> JsonSchema:
    """An object with such a member under each of these names; any, where they are not known."""
    if names is None:
        return {"type": "object", "minProperties": 1, "additionalProperties": item}
    return closed(dict.fromkeys(names, item))


def array(items: JsonSchema, least: int = 0, most: int | None = None) -> JsonSchema:
    """A list of so many items."""
    limits = {"minItems": least} | ({} if most is None else {"maxItems": most})
    return {"type": "array", "items": items, **limits}


def row_of(*items: JsonSchema) -> JsonSchema:
    """A list of one item after the other."""
    count = len(items)
    return {"type": "array", "prefixItems": list(items), "minItems": count, "maxItems": count}


def any_of(*alternatives: JsonSchema) -> JsonSchema:
    """What is one of these, or several."""
    return {"anyOf": list(alternatives)}


def or_null(schema: JsonSchema) -> JsonSchema:
    """The same or null, which is as good as leaving it out."""
    return any_of(schema, NULL)


def one_of(values: tuple[str, ...] | None) -> JsonSchema:
    """One of these strings; any that is not empty, where they are not known."""
    return {"type": "string", "enum": list(values)} if values else {**TEXT, "minLength": 1}


def same(value: Any) -> JsonSchema:
    """This value alone."""
    return {"const": value}
