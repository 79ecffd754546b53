"""The prediction requests of one model, as all server processes have counted them."""

from dataclasses import dataclass

from service.telemetry.meter import totals
from service.telemetry.metric_families import BUCKET_BOUNDS
from service.telemetry.model_labels import own_label
from service.telemetry.shared_counters import SharedCounters


@dataclass(frozen=True)
class Traffic:
    """Counts since the start of the service.

    Attributes
    ----------
    requests : answered
    failed : those of them with a status of 400 or more
    refused : of all models: rejected by the server, because it is overloaded or they are malformed
    rows : predicted
    unfamiliar : of them, unlike all training rows
    out_of_range : values outside the range seen in training
    bounds : of the durations, in seconds
    durations : the number of requests by duration: up to each bound, and longer
    """

    requests: int
    failed: int
    refused: int
    rows: int
    unfamiliar: int
    out_of_range: int
    bounds: tuple[float, ...]
    durations: list[int]


def traffic_of(counters: SharedCounters, model: str) -> Traffic:
    """Return the traffic of a model; the 101st model and later ones have none of their own."""
    counted, label = totals(counters), own_label(model)
    requests = {key: n for key, n in counted["numnet_requests"].items() if key[3] == label}
    durations = counted["numnet_request_duration_seconds"].items()
    bounds = [*map(str, BUCKET_BOUNDS), "+Inf"]

    def total(family: str) -> int:
        return int(sum(n for key, n in counted[family].items() if key[0] == label))

    return Traffic(
        requests=int(sum(requests.values())),
        failed=int(sum(n for key, n in requests.items() if int(key[4]) >= 400)),
        refused=int(sum(counted["numnet_requests_refused"].values())),
        rows=total("numnet_predicted_rows"),
        unfamiliar=total("numnet_unfamiliar_rows"),
        out_of_range=total("numnet_out_of_range_values"),
        bounds=BUCKET_BOUNDS,
        durations=[
            int(sum(n for key, n in durations if key[3] == label and key[4] == bound))
            for bound in bounds
        ],
    )
