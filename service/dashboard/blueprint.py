"""The blueprint of all pages, and the decorator that makes a page and its JSON twin of one view."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from flask import Blueprint, Response, render_template

from service.dashboard import layout
from service.dashboard.browser_errors import prefers_page
from service.dashboard.policy import page_response
from service.dashboard.static_files import StaticFiles
from service.openapi.contract import JsonSchema, ResponseSpec, operation
from service.web.responses import compress, json_response
from service.web.tokens.authorization import open_to_all

blueprint = Blueprint("dashboard", __name__, template_folder="templates")
static_files = StaticFiles.of_dashboard()

Data = Mapping[str, Any]
View = Callable[..., Data]
V = TypeVar("V", bound=Callable[..., Any])

JSON_SUFFIX = ".json"
_MODEL_QUERY = {
    "model": {"type": "string", "description": "the model's name, by default the default model"}
}


def twin_operation(query: Mapping[str, JsonSchema] | None = None) -> Callable[[V], V]:
    """Describe a view that returns the JSON of a page.

    Parameters
    ----------
    query : JSON Schemas of its parameters besides `model`
    """
    shown = ResponseSpec("What the page shows; it may change with the page.", {"type": "object"})
    problems = ("not-found", "version-refused", "no-model", "service-unavailable")
    return operation({200: shown}, *problems, query={**_MODEL_QUERY, **(query or {})})


def page(
    path: str,
    template: str,
    *,
    twin: str = "",
    query: Mapping[str, JsonSchema] | None = None,
    index: Callable[[], Data] | None = None,
) -> Callable[[View], View]:
    """Serve a view's data as a page at a path, and as JSON at the path with `.json`.

    The endpoints are `dashboard.NAME` and `dashboard.NAME_json`, of which `scopes` must know. The
    view's docstring describes the JSON in the OpenAPI document.

    Parameters
    ----------
    template : gets the members of the data, and what `layout` adds
    twin : the path of the JSON, if it is not the path with `.json`
    query : JSON Schemas of its parameters besides `model`
    index : returns what clients get as JSON that do not prefer HTML; by default they get the page
    """

    def register(view: View) -> View:
        name = view.__name__

        @wraps(view)
        def as_page(**arguments: Any) -> Response:
            if index and not prefers_page():
                response = json_response(dict(index()))
                response.vary.add("Accept")
                return response
            data = view(**arguments)
            return page_response(render_template(template, models=layout.models(), **data))

        @wraps(view)
        def as_json(**arguments: Any) -> Response:
            return compress(json_response(dict(view(**arguments))))

        as_json = twin_operation(query)(as_json)
        blueprint.add_url_rule(path, name, as_page)
        blueprint.add_url_rule(twin or path + JSON_SUFFIX, f"{name}_json", as_json)
        return view

    return register


@blueprint.get("/static/<digest>/<path:file>")
@open_to_all
def static(digest: str, file: str) -> Response:
    """Return a file of the pages. It may be kept forever, because its path has its hash."""
    return static_files.response(digest, file)
