"""The admin token: which requests need it, and where it is stored."""

import logging
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from config import Settings
from registry import Registry
from service.web.tokens.admin_token import FILE, AdminToken
from service.web.tokens.authorization import is_open_to_all
from tests.patience import DEADLINE_SECONDS
from tests.service.conftest import ADMIN, TOKEN, MakeClient
from tests.service.problem_shape import assert_problem
from tests.service.small_models import FEATURES, serve, small_model

ROOT = Path(__file__).resolve().parents[4]
ROLLBACK = "/models/rollback"


def refused(
    client: FlaskClient, status: int, authorization: str | None, path: str = ROLLBACK
) -> dict[str, Any]:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = client.post(path, headers=headers)
    document = assert_problem(
        answer.status_code, answer.data, dict(answer.headers), expected=status
    )
    assert answer.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)
    return document


def test_correct_token_is_accepted(client: FlaskClient) -> None:
    for scheme in ("Bearer", "bearer", "BEARER", "Bearer  "):
        answer = client.post(ROLLBACK, headers={"Authorization": f"{scheme} {TOKEN}"})
        assert answer.status_code == 409  # accepted; there is no version to roll back to


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Token {TOKEN}", f"Bearer:{TOKEN}"],
)
def test_missing_token_is_401(client: FlaskClient, authorization: str | None) -> None:
    document = refused(client, 401, authorization)
    assert "Authorization: Bearer TOKEN" in document["detail"]


@pytest.mark.parametrize(
    "token",
    [
        "guessed",
        TOKEN.upper(),
        TOKEN[:-1],
        TOKEN + "x",
        f"{TOKEN} {TOKEN}",
        f"{TOKEN},{TOKEN}",
        "é",
        "\xff\xfe",
        f"{TOKEN}\xa0é",
        f"\xa0{TOKEN}",
        f"{TOKEN}\xa0",
        f"\x85{TOKEN}",
        f"\x0b{TOKEN}",
        "x" * 1_000_000,
    ],
    ids=ascii,
)
def test_wrong_token_is_403(client: FlaskClient, token: str) -> None:
    document = refused(client, 403, f"Bearer {token}")
    assert token not in str(document)


def test_refused_requests_are_logged_without_the_token(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    for authorization in ("Bearer guessed-it", "Basic guessed-it"):
        headers = {"Authorization": authorization, "X-Request-ID": "look-for-me"}
        assert client.post(ROLLBACK, headers=headers).status_code in (401, 403)
    wrong, missing = caplog.records
    assert "wrong token" in wrong.getMessage()
    assert "no token" in missing.getMessage()
    for record in caplog.records:
        assert record.levelno == logging.WARNING
        assert "guessed-it" not in str(vars(record))
        noted = {key: vars(record)[key] for key in ("request_id", "method", "path", "client")}
        assert noted == {
            "request_id": "look-for-me",
            "method": "POST",
            "path": ROLLBACK,
            "client": "127.0.0.1",
        }


OPEN = ("predict", "classify", "regress", "/invocations", "/infer", "/index")


def test_exactly_the_endpoints_that_change_something_need_the_token(
    client: FlaskClient,
) -> None:
    guarded = set()
    for rule in client.application.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "1", rule.rule.replace("<model:name>", "pump"))
        if is_open_to_all(client.application.view_functions[rule.endpoint]):
            continue
        for method in (rule.methods or set()) - {"OPTIONS"}:
            status = client.open(path, method=method).status_code
            if path.startswith("/data"):  # whose tables' names are nobody's business
                assert status == 401
            elif method in ("GET", "HEAD") or path.endswith(OPEN):
                assert status not in (401, 403)
            else:
                assert status == 401
                guarded.add((method, path))
    assert guarded == {
        ("POST", "/models/1/promote"),
        ("POST", "/models/rollback"),
        ("POST", "/models/pump/1/promote"),
        ("POST", "/models/pump/rollback"),
        ("POST", "/v2/repository/models/1/load"),
        ("POST", "/v2/repository/models/1/unload"),
        ("POST", "/retrain"),
        ("DELETE", "/retrain/1"),
    }


def test_created_token_is_readable_by_its_owner_only_and_printed_once(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings(state=tmp_path / "not" / "there")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    token = AdminToken(settings).get()
    assert len(token) >= 32
    path = settings.state / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == f"{token}\n"
    assert list(settings.state.iterdir()) == [path]
    out, err = capsys.readouterr()
    assert (out, err.count(token), err.count("\n")) == ("", 1, 1)
    assert err.endswith(f" and printed only this once: {token}\n")
    assert AdminToken(settings).get() == token
    assert capsys.readouterr() == ("", "")
    assert caplog.records == []


def test_configured_token_is_used_and_not_stored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert AdminToken(Settings(state=tmp_path / "state", admin_token="mine")).get() == "mine"
    assert capsys.readouterr() == ("", "")
    assert not (tmp_path / "state").exists()


def test_token_file_may_be_written_by_hand(tmp_path: Path, make_client: MakeClient) -> None:
    (tmp_path / FILE).write_text("  by-hand-a-longer-one \n")
    client = make_client(state=tmp_path, admin_token="")
    answer = client.post(ROLLBACK, headers={"Authorization": "Bearer by-hand-a-longer-one"})
    assert answer.status_code == 409
    refused(client, 403, f"Bearer {TOKEN}")


@pytest.mark.slow
def test_processes_that_start_together_use_one_token(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from config import Settings\n"
        "from service.web.tokens.admin_token import AdminToken\n"
        "token = AdminToken(Settings(state=Path(sys.argv[1])))\n"
        "print('ready', flush=True); sys.stdin.readline(); print(token.get())"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "state")],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=DEADLINE_SECONDS) for process in processes]
    tokens = {out.strip() for out, _ in outputs}
    assert tokens == {(tmp_path / "state" / FILE).read_text().strip()}
    made = [err for _, err in outputs if err]
    assert made == [f"The admin token is stored in {tmp_path / 'state' / FILE}\n"]
    assert list((tmp_path / "state").iterdir()) == [tmp_path / "state" / FILE]


def put_link_to_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


USELESS: dict[str, Callable[[Path], object]] = {  # what stands in the token file's place
    "folder": Path.mkdir,
    "no text": lambda path: path.write_bytes(b"\xff\xfe" * 16),
    "short token": lambda path: path.write_text("t"),
    "long token": lambda path: path.write_text("t" * 5000),
    "pipe": os.mkfifo,  # reading it would wait for a writer
    "link to a pipe": put_link_to_pipe,
    "link to an endless device": lambda path: path.symlink_to("/dev/zero"),
    "link to a device": lambda path: path.symlink_to("/dev/tty"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "dangling link": lambda path: path.symlink_to("nowhere"),
}


@pytest.fixture(params=["a file", *USELESS])
def useless_state(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    state = tmp_path / "useless"
    if request.param == "a file":
        state.touch()
    else:
        state.mkdir()
        USELESS[request.param](state / FILE)
    return state


def test_without_a_usable_state_folder_only_admin_requests_are_503(
    useless_state: Path,
    registry: Registry,
    make_client: MakeClient,
    caplog: pytest.LogCaptureFixture,
) -> None:
    serve(registry, small_model())
    client = make_client(state=useless_state, admin_token="")
    answer = client.post(ROLLBACK, headers=ADMIN)
    document = assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=503)
    assert "set NUMNET_ADMIN_TOKEN, or make the folder NUMNET_STATE writable" in document["detail"]
    assert str(useless_state) not in str(document)
    assert any(str(useless_state) in record.getMessage() for record in caplog.records)
    assert client.post("/predict", json=dict.fromkeys(FEATURES, 0.5)).status_code == 200
    assert client.get("/models").status_code == 200


def test_repaired_state_folder_is_used_by_the_next_request(
    tmp_path: Path, make_client: MakeClient
) -> None:
    state = tmp_path / "state"
    state.touch()
    client = make_client(state=state, admin_token="")
    assert client.post(ROLLBACK, headers=ADMIN).status_code == 503
    state.unlink()
    refused(client, 403, f"Bearer {TOKEN}")
    token = (state / FILE).read_text().strip()
    assert client.post(ROLLBACK, headers={"Authorization": f"Bearer {token}"}).status_code == 409
