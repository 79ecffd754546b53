"""`GET /models/{v}/evaluation` and `GET /models/{v}/report`."""

from flask import Blueprint, Response

from export.report.evaluation import evaluate_version
from registry import Version
from service.api.models import VERSION
from service.api.reports.schemas import EVALUATION
from service.model.version_cache import parse_version
from service.openapi.contract import ResponseSpec, operation
from service.services import services
from service.web.responses import compress, json_response

blueprint = Blueprint("reports", __name__, url_prefix="/models")

_PROBLEMS = ("not-found", "version-refused", "service-unavailable")


@blueprint.get("/<version:version>/evaluation")
@blueprint.get("/<model:name>/<version:version>/evaluation")
@operation({200: ResponseSpec("The evaluation.", EVALUATION)}, *_PROBLEMS, path=VERSION)
def evaluation(version: str, name: str | None = None) -> Response:
    """Show how good a version is, as numbers to draw: losses, predicted and actual values.

    A version of an earlier release lacks some of them, which are empty.
    """
    loaded = _load(version, name)
    document = evaluate_version(loaded.card, loaded.held_out).as_json()
    return compress(
        json_response({"version": version, "targets": list(loaded.model.targets), **document})
    )


def _load(version: str, name: str | None) -> Version:
    """Read a version's file: what is drawn of it is not kept in memory.

    Raises
    ------
    VersionNotFound, VersionRefused, StorageError
    """
    return services().models.find(name).registry.load(parse_version(version))
