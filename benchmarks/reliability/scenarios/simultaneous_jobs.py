"""Many simultaneous POST /retrain, of which one is accepted."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from benchmarks.installation import Installation, Service
from benchmarks.reliability.scenarios.versions import publish_first


def run(folder: Path, count: int) -> dict[int, int]:
    """Return the number of responses with each status."""
    with Installation(folder) as installation:
        publish_first(installation.registry)
        service = installation.start_service()
        barrier = threading.Barrier(count)
        with ThreadPoolExecutor(count) as pool:
            posts = [pool.submit(_post, service, barrier) for _ in range(count)]
            statuses = Counter(each.result() for each in posts)
        return dict(sorted(statuses.items()))


def _post(service: Service, barrier: threading.Barrier) -> int:
    """Connect, wait for the others, and return the status of the job's request."""
    with requests.Session() as session:
        session.get(f"{service.url}/livez", timeout=30)
        barrier.wait()
        response = session.post(f"{service.url}/retrain", headers=service.admin_headers, timeout=60)
        return response.status_code
