"""The whole API as its own document describes it, asked with everything that schemathesis makes up.

Requests that the document allows have to be taken, others refused, and every answer has to be as it
says; single requests first, then chains of them along the document's links.
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

CONFIG: dict[str, Any] = {
    "seed": 1,
    "max-stream-events": 1,  # the stream of a job that no worker does has no end
    "generation": {"deterministic": True, "max-examples": 15, "database": "none"},
    # its WSGI client leaves compressed answers as they are
    "headers": {"Authorization": f"Bearer {TOKEN}", "Accept-Encoding": "identity"},
    "checks": {
        # DELETE cancels a job, and the job goes on to be told of
        "use_after_free": {"enabled": False},
        # its probe gives the WSGI client an option that it does not know (schemathesis 4.32);
        # tests/service/web/test_admin_token.py asks without the token for whatever changes anything
        "ignored_auth": {"enabled": False},
    },
    "operations": [
        {
            # solver, loss and data have to go together, which JSON Schema could say at length only
            "include-name": "POST /retrain",
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["2xx", "403", "409", "422"]}
            },
        },
        {
            # finite values may be so large that the prediction is not; how large is the model's
            "include-name": "POST /predict",
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "422"]}},
        },
        {
            # how values go together is beyond JSON Schema: `is_refused_for_a_reason` has the rest
            "include-path-regex": "^/invocations$|:predict$|/infer$",
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "400", "404"]}},
        },
        {
            # what is not supported is documented to be answered 501
            "include-path-regex": ":classify$|:regress$|/unload$",
            "checks": {"not_a_server_error": {"expected-statuses": ["2xx", "4xx", "501"]}},
        },
    ],
}

RELATIONS = re.compile(
    "as long as the others"  # columns
    "|the prediction is not finite|its prediction is not finite"
    "|is nested in another way than|has [0-9,]+ values; expected"  # data and shape
    "|must have equally many rows"
    "|(missing|unknown) inputs|appears twice"  # the same tensor again, in place of another
    "|level must be at most"  # that of the rows that the model was calibrated on
    "|has binary_data_size [0-9,]+, and 0 bytes are there"
    r"|must be (a list of one or two sizes|a whole number), got .*\d\.\d"  # 2.0 is whole there
)


@schemathesis.check
def is_refused_for_a_reason(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """JSON that the document allows is refused for how its values go together alone."""
    meta = case.meta
    if (
        response.status_code == 400
        and meta
        and meta.generation.mode.is_positive
        and case.media_type == JSON
        and JSON_LENGTH not in (case.headers or {})
        and "{version}" not in case.path  # whose features may be others
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


def test_every_request_and_every_answer_is_as_the_document_says(api: BaseSchema) -> None:
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
