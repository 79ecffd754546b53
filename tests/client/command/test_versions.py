"""`numnet models`, `show`, `promote`, `rollback`, `export`, `status`, `token` and `open`."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from registry import Registry
from tests.client.command.conftest import Command
from tests.e2e.conftest import ADMIN_TOKEN, Service, StartService
from tests.patience import DEADLINE_SECONDS
from tests.service.small_models import publish, serve, small_model
from tests.service.trained_app import publish_trained

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service of two trained versions."""
    folder = tmp_path_factory.mktemp("trained")
    publish_trained(Registry.local(folder / "models"), 2)
    running = Service(folder / "models", folder / "out")
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def at_trained(trained: Service, run_at: Callable[..., Command]) -> Command:
    return run_at(trained.url)


def test_the_versions_with_their_errors(at_trained: Command) -> None:
    names, newest, oldest = at_trained("models").out.splitlines()
    assert names.split()[0] == "version"
    assert newest.split()[:2] == ["*", "2"]
    assert oldest.split()[0] == "1"
    assert "4-3-1 tanh" in oldest
    assert "a test" in oldest


def test_the_versions_as_json(at_trained: Command, trained: Service) -> None:
    assert json.loads(at_trained("models", "--json").out) == trained.get("/models").json()
    one = json.loads(at_trained("models", "--model", "numnet", "--json").out)
    assert one == trained.get("/models/numnet").json()


def test_a_card_in_words(at_trained: Command) -> None:
    lines = at_trained("show", "1").out.splitlines()
    assert lines[0].split() == ["version", "1"]
    words = "\n".join(lines)
    for part in ("x1, x2, x3, x4", "synthetic", "l-bfgs", "errors on", "feature of y", "50 %"):
        assert part in words


def test_a_card_as_json(at_trained: Command, trained: Service) -> None:
    assert json.loads(at_trained("show", "--json").out) == trained.get("/models/2").json()


def test_a_card_in_pictures(at_trained: Command) -> None:
    out = at_trained("show", "current", "--plot", PYTHONIOENCODING="utf-8").out
    for title in ("loss on train and validation rows", "predicted against actual", "residuals"):
        assert title in out
    assert any("\u2800" < character < "\u28ff" for character in out)
    plain = at_trained("show", "--plot", PYTHONIOENCODING="ascii").out
    assert "*" in plain
    assert "\u2800" not in plain


def test_the_status_in_words(at_trained: Command, trained: Service) -> None:
    ended = at_trained("status")
    facts = dict(line.split(maxsplit=1) for line in ended.out.splitlines())
    assert (facts["service"], facts["ready"], facts["version"]) == (trained.url, "yes", "2")
    assert facts["predicts"] == "y"
    document = json.loads(at_trained("status", "--json").out)
    assert document["ready"] is True
    assert document["features"] == ["x1", "x2", "x3", "x4"]
    assert document["requests"] > 0


def test_the_status_of_a_service_without_a_version(
    start_service: StartService, run_at: Callable[..., Command]
) -> None:
    numnet = run_at(start_service().url)
    ended = numnet("status", "--json")
    assert ended.code == 3
    document = json.loads(ended.out)
    assert (document["ready"], document["version"]) == (False, None)
    assert document["reason"]
    assert "`numnet train FILE --target COLUMN` trains" in numnet("models").out
    shown = numnet("show")
    assert shown.code == 3
    assert "`numnet train FILE --target COLUMN` trains a version" in shown.err


def test_promotion_and_rollback(
    start_service: StartService, registry: Registry, run_at: Callable[..., Command]
) -> None:
    serve(registry, small_model())
    publish(registry, small_model(seed=1))
    service = start_service()
    numnet = run_at(service.url, NUMNET_TOKEN=ADMIN_TOKEN)
    assert numnet("promote", "2").out == "version 2 is current; before it was version 1\n"
    assert service.get("/readyz").json()["version"] == "2"
    back = json.loads(numnet("rollback", "--json").out)
    assert (back["version"], back["previous"]) == ("1", "2")
    nothing = numnet("rollback")
    assert nothing.code == 1
    assert numnet("promote", "9").code == 1
    publish(registry, small_model(("a",)))
    assert numnet("promote", "3").code == 0
    assert numnet("rollback", "--json").code == 1
    assert numnet("rollback", "--force").code == 0


@pytest.mark.parametrize("form", ["onnx", "c", "js", "json", "sql", "npz", "report"])
def test_a_version_taken_away_is_the_services_file(
    at_trained: Command, trained: Service, form: str
) -> None:
    path = {"npz": "weights.npz", "report": "report"}.get(form, f"model.{form}")
    expected = trained.get(f"/models/1/{path}")
    assert expected.status_code == 200
    ended = at_trained("export", "1", form, "--json")
    document = json.loads(ended.out)
    ending = {"report": "html"}.get(form, form)
    assert document == {
        "version": "1",
        "file": f"numnet-1.{ending}",
        "bytes": len(expected.content),
    }
    assert (at_trained.folder / f"numnet-1.{ending}").read_bytes() == expected.content


def test_an_export_with_options_and_to_a_pipe(at_trained: Command, trained: Service) -> None:
    for options, query in (
        (("--level", "0.5"), "level=0.5"),
        (("--form", "folded"), "form=folded"),
    ):
        ended = at_trained("export", "current", "onnx", "-o", "model.onnx", *options)
        assert ended.code == 0
        expected = trained.get(f"/models/2/model.onnx?{query}")
        assert expected.status_code == 200
        assert (at_trained.folder / "model.onnx").read_bytes() == expected.content
    assert at_trained("export", "1", "c", "-o", "-").out == trained.get("/models/1/model.c").text
    refused = at_trained("export", "1", "c", "--form", "folded", "-o", "model.c")
    assert refused.code == 1
    assert "form" in refused.err
    assert not (at_trained.folder / "model.c").exists()


def test_the_dashboards_address(at_trained: Command, trained: Service) -> None:
    ended = at_trained("open")
    assert (ended.code, ended.out) == (0, f"{trained.url}/\n")
    assert json.loads(at_trained("open", "--json").out) == {"url": f"{trained.url}/"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "x1=1"),
        ("status",),
        ("models",),
        ("show", "1"),
        ("jobs",),
        ("open",),
        ("export", "1", "npz"),
        ("promote", "1"),
        ("retrain",),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_service_that_is_not_there(
    run_at: Callable[..., Command], arguments: tuple[str, ...]
) -> None:
    ended = run_at(NOWHERE)(*arguments, "--timeout", "1")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith(f"error: no connection to {NOWHERE}: ")
    assert "`make run` starts a service" in ended.err
    assert ended.err.count("\n") == 1


def test_errors_as_json(run_at: Callable[..., Command], at_trained: Command) -> None:
    document = json.loads(run_at(NOWHERE)("models", "--json", "--timeout", "1").out)
    assert document["exit_code"] == 3
    missing = json.loads(at_trained("show", "9", "--json").out)
    assert missing["problem"]["type"] == "/problems/not-found"
    assert missing["exit_code"] == 1


def test_another_server_is_not_taken_for_a_service(run_at: Callable[..., Command]) -> None:
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert server.stdout is not None
    port = server.stdout.readline().decode().split(" port ")[1].split()[0]
    ended = run_at(f"http://127.0.0.1:{port}")("models")
    server.terminate()
    server.wait(DEADLINE_SECONDS)
    server.stdout.close()
    assert ended.code != 0
    assert "numnet service" in ended.err


@pytest.mark.parametrize("command", ["promote", "rollback", "retrain", "cancel"])
def test_a_missing_or_wrong_token(at_trained: Command, command: str) -> None:
    arguments = [command] + (["1"] if command in ("promote", "cancel") else [])
    for token in ("", "wrong-token-of-this-test"):
        ended = at_trained(*arguments, NUMNET_TOKEN=token)
        assert (ended.code, ended.out) == (4, "")
        assert "NUMNET_TOKEN or --token-file" in ended.err
        assert "var/admin-token" in ended.err


def test_tokens_from_a_file_a_store_and_an_installation(
    start_service: StartService, registry: Registry, run_at: Callable[..., Command]
) -> None:
    serve(registry, small_model())
    service = start_service()
    numnet = run_at(service.url)
    (numnet.folder / "token").write_text(f"{ADMIN_TOKEN}\n")
    assert numnet("promote", "1").code == 4
    assert numnet("promote", "1", "--token-file", "token").code == 0

    (numnet.folder / "var").mkdir()
    (numnet.folder / "var" / "admin-token").write_text(ADMIN_TOKEN)
    assert numnet("token").out == f"{ADMIN_TOKEN}\n"
    assert json.loads(numnet("token", "--json").out) == {"token": ADMIN_TOKEN}
    assert numnet("promote", "1").code == 0
    (numnet.folder / "var" / "admin-token").unlink()
    assert numnet("promote", "1").code == 4

    stored = numnet("token", "--store", stdin=ADMIN_TOKEN.encode())
    path = numnet.folder / ".config" / "numnet" / "tokens.json"
    assert (stored.code, stored.out) == (0, "")
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text()) == {service.url: ADMIN_TOKEN}
    assert numnet("promote", "1").code == 0
    assert numnet("token").out == f"{ADMIN_TOKEN}\n"
    assert numnet("token", "--forget").code == 0
    assert numnet("promote", "1").code == 4
    missing = numnet("token")
    assert missing.code == 1
    assert missing.err.startswith("error: var/admin-token cannot be read")


def test_a_stored_token_is_sent_to_its_service_alone(
    service: Service, run_at: Callable[..., Command]
) -> None:
    numnet = run_at(service.url)
    other = "http://localhost:1"
    assert numnet("token", "--store", "--url", other, stdin=ADMIN_TOKEN.encode()).code == 0
    assert numnet("promote", "2").code == 4
    folder = numnet.folder / "config"
    assert numnet("token", "--store", stdin=b"x" * 20, XDG_CONFIG_HOME=str(folder)).code == 0
    assert json.loads((folder / "numnet" / "tokens.json").read_text()) == {service.url: "x" * 20}
    assert numnet("token", "--store").code == 2


def test_a_service_that_asks_for_a_token_to_read(
    start_service: StartService, registry: Registry, run_at: Callable[..., Command]
) -> None:
    serve(registry, small_model())
    token = "a-token-for-readers"
    service = start_service(settings={"NUMNET_READ_TOKEN": token})
    assert requests.get(f"{service.url}/models", timeout=DEADLINE_SECONDS).status_code == 401
    numnet = run_at(service.url)
    assert numnet("models").code == 4
    assert numnet("models", NUMNET_TOKEN=token).code == 0


def test_wrong_usage(numnet: Command, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for arguments in (
        ("nothing",),
        ("models", "--url", "example.org"),
        ("models", "--timeout", "0"),
        ("export", "1", "exe"),
        ("promote",),
        ("token", "--store", "--forget"),
        ("models", "--token-file", str(tmp_path / "binary")),
        ("jobs", "--watch"),
        ("completion", "tcsh"),
        ("train", str(tmp_path / "missing.csv")),
    ):
        ended = numnet(*arguments)
        assert (ended.code, ended.out) == (2, ""), arguments
        assert "Error: " in ended.err
