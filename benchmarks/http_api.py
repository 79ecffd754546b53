"""Requests to a running service, as an operator sends them."""

from typing import Any
from urllib.parse import urljoin

import requests

from benchmarks.waiting import DEADLINE_SECONDS, wait_until

TOKEN = "a-token-of-benchmarks"
TIMEOUT_SECONDS = 30


class Api:
    """The HTTP API of a service on a port of the loopback interface.

    Parameters
    ----------
    token : its admin token
    """

    def __init__(self, port: int, token: str = TOKEN) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.admin_headers = {"Authorization": f"Bearer {token}"}

    def lives(self, path: str = "/livez") -> bool:
        """Return whether it answers with 200."""
        try:
            return requests.get(self.url + path, timeout=5).ok
        except requests.ConnectionError:
            return False

    def ready(self) -> bool:
        """Return whether it has a model."""
        return self.lives("/readyz")

    def get(self, path: str) -> Any:
        """Return a JSON document; raise `requests.HTTPError` for an error status."""
        response = requests.get(self.url + path, timeout=TIMEOUT_SECONDS)
        response.raise_for_status()
        return response.json()

    def post(self, path: str, document: Any = None) -> requests.Response:
        """Send a request with the admin token."""
        return requests.post(
            self.url + path, json=document, headers=self.admin_headers, timeout=TIMEOUT_SECONDS
        )

    def delete(self, path: str) -> requests.Response:
        """Send a request with the admin token."""
        return requests.delete(self.url + path, headers=self.admin_headers, timeout=TIMEOUT_SECONDS)

    def retrain(self, **options: Any) -> str:
        """Start a retraining job and return its path."""
        response = self.post("/retrain", options)
        if response.status_code != 202:
            raise RuntimeError(response.text)
        return urljoin("/retrain", response.headers["Location"])

    def finished(self, job: str, seconds: float = DEADLINE_SECONDS) -> dict[str, Any]:
        """Wait until a job has finished and return its document."""
        document: dict[str, Any] = {}

        def has_finished() -> bool:
            nonlocal document
            document = self.get(job)
            return document["state"] not in ("queued", "running")

        wait_until(has_finished, seconds, every=0.5)
        return document
