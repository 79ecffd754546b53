"""Which Host headers are accepted."""

import pytest

from tests.service.conftest import MakeClient
from tests.service.problem_shape import assert_problem
from tests.service.small_models import FEATURES

ROW = dict.fromkeys(FEATURES, 0.5)


@pytest.mark.parametrize(
    "host", ["a.example", "A.EXAMPLE", "a.example:8000", "a.example:", "[::1]:8000", "[::1]"]
)
def test_configured_host_is_answered(make_client: MakeClient, host: str) -> None:
    client = make_client(hosts=("a.example", "[::1]"))
    assert client.get("/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["b.example", "a.example.evil", "127.0.0.1:8000", "[::2]", "", ":80", "a.example:x"]
)
def test_other_host_is_421_except_for_probes(make_client: MakeClient, host: str) -> None:
    client = make_client(hosts=("a.example", "[::1]"))
    response = client.get("/models", headers={"Host": host})
    assert_problem(response.status_code, response.data, dict(response.headers), expected=421)
    assert "names ," not in response.text
    assert client.post("/predict", json=ROW, headers={"Host": host}).status_code == 421
    assert client.get("/livez", headers={"Host": host}).status_code == 200
    assert client.get("/readyz", headers={"Host": host}).status_code == 503
