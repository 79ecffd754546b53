"""What every error response has, whatever it is about."""

from email.utils import parsedate_to_datetime

from tests.service.server.harness.client import Response


def assert_common_headers(response: Response) -> None:
    """Check the headers of an error."""
    assert response.headers["X-Request-ID"]
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert parsedate_to_datetime(response.headers["Date"]).tzinfo is not None
    assert response.headers["Server"] == "numnet"
    names = [name.lower() for name, _ in response.lines]
    assert len(names) == len(set(names))
