"""Statistics in Triton's format, from the counts of all server processes.

Source: Triton, docs/protocol/extension_statistics.md.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from service.openapi.json_schema import TEXT, WHOLE, array, by_name, closed
from service.telemetry.meter import totals
from service.telemetry.metric_families import OTHER
from service.telemetry.model_labels import model_of
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


class Statistics:
    """The counts since the service was started, of all server processes.

    An execution is a request, and an inference is a row, of any protocol. Times are from the
    complete request to the response; their parts are not measured, and are 0.
    """

    def __init__(self, counters: SharedCounters) -> None:
        self._labels = counters.labels
        counted = totals(counters)
        self._requests = counted["numnet_predictions"]
        self._seconds = counted["numnet_prediction_seconds"]
        self._rows = counted["numnet_predicted_rows"]

    def versions(self) -> dict[str, set[str]]:
        """Return the versions that had prediction requests, by model."""
        found: dict[str, set[str]] = {}
        for label, version, _ in self._requests:
            if (model := model_of(label)) is not None:
                found.setdefault(model, set()).add(version)
        return found

    def of(self, versions: Mapping[str, Iterable[str]]) -> dict[str, Any]:
        """Return the statistics of versions by model.

        A model that is counted together with others is left out.
        """
        return {
            "model_stats": [
                self._of_version(model, label, version)
                for model, numbers in versions.items()
                if (label := self._labels.label(model)) != OTHER
                for version in sorted(numbers, key=int)
            ]
        }

    def _of_version(self, model: str, label: str, version: str) -> dict[str, Any]:
        def duration(outcome: str) -> dict[str, int]:
            labels = (label, version, outcome)
            return {
                "count": int(self._requests.get(labels, 0)),
                "ns": int(1e9 * self._seconds.get(labels, 0)),
            }

        success = duration("success")
        return {
            "name": model,
            "version": version,
            "inference_count": int(self._rows.get((label, version), 0)),
            "execution_count": success["count"],
            "inference_stats": {
                "success": success,
                "fail": duration("fail"),
                **{part: {"count": 0, "ns": 0} for part in _NOT_MEASURED},
            },
            "batch_stats": [],
        }
