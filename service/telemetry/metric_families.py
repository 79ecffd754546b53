"""The metrics that server processes count: names, help texts, labels and label values."""

from dataclasses import dataclass

BUCKET_BOUNDS = (  # seconds
    *(k * 10.0**n for n in (-4, -3, -2, -1, 0) for k in (1.0, 2.5, 5.0)),
    10.0,
)
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
OTHER = "other"  # any other method, route or model, so that clients cannot create time series
REFUSAL_REASONS = ("deadline", "malformed", "overloaded", "slow")
_DIALECTS = {"v1": "tf-serving", "v2": "v2"} | dict.fromkeys(
    ("invocations", "ping", "health", "version"), "mlflow"
)


@dataclass(frozen=True)
class Family:
    """A metric family: the time series of one name.

    Attributes
    ----------
    kind : counter, gauge or histogram; a gauge is the sum over the processes that are running
    help : the HELP text of the exposition format
    labels : label names, in order
    """

    kind: str
    help: str
    labels: tuple[str, ...] = ()


_ROUTE = ("method", "route", "dialect", "model")  # only prediction requests are of a model
FAMILIES = {
    "numnet_requests": Family("counter", "Requests answered.", (*_ROUTE, "status")),
    "numnet_request_duration_seconds": Family(
        "histogram", "Time from the complete request to the response.", _ROUTE
    ),
    "numnet_requests_refused": Family(
        "counter",
        "Requests rejected by the server: timed out, malformed, overloaded or sent too slowly.",
        ("reason",),
    ),
    "numnet_requests_in_flight": Family("gauge", "Requests in a thread or queued for one."),
    "numnet_predictions": Family(
        "counter", "Prediction requests, by model version.", ("model", "version", "outcome")
    ),
    "numnet_prediction_seconds": Family(
        "counter", "Total time of prediction requests.", ("model", "version", "outcome")
    ),
    "numnet_predicted_rows": Family("counter", "Rows predicted.", ("model", "version")),
    "numnet_out_of_range_values": Family(
        "counter", "Input values outside the range seen in training.", ("model", "feature")
    ),
    "numnet_unseen_categories": Family(
        "counter",
        "Input values that are categories not seen in training.",
        ("model", "feature"),
    ),
    "numnet_unfamiliar_rows": Family("counter", "Rows unlike all training rows.", ("model",)),
    "numnet_model_loads": Family(
        "counter", "Versions loaded; every server process counts its own.", ("model",)
    ),
    "numnet_model_refusals": Family(
        "counter", "Promotions refused; every server process counts its own.", ("model",)
    ),
    "numnet_models_in_memory_bytes": Family(
        "gauge",
        "Memory of the models besides the default, in all server processes, after the last load.",
    ),
    "numnet_worker_starts": Family("counter", "Server processes started."),
}


def dialect(route: str | None) -> str:
    """Return the protocol that a route belongs to."""
    return OTHER if route is None else _DIALECTS.get(route.split("/")[1], "native")
