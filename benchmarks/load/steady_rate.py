"""The same request at a steady rate over one kept-alive connection, with its latencies."""

import http.client
import time

import numpy as np
from numpy.typing import NDArray

TIMEOUT_SECONDS = 10


def send_steadily(
    port: int, rate: float, seconds: float, *, path: str, body: bytes | None = None
) -> NDArray[np.float64]:
    """Send requests and return when each was due and how long it took.

    A request that follows a slow one counts from when it was due, not from when it was sent.

    Parameters
    ----------
    rate : requests per second
    body : JSON of a POST request; without it, GET requests are sent

    Returns
    -------
    (requests, 2) : when it was due, as `time.time` counts, and its latency in ms, which is
        infinite if the status is not 200
    """
    method = "POST" if body else "GET"
    headers = {"Content-Type": "application/json"} if body else {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    begun, latencies = time.time(), []
    for number in range(int(seconds * rate)):
        due = begun + number / rate
        time.sleep(max(0.0, due - time.time()))
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            response.read()
            succeeded = response.status == 200
        except (OSError, http.client.HTTPException):
            connection.close()
            succeeded = False
        latencies.append((due, 1000.0 * (time.time() - due) if succeeded else np.inf))
    connection.close()
    return np.array(latencies)
