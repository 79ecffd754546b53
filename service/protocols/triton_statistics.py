"""Statistics in Triton's format, from the counts of all server processes.

Source: Triton, docs/protocol/extension_statistics.md.
"""

from typing import Any

from service.openapi.json_schema import TEXT, WHOLE, array, by_name, closed
from service.telemetry.meter import totals
from service.telemetry.shared_counters import SharedCounters

_NOT_MEASURED = (
    "queue",
    "compute_input",
    "compute_infer",
    "compute_output",
    "cache_hit",
    "cache_miss",
)
_DURATION = closed({"count": WHOLE, "ns": WHOLE})
SHAPE = closed(
    {
        "model_stats": array(
            closed(
                {
                    "name": TEXT,
                    "version": TEXT,
                    "inference_count": WHOLE,
                    "execution_count": WHOLE,
                    "inference_stats": by_name(("success", "fail", *_NOT_MEASURED), _DURATION),
                    "batch_stats": array(_DURATION, most=0),
                }
            )
        )
    }
)


def counted_versions(counters: SharedCounters) -> set[str]:
    """Return the versions that had prediction requests since the service was started."""
    return {version for version, _ in totals(counters)["numnet_predictions"]}


def of_versions(counters: SharedCounters, name: str, versions: list[str]) -> dict[str, Any]:
    """Return the statistics of each version.

    An execution is a request, and an inference is a row, of any protocol. Times are from the
    complete request to the response; their parts are not measured, and are 0.
    """
    counted = totals(counters)
    requests, seconds = counted["numnet_predictions"], counted["numnet_prediction_seconds"]
    rows = counted["numnet_predicted_rows"]

    def duration(version: str, outcome: str) -> dict[str, int]:
        labels = (version, outcome)
        return {
            "count": int(requests.get(labels, 0)),
            "ns": int(1e9 * seconds.get(labels, 0)),
        }

    return {
        "model_stats": [
            {
                "name": name,
                "version": version,
                "inference_count": int(rows.get((version,), 0)),
                "execution_count": int(requests.get((version, "success"), 0)),
                "inference_stats": {
                    "success": duration(version, "success"),
                    "fail": duration(version, "fail"),
                    **{part: {"count": 0, "ns": 0} for part in _NOT_MEASURED},
                },
                "batch_stats": [],
            }
            for version in versions
        ]
    }
