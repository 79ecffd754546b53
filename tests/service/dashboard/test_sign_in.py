"""Signing in: the cookie, its protection against other sites, and pages that need a token."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from registry import Registry
from service.web.tokens.wrong_tokens import FREE_ATTEMPTS
from tests.service.conftest import ADMIN, TOKEN, MakeClient
from tests.service.dashboard.test_pages import BROWSER
from tests.service.small_models import FEATURES, serve, small_model
from tests.service.web.tokens.token_files import line

READ_TOKEN = "a-read-t0ken-of-tests"
OWN = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}
ROW = dict.fromkeys(FEATURES, 0.5)


def sign_in(client: FlaskClient, token: str = TOKEN, **form: str) -> TestResponse:
    return client.post("/sign-in", data={"token": token, **form}, headers=OWN)


@pytest.fixture
def open_client(registry: Registry, make_client: MakeClient) -> FlaskClient:
    """A client of a service in which reading needs no token."""
    serve(registry, small_model())
    serve(registry, small_model())
    return make_client()


@pytest.fixture
def guarded(registry: Registry, make_client: MakeClient) -> FlaskClient:
    """A client of a service that has a read token."""
    serve(registry, small_model())
    return make_client(read_token=READ_TOKEN)


def test_cookie_cannot_be_read_by_scripts_and_is_not_sent_by_other_sites(
    open_client: FlaskClient,
) -> None:
    answer = sign_in(open_client)
    assert answer.status_code == 303
    cookie = answer.headers["Set-Cookie"]
    name, *attributes = cookie.split("; ")
    assert name.startswith("numnet-token=")
    assert TOKEN not in cookie
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes)
    assert "Secure" not in attributes
    assert "Domain" not in cookie


def test_cookie_of_a_page_with_https_is_sent_with_https_alone(open_client: FlaskClient) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": "https://localhost"}
    answer = open_client.post("/sign-in", data={"token": TOKEN}, headers=headers)
    assert "Secure" in answer.headers["Set-Cookie"].split("; ")


def test_services_on_two_ports_of_a_host_have_cookies_of_their_own(
    open_client: FlaskClient,
) -> None:
    names = set()
    for host in ("localhost:8000", "localhost:8001", "localhost"):
        headers = {"Host": host, "Sec-Fetch-Site": "same-origin"}
        answer = open_client.post("/sign-in", data={"token": TOKEN}, headers=headers)
        names.add(answer.headers["Set-Cookie"].partition("=")[0])
    assert names == {"numnet-token-8000", "numnet-token-8001", "numnet-token"}


def test_cookie_counts_like_a_bearer_token(open_client: FlaskClient) -> None:
    assert open_client.post("/models/1/promote", headers=OWN).status_code == 401
    sign_in(open_client)
    assert open_client.post("/models/1/promote", headers=OWN).status_code == 200
    assert "Sign out" in open_client.get("/", headers=BROWSER).text


def test_signing_out_deletes_the_cookie(open_client: FlaskClient) -> None:
    sign_in(open_client)
    answer = open_client.post("/sign-out", headers=OWN)
    assert answer.status_code == 303
    assert open_client.post("/models/1/promote", headers=OWN).status_code == 401
    assert "Sign in" in open_client.get("/", headers=BROWSER).text


FOREIGN: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": ""},
    {"Origin": "http://evil.example"},
    {"Origin": "http://localhost:8001"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://localhost@evil.example"},
    {"Origin": "file://localhost"},
    {"Origin": "http://localhost:port"},
    {"Origin": "null"},
    {},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=range(len(FOREIGN)))
def test_cookie_does_not_count_in_changes_that_other_sites_send(
    open_client: FlaskClient, headers: dict[str, str]
) -> None:
    sign_in(open_client)
    answer = open_client.post("/models/1/promote", headers=headers)
    assert answer.status_code == 403
    assert "does not come from a page of this service" in answer.get_json()["detail"]
    assert open_client.get("/now.json").get_json()["version"]["number"] == "2"


@pytest.mark.parametrize("headers", FOREIGN, ids=range(len(FOREIGN)))
def test_other_sites_cannot_sign_anybody_in_or_out(
    open_client: FlaskClient, headers: dict[str, str]
) -> None:
    answer = open_client.post("/sign-in", data={"token": TOKEN}, headers=headers)
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers
    assert open_client.post("/sign-out", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://numnet.example", "numnet.example"),
        ("http://numnet.example", "numnet.example:80"),
        ("https://numnet.example", "numnet.example:443"),
        ("http://NUMNET.example:8000", "numnet.example:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_without_fetch_metadata_the_origin_must_be_the_host(
    open_client: FlaskClient, origin: str, host: str
) -> None:
    headers = {"Origin": origin, "Host": host}
    assert open_client.post("/sign-in", data={"token": TOKEN}, headers=headers).status_code == 303


def test_bearer_token_needs_no_origin_even_beside_a_cookie(open_client: FlaskClient) -> None:
    sign_in(open_client)
    headers = ADMIN | {"Sec-Fetch-Site": "cross-site"}
    assert open_client.post("/models/1/promote", headers=headers).status_code == 200
    wrong = {"Authorization": "Bearer a-wrong-t0ken-of-tests"} | OWN
    assert open_client.post("/models/1/promote", headers=wrong).status_code == 403


def test_header_of_a_proxys_own_authentication_does_not_hide_the_cookie(
    open_client: FlaskClient,
) -> None:
    sign_in(open_client)
    headers = OWN | {"Authorization": "Basic dXNlcjpwYXNzd29yZA=="}
    assert open_client.post("/models/1/promote", headers=headers).status_code == 200


def test_wrong_token_is_refused_and_counts_as_a_guess(open_client: FlaskClient) -> None:
    for _ in range(FREE_ATTEMPTS):
        answer = sign_in(open_client, "a-wrong-t0ken-of-tests")
        assert answer.status_code == 403
        assert "This is not the token" in answer.text
        assert "Set-Cookie" not in answer.headers
    answer = sign_in(open_client)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert open_client.post("/models/1/promote", headers=ADMIN).status_code == 429


@pytest.mark.parametrize("token", ["", " ", "x" * 100_000, "tökén-with-öther-létters"])
def test_odd_token_is_refused(open_client: FlaskClient, token: str) -> None:
    assert sign_in(open_client, token).status_code == 403


def test_cookie_with_a_token_that_was_revoked_is_deleted_and_guesses_once(
    open_client: FlaskClient,
) -> None:
    open_client.set_cookie("numnet-token", "YS13cm9uZy10MGtlbg==")
    for _ in range(2 * FREE_ATTEMPTS):
        answer = open_client.post("/models/1/promote", headers=OWN)
        assert answer.status_code in (403, 401)
    assert answer.status_code == 401
    assert open_client.post("/models/1/promote", headers=ADMIN).status_code == 200


@pytest.mark.parametrize("value", ["%", "a", "====", "é", "A" * 5000])
def test_cookie_that_is_no_token_is_as_good_as_none(guarded: FlaskClient, value: str) -> None:
    status = guarded.get("/now.json", headers={"Cookie": f"numnet-token={value}"}).status_code
    assert status in (401, 403)


def test_page_that_needs_a_token_leads_to_signing_in_and_back(guarded: FlaskClient) -> None:
    answer = guarded.get("/?model=numnet", headers=BROWSER)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "sign-in?next=%2F%3Fmodel%3Dnumnet"
    form = guarded.get(f"/{answer.headers['Location']}", headers=BROWSER)
    assert form.status_code == 200
    assert 'name="next" value="/?model=numnet"' in form.text
    back = sign_in(guarded, READ_TOKEN, next="/?model=numnet")
    assert (back.status_code, back.headers["Location"]) == (303, ".?model=numnet")
    assert guarded.get("/?model=numnet", headers=BROWSER).status_code == 200
    assert guarded.get("/docs", headers=BROWSER).status_code == 200
    assert guarded.post("/predict", json=ROW, headers=OWN).status_code == 200
    assert guarded.post("/models/rollback", headers=OWN).status_code == 403


def test_other_clients_get_a_401_without_a_token(guarded: FlaskClient) -> None:
    for path in ("/", "/now.json"):
        answer = guarded.get(path)
        assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")


def test_signing_in_names_no_model_and_loads_its_style_without_a_token(
    guarded: FlaskClient, models: Any
) -> None:
    serve(Registry.local(models / "secret-pump"), small_model())
    for path in ("/sign-in", "/sign-in?model=secret-pump"):
        text = guarded.get(path, headers=BROWSER).text
        assert "<option" not in text
    assert guarded.get("/static/0/style.css").status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/https:evil.example",
        "javascript:alert(1)",
        "/%2fevil.example",
        "//evil.example/versions",
        "/\t/evil.example",
        "/sign-out",
        "/models/1/promote",
        "/static/0/style.css",
        "/nowhere",
        "",
        "http://[",
        "//docs",
        "/docs?a\r\nSet-Cookie: b=c",
    ],
)
def test_next_page_is_one_of_this_service(open_client: FlaskClient, target: str) -> None:
    answer = sign_in(open_client, next=target)
    assert (answer.status_code, answer.headers["Location"]) == (303, ".")


def test_next_page_is_right_behind_a_proxy_that_strips_a_prefix(open_client: FlaskClient) -> None:
    answer = open_client.post(
        "/sign-in",
        data={"token": TOKEN, "next": "/?model=numnet"},
        headers=OWN,
        environ_overrides={"SCRIPT_NAME": "/ml"},
    )
    assert answer.headers["Location"] == "/ml/?model=numnet"


def test_cookie_is_for_the_prefix_of_the_service_alone(open_client: FlaskClient) -> None:
    proxy = {"SCRIPT_NAME": "/ml"}
    for path in ("/sign-in", "/sign-out"):
        answer = open_client.post(path, data={"token": TOKEN}, headers=OWN, environ_overrides=proxy)
        assert "Path=/ml" in answer.headers["Set-Cookie"].split("; ")


def test_token_that_is_bound_to_a_model_signs_in_for_its_pages(
    make_client: MakeClient, models: Any, tmp_path: Any
) -> None:
    for name in ("", "pump", "valve"):
        serve(Registry.local(models / name), small_model())
    (tmp_path / "tokens").write_text(line("pump-read-t0ken", "read", "pump"))
    client = make_client(tokens_file=str(tmp_path / "tokens"))
    assert client.get("/?model=pump", headers=BROWSER).status_code == 303
    assert sign_in(client, "an-unknown-t0ken").status_code == 403
    assert sign_in(client, "pump-read-t0ken").status_code == 303
    page = client.get("/?model=pump", headers=BROWSER)
    assert page.status_code == 200
    assert "valve" not in page.text
    refused = client.get("/?model=valve", headers=BROWSER)
    assert refused.status_code == 403
    assert "lacks the right read for model valve" in refused.text
    assert "Sign in with another token" in refused.text
    assert client.post("/models/pump/predict", json=ROW, headers=OWN).status_code == 200
    assert client.post("/models/pump/rollback", headers=OWN).status_code == 403
    assert client.post("/models/valve/predict", json=ROW, headers=OWN).status_code == 403


def test_other_hosts_pages_are_misdirected(make_client: MakeClient, registry: Registry) -> None:
    serve(registry, small_model())
    client = make_client(hosts=("numnet.example",))
    for path in ("/", "/sign-in"):
        answer = client.get(path, headers=BROWSER | {"Host": "evil.example"})
        assert answer.status_code == 421
        assert client.get(path, headers=BROWSER | {"Host": "numnet.example"}).status_code == 200


@pytest.mark.parametrize("token", ["", TOKEN], ids=["made", "set"])
def test_hint_says_where_the_token_is_without_a_path_of_the_machine(
    make_client: MakeClient, models: Path, token: str
) -> None:
    text = make_client(admin_token=token).get("/sign-in", headers=BROWSER).text
    assert ("NUMNET_ADMIN_TOKEN" if token else "var/admin-token") in text
    assert str(models.parent) not in text
