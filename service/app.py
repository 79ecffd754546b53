"""The application factory."""

import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import BinaryIO
from wsgiref.types import WSGIEnvironment

from flask import Flask, Response, request
from flask.ctx import RequestContext as FlaskRequestContext

from config import Settings
from registry import Models, StorageError
from service.api import data, docs, health, metrics, models, predict, retrain
from service.api.exports import endpoint as exports
from service.api.job_events import JobPoller
from service.api.one_row import PlainRow
from service.api.reports import endpoints as reports
from service.dashboard import dashboard
from service.first_training import FirstTraining
from service.model.asked_model import AskedModel
from service.model.model_cache import ModelCache
from service.openapi.document import Documents
from service.protocols import error_formats, mlflow, model_repository, open_inference, tf_serving
from service.server.application import FastPath, GroupOf, OpenUpload
from service.server.wsgi_bridge import Headers
from service.services import Services
from service.telemetry.request_context import RequestContext
from service.telemetry.telemetry import Telemetry
from service.web import cors, error_handlers, hosts, security_headers
from service.web.tokens import authorization
from service.web.tokens.global_tokens import GlobalTokens
from trainer.jobs import DataFolder, Jobs

log = logging.getLogger(__name__)

_TABLES = "/data/"

LIVENESS_PATHS = frozenset({"/livez", "/v2/health/live"})
READINESS_PATHS = frozenset({"/readyz", "/ping", "/health", "/v2/health/ready"})


class Application(Flask):
    """Flask, with what the server asks of it besides WSGI.

    Attributes
    ----------
    fast_path : responds to plain rows, on the event loop
    is_quick : whether a path can be answered on the event loop, without I/O
    open_upload : the file for the body of an administrator's upload
    group_of : the model that a request asks for, so that a flood of one leaves room to others; the
        tables, whose checks take seconds, are a group of their own
    stop_streams : ends all event streams
    spared_paths : accepted when the queue for threads is full
    readiness_paths : not ready when every thread is blocked
    error_document : returns status, media type and body of an error response
    """

    fast_path: FastPath
    is_quick: Callable[[str], bool]
    group_of: GroupOf
    open_upload: OpenUpload
    stop_streams: Callable[[], None]
    spared_paths = READINESS_PATHS | {"/metrics"}
    readiness_paths = READINESS_PATHS
    error_document = staticmethod(error_formats.error_document)

    def request_context(self, environ: WSGIEnvironment) -> FlaskRequestContext:
        """Answer a path with a slash at its end as the path without."""
        RequestContext.from_environ(environ)  # which keeps the path as it was sent
        path: str = environ["PATH_INFO"]
        if path.endswith("/") and not path.endswith("//"):
            environ["PATH_INFO"] = path[:-1] or "/"
        return super().request_context(environ)


def create_app(settings: Settings, telemetry: Telemetry | None = None) -> Application:
    """Return the WSGI application that serves the models in the folder `settings.models`.

    It starts without a model, and with a folder that is read-only or missing.

    Parameters
    ----------
    telemetry : of this server process; by default one that shares its counters with no other
    """
    app = Application(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.url_map.merge_slashes = False  # `/models//1` is not found, not redirected
    app.url_map.converters["model"] = models.ModelConverter
    app.url_map.converters["version"] = models.VersionConverter
    app.url_map.converters["word"] = tf_serving.WordConverter
    services = _services(app, settings, telemetry or Telemetry.of_single_process())
    services.register(app)
    _register_blueprints(app)
    dashboard.register(app)
    error_handlers.register(app, services.first_training.progress)
    error_formats.register(app)
    cors.register(app, settings.cors_origins)
    security_headers.register(app)
    hosts.register(app, settings.hosts)
    app.before_request(_note_route)
    tokens = authorization.register(app, settings, _model_of_job(services))
    app.after_request(_add_request_id)
    current_version = services.models.default.current_version
    app.fast_path = PlainRow(services.models, tokens.is_reader, any_host=not settings.hosts).answer
    app.group_of = _group_of(AskedModel(services.models))
    app.open_upload = _open_upload(settings, tokens)
    app.stop_streams = services.job_events.stop
    app.is_quick = lambda path: (
        # a token may have to be read from a file
        (not tokens.restricts_reading or path in authorization.OPEN_PATHS)
        and (
            path in LIVENESS_PATHS
            or (path in READINESS_PATHS and current_version.if_unchanged() is not None)
        )
    )
    current_version.refresh()  # so that the first request need not wait for the load
    _warn_of_hidden_model(settings)
    return app


def _services(app: Flask, settings: Settings, telemetry: Telemetry) -> Services:
    models = ModelCache(
        Models.local(settings.models, settings.model_name),
        telemetry.meter,
        settings.models_in_memory,
        refuse_unseen=settings.unseen_categories == "refuse",
    )
    jobs = Jobs(settings.jobs_url, default_model=settings.model_name)
    return Services(
        settings=settings,
        telemetry=telemetry,
        models=models,
        jobs=jobs,
        job_events=JobPoller(jobs),
        first_training=FirstTraining(jobs),
        documents=Documents(app),
    )


def _warn_of_hidden_model(settings: Settings) -> None:
    """Log that the default model hides another one, which has the same name."""
    with suppress(StorageError):  # requests will report it
        if Models.local(settings.models, settings.model_name).has_hidden():
            log.warning(
                "the versions in the folder %s of the models are not served: NUMNET_MODEL_NAME "
                "gives its name to the default model, whose versions are beside it",
                settings.model_name,
            )


def _group_of(asked_model: AskedModel) -> GroupOf:
    def group_of(path: str, headers: Headers) -> str:
        if path.startswith(_TABLES):
            return _TABLES  # no model has this name
        return asked_model.name(path, headers)

    return group_of


def _open_upload(settings: Settings, tokens: GlobalTokens) -> OpenUpload:
    folder = DataFolder(settings.data)

    def open_upload(context: RequestContext, fields: Mapping[bytes, bytes]) -> BinaryIO | None:
        if context.method not in ("POST", "PUT"):
            return None
        given = [fields.get(name, b"").decode("latin-1") for name in (b"authorization", b"cookie")]
        if not tokens.may_upload(context.client, *given):
            return None  # the endpoint refuses it
        return folder.open_unnamed()

    return open_upload


def _model_of_job(services: Services) -> Callable[[str], str]:
    def model_of_job(job_id: str) -> str:
        return str(services.jobs.get(job_id).document["model"])

    return model_of_job


def _register_blueprints(app: Flask) -> None:
    """Register every subject's endpoints; the OpenAPI document lists them in this order."""
    app.register_blueprint(predict.blueprint)
    app.register_blueprint(mlflow.blueprint)
    app.register_blueprint(models.blueprint)
    app.register_blueprint(reports.blueprint)
    app.register_blueprint(exports.blueprint)
    app.register_blueprint(retrain.blueprint)
    app.register_blueprint(data.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)
    app.register_blueprint(open_inference.blueprint)
    app.register_blueprint(model_repository.blueprint)
    app.register_blueprint(tf_serving.blueprint)
    app.register_blueprint(docs.blueprint)


def _note_route() -> None:
    """Note the rule that matched, without converters: `/models/<version>`."""
    rule = request.url_rule
    route = re.sub(r"<\w+:", "<", rule.rule) if rule else None
    RequestContext.from_environ(request.environ).route = route


def _add_request_id(response: Response) -> Response:
    response.headers["X-Request-ID"] = RequestContext.from_environ(request.environ).request_id
    return response
