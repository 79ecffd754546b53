"""Bodies of 16 MiB: valid ones with as many rows as possible, and hostile ones.

A hostile body is small when it is sent, because it is compressed, or becomes much larger when it is
parsed.
"""

import gzip
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

MAX_BYTES = 16 * 1024 * 1024
NAMES = ("x1", "x2", "x3", "x4")
JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
OPEN_INFERENCE = "/v2/models/numnet/infer"


@dataclass(frozen=True)
class Body:
    """A request's body.

    Attributes
    ----------
    make : returns it, not compressed
    hostile : whether it is to be refused; it is sent compressed
    """

    path: str
    media_type: str
    make: Callable[[], bytes]
    hostile: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    def request(self) -> bytes:
        """Return the whole HTTP request."""
        body = self.make()
        if len(body) > MAX_BYTES:
            raise ValueError(f"the body has {len(body)} bytes")
        headers = {"Host": "127.0.0.1", "Connection": "close", "Content-Type": self.media_type}
        headers |= self.headers
        if self.hostile:
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {self.path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def _filled(start: str, item: str, end: str, separator: str = ",") -> Callable[[], bytes]:
    """Return a function that repeats the item as often as possible."""
    count = (MAX_BYTES - len(start) - len(end)) // (len(item) + len(separator))
    return (start + separator.join([item] * count) + end).encode


def _npy(dtype: str) -> Callable[[], bytes]:
    def make() -> bytes:
        file = io.BytesIO()
        kind = np.dtype(dtype)
        rows = (MAX_BYTES - 1024) // (kind.itemsize * len(NAMES))
        np.save(file, np.zeros((rows, len(NAMES)), kind))
        return file.getvalue()

    return make


def _unknown_names() -> bytes:
    return json.dumps(dict.fromkeys(map(str, range(1_200_000)), 0)).encode()


def _header_of_names() -> bytes:
    return ",".join(map(str, range(1_500_000))).encode() + b"\n1\n"


_LIST, _OBJECT = "[0,1,0,1]", json.dumps(dict.fromkeys(NAMES, 1), separators=(",", ":"))
_HEADER = ",".join(NAMES) + "\n"
_CSV = _filled(_HEADER, "0,1,0,1", "\n", "\n")
_INSTANCES = '{"instances":[', "]}"

BODIES = {
    "JSON, lists": Body("/predict", JSON, _filled(_INSTANCES[0], _LIST, _INSTANCES[1])),
    "JSON, objects": Body("/predict", JSON, _filled(_INSTANCES[0], _OBJECT, _INSTANCES[1])),
    "CSV": Body("/predict", CSV, _CSV),
    "CSV, answered as CSV": Body("/predict", CSV, _CSV, headers={"Accept": CSV}),
    "NumPy, int8": Body("/predict", NPY, _npy("i1")),
    "NumPy, float64": Body("/predict", NPY, _npy("f8")),
    "JSON Lines": Body("/invocations", "application/jsonlines", _filled("", _LIST, "", "\n")),
    "MLflow, records": Body("/invocations", JSON, _filled('{"dataframe_records":[', _OBJECT, "]}")),
    "TF Serving, lists": Body(
        "/v1/models/numnet:predict", JSON, _filled(_INSTANCES[0], _LIST, _INSTANCES[1])
    ),
    "rows without names": Body(
        "/predict", JSON, _filled(_INSTANCES[0], '{"":0}', _INSTANCES[1]), hostile=True
    ),
    "empty lists": Body(
        "/predict", JSON, _filled(_INSTANCES[0], "[]", _INSTANCES[1]), hostile=True
    ),
    "one row of unknown names": Body("/predict", JSON, _unknown_names, hostile=True),
    "tensors": Body(
        OPEN_INFERENCE, JSON, _filled('{"inputs":[', '{"name":"a"}', "]}"), hostile=True
    ),
    "100,000 tensors": Body(
        OPEN_INFERENCE, JSON, lambda: b'{"inputs":[' + b"{}," * 99_999 + b"{}]}", hostile=True
    ),
    "CSV, a header of names": Body("/predict", CSV, _header_of_names, hostile=True),
    "CSV, one endless row": Body("/predict", CSV, _filled(_HEADER, "10", ""), hostile=True),
    "CSV, short rows": Body("/predict", CSV, _filled(_HEADER, "1", "\n", "\n"), hostile=True),
    "JSON Lines, numbers": Body(
        "/invocations", "application/jsonlines", _filled("", "1", "", "\n"), hostile=True
    ),
}
