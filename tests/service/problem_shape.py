"""The shape of every error response."""

import json
import re
from collections.abc import Mapping
from typing import Any


def assert_problem(
    status: int,
    body: bytes,
    headers: Mapping[str, str],
    *,
    expected: int,
    type_: str | None = None,
) -> dict[str, Any]:
    """Check a response against RFC 9457, and return the document."""
    assert status == expected, body
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["X-Request-ID"]
    document: dict[str, Any] = json.loads(body)
    assert document["status"] == expected
    assert re.fullmatch(r"/problems/[a-z-]+", document["type"])
    assert type_ in (None, document["type"])
    assert document["title"]
    assert document["detail"]
    assert "Traceback" not in body.decode()
    members = {"type", "title", "status", "detail"}
    if expected == 422:
        members |= {"errors", "example"}
        assert 1 <= len(document["errors"]) <= 20
        for error in document["errors"]:
            assert error.keys() in ({"pointer", "detail"}, {"parameter", "detail"})
            assert error["detail"]
    if document["type"] in ("/problems/job-active", "/problems/job-finished"):
        members |= {"job"}
        link = re.fullmatch('<(.+)>; rel="related"', headers["Link"])
        assert link
        assert document["job"].endswith(f"/{link[1].removeprefix('retrain/')}")
    assert document.keys() == members
    return document
