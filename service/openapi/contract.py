"""How an endpoint is described for the OpenAPI document, next to its view.

A test ensures that every view is described. `openapi.document` adds the problems that any request,
any body and any admin endpoint can lead to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from marshmallow import Schema, fields

from service.model.loaded_version import LoadedVersion

MODEL_NAME = "ModelName"  # the schema of a model's name; the document defines it

JsonSchema = dict[str, Any]
# A marshmallow schema; JSON Schema for what marshmallow cannot express; or a function that makes it
# for a version's features and targets, and for any version when it is called with None.
Shape = type[Schema] | JsonSchema | Callable[[LoadedVersion | None], JsonSchema]

V = TypeVar("V", bound=Callable[..., Any])


class JsonSchemaField(fields.Field[Any]):
    """A member of a response, described in JSON Schema."""

    def __init__(self, json_schema: JsonSchema, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.json_schema = json_schema


@dataclass(frozen=True)
class ResponseSpec:
    """A response of an endpoint.

    Attributes
    ----------
    shape : of the body; None if there is no body
    media_type : of the body
    others : the shapes of other media types that the caller may ask for
    headers : the descriptions of headers besides `X-Request-ID`
    example : a body
    links : OpenAPI link objects by name: requests that may follow
    """

    description: str
    shape: Shape | None = None
    media_type: str = "application/json"
    others: Mapping[str, Shape] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    example: Any = None
    links: Mapping[str, JsonSchema] = field(default_factory=dict)


@dataclass(frozen=True)
class BodySpec:
    """The request body of an endpoint.

    Attributes
    ----------
    shapes : by media type
    required : False if the body is optional
    example : a valid body
    """

    shapes: Mapping[str, Shape]
    required: bool = True
    example: Any = None


@dataclass(frozen=True)
class Dialect:
    """The error format of another server's protocol.

    Attributes
    ----------
    shape : of the error document
    document : makes the error document from a status and a message
    statuses : replacements for statuses that the protocol does not use
    """

    shape: Shape
    document: Callable[[int, str], Mapping[str, Any]]
    statuses: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """The description of an endpoint.

    Attributes
    ----------
    responses : by status: the successes, and errors that are not problem documents
    problems : the types of problem, as in `web.problems`
    dialect : the format of errors; None for problem documents
    body : the request body; None if the endpoint reads none
    path, query, headers : JSON Schemas of the parameters by name; a parameter in the path that is
        missing here is a string
    schemas : makes the named schemas that shapes refer to with `ref`
    """

    responses: Mapping[int, ResponseSpec]
    problems: tuple[str, ...] = ()
    dialect: Dialect | None = None
    body: BodySpec | None = None
    path: Mapping[str, JsonSchema] = field(default_factory=dict)
    query: Mapping[str, JsonSchema] = field(default_factory=dict)
    headers: Mapping[str, JsonSchema] = field(default_factory=dict)
    schemas: Callable[[LoadedVersion | None], Mapping[str, Schema | JsonSchema]] = lambda _: {}

    def of_version(self, version: LoadedVersion | None) -> "Operation":
        """Return the description with the shapes for a version; for any version if it is None."""

        def shaped(shape: Any) -> Any:
            return shape if isinstance(shape, type) or not callable(shape) else shape(version)

        def response(spec: ResponseSpec) -> ResponseSpec:
            others = {kind: shaped(shape) for kind, shape in spec.others.items()}
            return replace(spec, shape=shaped(spec.shape), others=others)

        responses = {status: response(spec) for status, spec in self.responses.items()}
        shapes = self.body and {kind: shaped(each) for kind, each in self.body.shapes.items()}
        body = self.body and replace(self.body, shapes=shapes or {})
        return replace(self, responses=responses, body=body)


def operation(
    responses: Mapping[int, ResponseSpec], *problems: str, **description: Any
) -> Callable[[V], V]:
    """Describe a view; the arguments are the fields of `Operation`."""

    def describe(view: V) -> V:
        vars(view)["operation"] = Operation(responses, problems, **description)
        return view

    return describe


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """Return the description of a view; None if it has none."""
    return vars(view).get("operation")


def ref(name: str) -> JsonSchema:
    """Return a reference to a named schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}
