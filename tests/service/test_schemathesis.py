"""The whole API, tested by schemathesis against its own OpenAPI document.

Requests that the document allows must be accepted, others refused, and every response must be as
documented: first single requests, then sequences of requests along the document's links.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from schemathesis import Case, CheckContext, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.schemas import BaseSchema

from config import Settings
from registry import Registry
from service.app import create_app
from service.protocols.open_inference import JSON_LENGTH
from service.services import services_of
from service.web.bodies import JSON
from tests.service.small_models import serve, some_calibration, table_model
from tests.service.trained_app import TOKEN, trained_app

pytestmark = pytest.mark.slow

CONFIG: dict[str, Any] = {
    "seed": 1,
    "max-stream-events": 1,  # the stream of a job that no trainer runs never ends
    "generation": {"deterministic": True, "max-examples": 8, "database": "none"},
    # Its WSGI client does not decompress responses.
    "headers": {"Authorization": f"Bearer {TOKEN}", "Accept-Encoding": "identity"},
    "checks": {
        # DELETE cancels a job, which is still shown afterwards.
        "use_after_free": {"enabled": False},
        # It passes an unknown option to the WSGI client (schemathesis 4.32). test_admin_token.py
        # requests every endpoint that changes something without the token.
        "ignored_auth": {"enabled": False},
    },
    "operations": [
        {
            # Solver, loss and data have to fit together, which the schema does not express.
            "include-name": "POST /retrain",
            "checks": {
                "positive_data_acceptance": {
                    "expected-statuses": ["2xx", "403", "409", "422", "429"]
                }
            },
        },
        {
            # Finite values may be so large that the prediction is not finite, and there may be no
            # such version.
            "include-name": "POST /predict",
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "422"]}},
        },
        {
            # A level may be too high for the version, and a format may not have the form.
            "include-path-regex": r"/model\.",
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "422"]}
            },
        },
        {
            # The schema cannot say what a table is, which columns it has, or which tables there
            # are. `is_refused_for_its_table` checks that nothing else is refused.
            "include-path-regex": "^/data/",
            "checks": {
                "positive_data_acceptance": {
                    "expected-statuses": ["2xx", "403", "404", "409", "422", "429"]
                }
            },
        },
        {
            # The schema cannot relate values; `is_refused_for_a_relation` checks that.
            "include-path-regex": "^/invocations$|:predict$|/infer$",
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "400", "404"]}},
        },
        {
            # These are documented to be answered with 501.
            "include-path-regex": ":classify$|:regress$|/unload$",
            "checks": {"not_a_server_error": {"expected-statuses": ["2xx", "4xx", "501"]}},
        },
    ],
}

# The last alternative is about 2.0, which JSON Schema counts among the integers.
RELATIONS = re.compile(
    "as long as the others"  # columns
    r"|must be a date like \S+, got \\*\"[0-9]"  # a day that the month does not have
    "|the prediction is not finite|its prediction is not finite"
    "|is not nested as its shape|has [0-9,]+ values; expected"  # data and shape
    "|must have equally many rows"
    "|must be a list of [0-9]+ (numbers|values), got"  # as many as columns
    "|(missing|unknown) inputs|appears twice"  # a tensor instead of another one
    "|level must be at most"  # of the calibration rows
    "|has binary_data_size [0-9,]+, and 0 bytes are there"
    r"|must be a whole number( from [0-9,]+ to [0-9,]+)?, got .*\d\.\d"
    r"|has shape \[.*\d\.\d.*\]; expected"
)


@schemathesis.check
def is_refused_for_a_relation(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """Check that JSON allowed by the document is refused only for how its values are related."""
    meta = case.meta
    if (
        response.status_code == 400
        and meta
        and meta.generation.mode.is_positive
        and case.media_type == JSON
        and JSON_LENGTH not in (case.headers or {})
        and "{version}" not in case.path  # a version may have other features
    ):
        assert RELATIONS.search(response.text), response.text


@schemathesis.check
def is_refused_for_its_table(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """Check that `/data` never refuses a name or a query parameter that the document allows."""
    if (
        response.status_code == 422
        and case.path.startswith("/data/")
        and case.meta
        and case.meta.generation.mode.is_positive
    ):
        assert all("parameter" not in each for each in response.json()["errors"]), response.text


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseSchema]:
    app = trained_app(tmp_path_factory.mktemp("api"), versions=2)
    yield api_of(app)
    services_of(app).jobs.close()


def api_of(app: Flask) -> BaseSchema:
    return schemathesis.openapi.from_wsgi(
        "/openapi.json", app, config=SchemathesisConfig.from_dict(CONFIG)
    )


def test_requests_and_responses_match_the_openapi_document(api: BaseSchema) -> None:
    assert phases_without_failures(api) >= {"examples", "coverage", "fuzzing", "stateful"}


def test_rows_of_every_kind_of_column_match_the_openapi_document(tmp_path: Path) -> None:
    serve(Registry.local(tmp_path), table_model(), some_calibration())
    app = create_app(Settings(models=tmp_path, unseen_categories="refuse"))
    predictions = api_of(app).include(
        path_regex=r"^/(predict|invocations)$|name\}(:predict|/infer)$"
    )
    assert phases_without_failures(predictions) >= {"examples", "coverage", "fuzzing"}


def phases_without_failures(api: BaseSchema) -> set[str]:
    """Run all phases; raise an error for failed checks."""
    found: dict[str, str] = {}
    phases = set()
    for event in from_schema(api).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            raise AssertionError(event)
        if isinstance(event, events.ScenarioFinished):
            phases.add(event.phase.value)
            for checks in event.recorder.checks.values():
                for check in checks:
                    if check.failure_info:
                        failure = check.failure_info.failure
                        found.setdefault(
                            f"{failure.operation}: {failure.title}",
                            f"{failure.message}\n{check.failure_info.code_sample}",
                        )
    assert not found, "\n\n".join(f"{what}\n{how}" for what, how in found.items())
    return phases
