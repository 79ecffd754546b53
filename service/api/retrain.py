"""`/retrain`: submit, list, show, watch and cancel retraining jobs."""

from typing import Any

from flask import Blueprint, Response, request
from marshmallow import RAISE, Schema, ValidationError
from marshmallow.fields import Field

from config.model_names import EXPECTED, is_model_name
from network import NetworkError
from registry import Card
from service.api.job_schemas import JobDocument, JobEvent, JobList
from service.openapi.contract import BodySpec, JsonSchema, ResponseSpec, operation, ref
from service.services import services
from service.telemetry.request_context import RequestContext
from service.web.errors import InvalidInput, ModelNotFound
from service.web.field_errors import Error, shown
from service.web.fields import Flag, Number, Several, Text, Whole
from service.web.json_options import read_options
from service.web.model_header import refuse_model_header
from service.web.responses import json_response, reference_to
from service.web.tokens.authorization import (
    admin_only,
    check_admin,
    is_admin,
    may_read,
    may_read_all,
    without_hidden_models,
)
from trainer import jobs as trainer_jobs

blueprint = Blueprint("retrain", __name__, url_prefix="/retrain")

LISTED = 50
EXAMPLE = {
    "data": "sales.csv",
    "targets": ["revenue"],
    "layers": [32, 16],
    "solver": "auto",
    "seed": 1,
    "max_seconds": 60,
}
MAX_KEY_LENGTH = 255

_LINKS = {
    name: {"operationId": f"retrain.{name}", "parameters": {"job_id": "$response.body#/id"}}
    for name in ("show_job", "watch", "cancel")
}

_LOCATION = {"Location": "relative reference to the job"}
_EVENT: JsonSchema = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "changes whenever the job changes"},
        "event": {"const": "job"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": ref("JobEvent"),
        },
    },
    "required": ["id", "event", "data"],
}


def _field(option: trainer_jobs.Option) -> Field[Any]:
    """Return the field that takes the values of a recipe's option."""
    about = {"metadata": {"description": option.description}}
    match option.values:
        case trainer_jobs.Choice(names):
            return Text(*names, **about)
        case trainer_jobs.Integer(minimum, maximum):
            return Whole(minimum, maximum, **about)
        case trainer_jobs.Integers(trainer_jobs.Integer(minimum, maximum)):
            return Several(Whole(minimum, maximum), "whole numbers", **about)
        case trainer_jobs.Number(zero, below):
            return Number(zero=zero, below=below, **about)
        case trainer_jobs.Times():
            return Text(**about)


class ModelName(Text):
    """A name that a model can have."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if type(value) is not str or not is_model_name(value):
            raise ValidationError(f"must be {EXPECTED}, got {shown(value)}")
        return value


class RetrainBody(Schema):
    """The options of a retraining; omitted ones are as in the current version's training."""

    class Meta:
        unknown = RAISE
        include = {name: _field(option) for name, option in trainer_jobs.RECIPE_OPTIONS.items()}

    error_messages = {"unknown": "is unknown"}

    model = ModelName(
        metadata={
            "maxLength": 64,
            "description": f"the model to train, by default the default one: {EXPECTED}; `data` "
            "makes a model that does not exist",
        }
    )
    data = Text()
    targets = Several(Text(), "column names")
    features = Several(Text(), "column names")
    weights = Text()
    encoding = Text()
    categories = Several(Text(), "column names")
    missing = Text(*trainer_jobs.MISSING)
    samples = Whole(trainer_jobs.MIN_ROWS, trainer_jobs.MAX_SAMPLES)
    promote = Flag()
    force = Flag(
        metadata={"description": "train although data, recipe and code are the current version's"}
    )


@blueprint.post("")
@operation(
    {
        202: ResponseSpec("The job.", JobDocument, headers=_LOCATION, links=_LINKS),
        200: ResponseSpec(
            "The job that was submitted earlier with the same `Idempotency-Key`.",
            JobDocument,
            headers=_LOCATION,
        ),
    },
    "invalid-input",
    "job-active",
    body=BodySpec({"application/json": RetrainBody}, required=False, example=EXAMPLE),
    headers={
        "Idempotency-Key": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_KEY_LENGTH,
            "description": "requests with the same key return the same job",
        }
    },
)
@admin_only
def submit() -> Response:
    """Submit a retraining job; 409 while another job of the model is queued or running."""
    if "model" in request.args:
        raise _invalid({"parameter": "model", "detail": "is a member of the body here"})
    options = read_options(RetrainBody(), EXAMPLE)
    model = options.get("model", services().settings.model_name)
    check_admin(model)
    refuse_model_header(model, 'the body names a model: {"model": "NAME"}')
    if options.get("model") == services().settings.model_name:
        del options["model"]  # stored without a name, the request means the default for ever
    try:
        wanted = trainer_jobs.Request.like(_card_of(options), options)
    except (trainer_jobs.TrainerError, NetworkError) as error:
        raise _invalid(_error(str(error))) from None
    try:
        job, new = services().jobs.submit(
            wanted, asked=options, by="POST /retrain", key=_read_key()
        )
    except trainer_jobs.JobKeyReused as error:
        raise _invalid({"parameter": "Idempotency-Key", "detail": str(error)}) from None
    RequestContext.from_environ(request.environ).job = job.id
    response = json_response(job.whole_document, 202 if new else 200)
    response.headers["Location"] = reference_to(f"{blueprint.url_prefix}/{job.id}")
    return response


@blueprint.get("")
@operation(
    {200: ResponseSpec("The jobs.", JobList)},
    "service-unavailable",
    query={"model": {"type": "string", "description": "the model whose jobs are listed"}},
)
def list_jobs() -> Response:
    """List the newest jobs, newest first, without their loss histories."""
    model, whole = request.args.get("model"), is_admin()

    def is_wanted(name: str) -> bool:
        return model in (None, name) and may_read(name)

    everything = model is None and may_read_all()
    newest = services().jobs.newest(LISTED, None if everything else is_wanted)
    documents = [job.whole_document if whole else job.document for job in newest]
    for document in documents:
        document.pop("loss_history", None)
    return json_response({"jobs": documents})


@blueprint.get("/<job_id>")
@operation({200: ResponseSpec("The job.", JobDocument)}, "not-found", "service-unavailable")
def show_job(job_id: str) -> Response:
    """Show a job: its state, progress, losses and result.

    Errors contain the texts of a table's cells only if the request has the admin token.
    """
    job = services().jobs.get(job_id)
    return json_response(job.whole_document if is_admin() else job.document)


@blueprint.delete("/<job_id>")
@operation({200: ResponseSpec("The job.", JobDocument)}, "not-found", "job-finished")
@admin_only
def cancel(job_id: str) -> Response:
    """Cancel a job; a running one stops within two seconds."""
    return json_response(services().jobs.cancel(job_id).whole_document)


@blueprint.get("/<job_id>/events")
@operation(
    {
        200: ResponseSpec(
            "A stream of events, each with this schema.",
            _EVENT,
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store"},
        ),
        204: ResponseSpec(
            "The job is finished, and `Last-Event-ID` is its last event: do not reconnect."
        ),
    },
    "not-found",
    "service-unavailable",
    headers={
        "Last-Event-ID": {"type": "string", "description": "the id of the last event received"}
    },
    schemas=lambda version: {"JobEvent": JobEvent()},
)
def watch(job_id: str) -> Response:
    """Watch a job as server-sent events until it finishes.

    The first and the last event contain the whole job, those between only what changes.
    """
    job_events = services().job_events
    job = job_events.latest(job_id)
    last_event_id = request.headers.get("Last-Event-ID")
    if not job.active and last_event_id == str(job.revision):
        return Response(status=204)  # tells an EventSource not to reconnect
    return job_events.response(job, request.environ, whole=is_admin())


def _card_of(options: dict[str, Any]) -> Card:
    """Return the card of the current version of the model to train; empty if there is none.

    Raises
    ------
    InvalidInput
        nothing says what the model is to be trained on.
    """
    name = options.get("model")
    try:
        version = services().models.find(name).current_version.current()
        problem = f"model {name} has no current version"
    except ModelNotFound as error:
        version, problem = None, str(without_hidden_models(error))
    if version is None and name is not None and "data" not in options:
        detail = f"{problem}; give data to train its first version"
        raise _invalid({"pointer": "/model", "detail": detail})
    return version.card if version else {}


def _read_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 0 < len(key) <= MAX_KEY_LENGTH:
        detail = f"must have 1 to {MAX_KEY_LENGTH} characters"
        raise _invalid({"parameter": "Idempotency-Key", "detail": detail})
    return key


def _invalid(error: Error) -> InvalidInput:
    return InvalidInput([error], EXAMPLE)


def _error(detail: str) -> Error:
    """Return a message of the trainer, with a pointer to the field that it begins with."""
    field = detail.split(maxsplit=1)[0]
    return {"pointer": f"/{field}" if field in RetrainBody().fields else "", "detail": detail}
