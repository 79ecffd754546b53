"""The application factory."""

import re
from collections.abc import Callable
from wsgiref.types import WSGIEnvironment

from flask import Flask, Response, request

from registry import Registry, Settings
from service import (
    browsers,
    dialects,
    docs,
    errors,
    health,
    invocations,
    metrics_page,
    models,
    openapi,
    predict,
    request_log,
    retrain,
    tf_serving,
    v2,
)
from service.admin import AdminToken
from service.events import Watchers
from service.live import LiveModel
from service.plain_row import PlainRow
from service.versions import Versions
from trainer.jobs import Jobs


class Application(Flask):
    """Flask, and what can be answered without a thread for it.

    Attributes
    ----------
    at_once : the short way for plain rows
    quick_paths : addresses that are answered at once, too, as they say how the process is
    spared_paths : addresses that are not refused when too many requests wait
    """

    at_once: Callable[[WSGIEnvironment, bytes], tuple[bytes, bytes] | None]
    quick_paths = frozenset(
        {"/livez", "/readyz", "/ping", "/health", "/v2/health/live", "/v2/health/ready"}
    )
    spared_paths = frozenset({"/metrics"})


def create_app(settings: Settings) -> Application:
    """The WSGI application that serves the models in `settings.models`.

    Starts without a model, and with a folder that is read-only or missing.
    """
    app = Application(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["MODEL_NAME"] = settings.model_name
    app.url_map.merge_slashes = False  # `/models//1` is not found, not redirected
    app.url_map.converters["version"] = models.VersionConverter
    app.url_map.converters["word"] = tf_serving.WordConverter
    registry = Registry.local(settings.models)
    live = LiveModel(registry)
    jobs = Jobs(settings.jobs_url)
    app.extensions |= {
        "registry": registry,
        "live_model": live,
        "versions": Versions(registry, live),
        "admin_token": AdminToken(settings),
        "jobs": jobs,
        "watchers": Watchers(jobs),
        "openapi": openapi.Document(app),
    }

    app.register_blueprint(predict.blueprint)
    app.register_blueprint(invocations.blueprint)
    app.register_blueprint(models.blueprint)
    app.register_blueprint(retrain.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics_page.blueprint)
    app.register_blueprint(v2.blueprint)
    app.register_blueprint(tf_serving.blueprint)
    app.register_blueprint(openapi.blueprint)
    app.register_blueprint(docs.blueprint)
    errors.register(app)
    dialects.register(app)
    browsers.register(app, settings)
    app.before_request(_note_route)
    app.after_request(_add_request_id)
    app.at_once = PlainRow(live, any_host=not settings.hosts).answer

    live.current()  # so that the first request need not wait for the model
    return app


def _note_route() -> None:
    """As people write it: `/models/<version>`, whatever converts the version."""
    rule = request.url_rule
    route = re.sub(r"<\w+:", "<", rule.rule) if rule else None
    request_log.note(request.environ, route=route)


def _add_request_id(response: Response) -> Response:
    response.headers["X-Request-ID"] = request_log.request_id(request.environ)
    return response
