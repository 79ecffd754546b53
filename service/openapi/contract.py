"""What the OpenAPI document says of an endpoint, declared beside its view.

A view without it is missing in the document, which a test forbids. `service.openapi.document` adds
what goes without saying: the problems that any request, any body and any admin endpoint can meet.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from marshmallow import Schema, fields

from service.model.loaded_version import LoadedVersion

JsonSchema = dict[str, Any]
# A JSON Schema where marshmallow has no words for it; a function of the version in use where its
# features and targets matter, which is asked without one where the address names any version.
Shape = type[Schema] | JsonSchema | Callable[[LoadedVersion | None], JsonSchema]

V = TypeVar("V", bound=Callable[..., Any])


class Described(fields.Field[Any]):
    """A member of an answer, in the words of JSON Schema."""

    def __init__(self, json_schema: JsonSchema, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.json_schema = json_schema


@dataclass(frozen=True)
class Answer:
    """One way in which an endpoint answers.

    Attributes
    ----------
    description : for the caller
    shape : of the body; None where there is none
    media_type : of the body
    others : shapes by media type, where the caller may ask for another one
    headers : what each header beside `X-Request-ID` says
    example : of the body
    links : OpenAPI's link objects by name: what can be asked next
    """

    description: str
    shape: Shape | None = None
    media_type: str = "application/json"
    others: Mapping[str, Shape] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    example: Any = None
    links: Mapping[str, JsonSchema] = field(default_factory=dict)


@dataclass(frozen=True)
class Body:
    """What an endpoint takes.

    Attributes
    ----------
    shapes : by media type
    required : False where it may be left out
    example : a body that would be taken
    """

    shapes: Mapping[str, Shape]
    required: bool = True
    example: Any = None


@dataclass(frozen=True)
class Dialect:
    """How a protocol of other servers words errors.

    Attributes
    ----------
    shape : of its error document
    document : the error document of a status and a message
    statuses : in place of those that it does not have
    """

    shape: Shape
    document: Callable[[int, str], Mapping[str, Any]]
    statuses: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """An endpoint's contract.

    Attributes
    ----------
    answers : by status; the successes, and errors that are no problem documents
    problems : the last part of each problem's `type`, as `service.web.problems` lists them
    dialect : where errors are worded in it, and are no problem documents
    body : what it takes, if it reads a body at all
    path, query, headers : the JSON Schema of each parameter, by name; those in the path, which may
        be left out here, are strings unless more is known
    schemas : makes named schemas from the version in use, None where there is none, that shapes
        refer to with `ref`
    """

    answers: Mapping[int, Answer]
    problems: tuple[str, ...] = ()
    dialect: Dialect | None = None
    body: Body | None = None
    path: Mapping[str, JsonSchema] = field(default_factory=dict)
    query: Mapping[str, JsonSchema] = field(default_factory=dict)
    headers: Mapping[str, JsonSchema] = field(default_factory=dict)
    schemas: Callable[[LoadedVersion | None], Mapping[str, Schema | JsonSchema]] = lambda _: {}

    def of(self, version: LoadedVersion | None) -> "Operation":
        """The same with the shapes that it has for a version; for any where it is None."""

        def shaped(shape: Any) -> Any:
            return shape if isinstance(shape, type) or not callable(shape) else shape(version)

        def answer(of: Answer) -> Answer:
            others = {kind: shaped(shape) for kind, shape in of.others.items()}
            return replace(of, shape=shaped(of.shape), others=others)

        answers = {status: answer(each) for status, each in self.answers.items()}
        shapes = self.body and {kind: shaped(each) for kind, each in self.body.shapes.items()}
        body = self.body and replace(self.body, shapes=shapes or {})
        return replace(self, answers=answers, body=body)


def operation(answers: Mapping[int, Answer], *problems: str, **contract: Any) -> Callable[[V], V]:
    """Describe a view; the arguments are the fields of `Operation`."""

    def describe(view: V) -> V:
        vars(view)["operation"] = Operation(answers, problems, **contract)
        return view

    return describe


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """What a view was described with."""
    return vars(view).get("operation")


def ref(name: str) -> JsonSchema:
    """A reference to one of the document's named schemas."""
    return {"$ref": f"#/components/schemas/{name}"}
