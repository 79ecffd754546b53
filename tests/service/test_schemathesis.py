"""The whole API, tested by schemathesis against its own OpenAPI document.

Requests that the document allows must be accepted, others refused, and every response must be as
documented: first single requests, then sequences of requests along the document's links.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from schemathesis import Case, CheckContext, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.schemas import BaseSchema

from service.protocols.open_inference import JSON_LENGTH
from service.services import services_of
from service.web.bodies import JSON
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
                "positive_data_acceptance": {"expected-statuses": ["2xx", "403", "409", "422"]}
            },
        },
        {
            # Finite values may be so large that the prediction is not finite.
            "include-name": "POST /predict",
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "422"]}},
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
    "|the prediction is not finite|its prediction is not finite"
    "|is not nested as its shape|has [0-9,]+ values; expected"  # data and shape
    "|must have equally many rows"
    "|(missing|unknown) inputs|appears twice"  # a tensor instead of another one
    "|level must be at most"  # of the calibration rows
    "|has binary_data_size [0-9,]+, and 0 bytes are there"
    r"|must be (a list of one or two sizes|a whole number( from [0-9,]+ to [0-9,]+)?), got .*\d\.\d"
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


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseSchema]:
    app = trained_app(tmp_path_factory.mktemp("api"), versions=2)
    api = schemathesis.openapi.from_wsgi(
        "/openapi.json", app, config=SchemathesisConfig.from_dict(CONFIG)
    )
    yield api
    services_of(app).jobs.close()


def test_requests_and_responses_match_the_openapi_document(api: BaseSchema) -> None:
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
    assert phases >= {"examples", "coverage", "fuzzing", "stateful"}
