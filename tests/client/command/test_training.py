"""`numnet train`, `retrain`, `jobs` and `cancel` against a service with a trainer."""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import requests

from tests.client.command.conftest import Command
from tests.client.hostile_server import hostile_server, response
from tests.e2e.conftest import ADMIN, ADMIN_TOKEN, Service
from tests.patience import DEADLINE_SECONDS, until

QUICK = ("--layers", "4", "--epochs", "20", "--solver", "l-bfgs")
ENDLESS = ("--layers", "4", "--solver", "adam", "--epochs", "1000000000", "--set", "samples=200")
FOREVER = (*ENDLESS, "--set", "patience=1000000000", "--max-seconds", "3600")


@pytest.fixture
def numnet(trained: Service, run_at: Callable[..., Command]) -> Command:
    return run_at(trained.url, NUMNET_TOKEN=ADMIN_TOKEN)


def write_table(path: Path, rows: int = 300, seed: int = 0) -> None:
    """Write a table: flow = a² + b, and a column of texts without information."""
    a, b = np.random.default_rng(seed).uniform(size=(2, rows))
    lines = [f"{x!r},{y!r},{x * x + y!r}" for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    path.write_text("\n".join(["a,b,flow", *lines, ""]))


def test_the_whole_loop(numnet: Command, trained: Service) -> None:
    """Train on an own table, try, judge, compare, promote, roll back, and take away."""
    assert numnet("status").code == 3
    write_table(numnet.folder / "pumps.csv")
    first = numnet("train", "pumps.csv", "--target", "flow", *QUICK)
    assert first.code == 0, first.err
    assert first.out.startswith("version 1 promoted: test RMSE ")
    assert "pumps.csv: 300 rows; flow from a, b" in first.err

    assert numnet("status").out.splitlines()[4].split(maxsplit=1)[0] == "predicts"
    one = float(numnet("predict", "a=0.5", "b=0.25").out)
    assert abs(one - 0.5) < 0.2
    assert numnet("predict", "pumps.csv", "-o", "judged.csv", "--interval", "0.8").code == 0
    judged = np.loadtxt(
        numnet.folder / "judged.csv", delimiter=",", skiprows=1, usecols=(2, 3, 4, 5)
    )
    assert np.mean((judged[:, 2] <= judged[:, 0]) & (judged[:, 0] <= judged[:, 3])) > 0.5

    better = numnet("retrain", "--watch", "--layers", "8", "--seed", "1", "--epochs", "200")
    assert better.code in (0, 5)
    compared = numnet("models").out
    assert compared.splitlines()[1].split()[0] in ("*", "2")
    assert numnet("show", "2").code == 0
    assert numnet("promote", "2").code == 0
    assert trained.get("/readyz").json()["version"] == "2"
    assert numnet("rollback").out == "version 1 is current; before it was version 2\n"
    assert numnet("export", "current", "npz").code == 0
    with np.load(numnet.folder / "numnet-1.npz", allow_pickle=False) as taken:
        assert "weights_0" in taken


def test_a_job_as_lines_of_json(numnet: Command) -> None:
    ended = numnet(
        "retrain", "--data", "synthetic", "--model", "lines", "--watch", "--json", *QUICK
    )
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.code == 0, ended
    assert lines[-1]["state"] == "promoted"
    assert {line["id"] for line in lines} == {lines[0]["id"]}
    shown = json.loads(numnet("jobs", lines[0]["id"], "--json").out)
    assert shown["state"] == "promoted"
    listed = json.loads(numnet("jobs", "--json").out)["jobs"]
    assert lines[0]["id"] in [job["id"] for job in listed]


def test_a_job_on_a_terminal(numnet: Command) -> None:
    arguments = ("retrain", "--data", "synthetic", "--model", "shown", "--watch", *QUICK)
    code, written = numnet.on_terminal(*arguments)
    assert code == 0
    assert "━".encode() in written
    assert b"version 1 promoted: test RMSE " in written


def test_a_version_that_is_not_promoted(numnet: Command) -> None:
    arguments = ("retrain", "--data", "synthetic", "--model", "kept", "--watch", *QUICK)
    assert numnet(*arguments).code == 0
    worse = numnet(*arguments, "--epochs", "1", "--seed", "7")
    assert worse.code == 5
    assert worse.out.startswith("version 2 kept back: test RMSE ")
    asked = numnet(*arguments, "--seed", "8", "--no-promote")
    assert asked.code == 5


def test_a_job_is_cancelled_while_it_is_watched(numnet: Command) -> None:
    model = ("--model", "cancelled")
    submitted = numnet("retrain", "--data", "synthetic", *model, *FOREVER)
    assert submitted.code == 0
    job = submitted.out.strip()
    watching = numnet.start("jobs", job, "--watch", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: "running" in numnet("jobs", job).out)
    active = numnet("retrain", "--data", "synthetic", *model, *QUICK)
    assert active.code == 1
    assert f"`numnet cancel {job}` cancels it" in active.err
    assert numnet("cancel", job).out.startswith(f"job {job}: ")
    out, err = watching.communicate(timeout=DEADLINE_SECONDS)
    assert (watching.returncode, out) == (6, b"")
    assert err.decode().splitlines()[-1] == f"error: job {job} was cancelled"
    finished = numnet("cancel", job, "--json")
    assert finished.code in (0, 1)
    assert "cancelled" in numnet("jobs", *model).out


def test_ctrl_c_ends_the_watching_and_not_the_job(numnet: Command, trained: Service) -> None:
    process = numnet.start(
        *("retrain", "--data", "synthetic", "--model", "left", "--watch", *FOREVER),
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    line = process.stderr.readline().decode()
    job = line.split()[1].rstrip(":")
    process.send_signal(signal.SIGINT)
    err = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(DEADLINE_SECONDS) == 130
    assert f"job {job} goes on" in err
    assert trained.get(f"/retrain/{job}").json()["state"] in ("queued", "running")
    requests.delete(f"{trained.url}/retrain/{job}", headers=ADMIN, timeout=DEADLINE_SECONDS)


def test_a_service_that_is_gone_ends_the_watching_and_not_the_job(
    run_at: Callable[..., Command],
) -> None:
    times = dict.fromkeys(("created_at", "started_at", "finished_at"))
    job = json.dumps({"id": "j1", "state": "running", "model": "numnet", "by": "", **times})
    stream = (
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        f"id: 1\nevent: job\ndata: {job}\n\n"
    )
    with hostile_server([response("200 OK", job.encode())], [stream.encode()], [b""]) as server:
        ended = run_at(server.url)("jobs", "j1", "--watch", "--timeout", "1")
    assert ended.code == 3
    assert "job j1 goes on without this command" in ended.err
    assert "`numnet jobs j1 --watch` shows it when the service is back" in ended.err


def test_a_table_that_cannot_be_trained(numnet: Command) -> None:
    (numnet.folder / "bad.csv").write_text("a,b,flow\n1,2,3\n4,5\n")
    ended = numnet("train", "bad.csv", "--target", "flow")
    assert ended.code == 1
    assert "bad.csv" in ended.err
    assert ended.err.count("\n") == 1
    write_table(numnet.folder / "other.csv", rows=30)
    missing = numnet("train", "other.csv", "--target", "pressure")
    assert missing.code == 1
    assert "pressure" in missing.err


def test_a_new_model_needs_a_target_and_one_is_proposed(numnet: Command) -> None:
    write_table(numnet.folder / "rent.csv", rows=100)
    text = (numnet.folder / "rent.csv").read_text()
    (numnet.folder / "rent.csv").write_text(text.replace("flow", "Rent €"))
    ended = numnet("train", "rent.csv", "--model", "no-target", *QUICK)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines()[-1] == (
        "error: --target COLUMN is missing: it names the column to predict; "
        "for this table, perhaps --target 'Rent €'"
    )


def test_another_table_of_the_same_name_is_replaced_only_if_asked(numnet: Command) -> None:
    path, model = numnet.folder / "grown.csv", ("--model", "grown")
    arguments = ("train", "grown.csv", "--target", "flow", *model, *QUICK)
    write_table(path, rows=100)
    assert numnet(*arguments).code == 0
    write_table(path, rows=120, seed=1)
    refused = numnet(*arguments)
    assert refused.code == 1
    assert "--replace replaces it, and --name stores another one" in refused.err
    assert numnet(*arguments, "--replace").code in (0, 5)
    named = numnet(*arguments, "--name", "grown2.csv", "--no-watch", "--json")
    assert json.loads(named.out)["request"]["data"] == "grown2.csv"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("retrain", "--set", "layers"), 2, "expected --set NAME=VALUE, got 'layers'"),
        (("retrain", "--set", "speed=9"), 1, "speed is unknown"),
        (("retrain", "--epochs", "many"), 2, "'many' is not a valid integer"),
        (("jobs", "0000"), 1, "0000"),
        (("cancel", "0000"), 1, "0000"),
    ],
    ids=range(5),
)
def test_what_is_wrong_is_said(
    numnet: Command, arguments: tuple[str, ...], code: int, words: str
) -> None:
    ended = numnet(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err
