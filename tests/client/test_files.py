"""Versions taken away, as files that are complete or not there, and tables that are uploaded."""

import io
import json
import os
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import numnet
from numnet import Client
from tests.client.hostile_server import hostile_server, response
from tests.e2e.conftest import ADMIN_TOKEN, Service, StartService


def test_a_version_is_downloaded(client: Client, service: Service, tmp_path: Path) -> None:
    file = client.download(2, tmp_path / "model.npz")
    assert file == tmp_path / "model.npz"
    assert file.read_bytes() == (service.models / "2.npz").read_bytes()
    with np.load(file, allow_pickle=False) as arrays:
        assert "weights_0" in arrays
    assert client.download("1", tmp_path) == tmp_path / "numnet-1.npz"
    with Client(service.url, model="numnet") as named:
        assert named.download("1", str(tmp_path)).read_bytes() != file.read_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["model.npz", "numnet-1.npz"]


@pytest.mark.parametrize("kind", ["onnx", "c", "js", "json"])
def test_a_version_is_exported(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = client.export(2, kind, level=0.5)
    assert file == Path(f"numnet-2.{kind}")
    assert file.stat().st_size > 500
    if kind == "json":
        assert isinstance(json.loads(file.read_text()), dict)


def test_a_form_of_a_kind_is_exported(client: Client, tmp_path: Path) -> None:
    plain, folded = tmp_path / "plain.onnx", tmp_path / "folded.onnx"
    client.export(2, path=plain)
    client.export(2, path=folded, form="folded")
    assert plain.read_bytes() != folded.read_bytes()
    with pytest.raises(numnet.InvalidInput):
        client.export(2, form="other", path=plain)
    with pytest.raises(numnet.NumnetError):
        client.export(2, "exe", plain)
    with pytest.raises(numnet.NoIntervals):
        client.export(1, path=plain, level=0.5)
    with pytest.raises(numnet.NotFound):
        client.export(99, path=tmp_path / "none.onnx")
    assert sorted(tmp_path.iterdir()) == [folded, plain]


def test_a_file_is_replaced_by_a_complete_one_alone(tmp_path: Path) -> None:
    file = tmp_path / "model.npz"
    file.write_bytes(b"before")
    file.chmod(0o600)
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    with (
        hostile_server([cut]) as server,
        Client(server.url, retries=0) as client,
        pytest.raises(numnet.NotConnected),
    ):
        client.download(1, file)
    assert file.read_bytes() == b"before"
    link = tmp_path / "link.npz"
    link.symlink_to(file)
    with hostile_server([response("200 OK", b"after")]) as server, Client(server.url) as client:
        client.download(1, link)
        with pytest.raises(FileNotFoundError):
            client.download(1, tmp_path / "no" / "such" / "folder.npz")
    assert file.read_bytes() == b"after"
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(tmp_path.iterdir()) == [link, file]


def test_a_file_gets_the_permissions_of_the_umask_which_is_never_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = os.umask(0o027)
    monkeypatch.setattr(os, "umask", lambda _: pytest.fail("other threads would write with it"))
    try:
        with hostile_server([response("200 OK", b"new")]) as server, Client(server.url) as client:
            file = client.download(1, tmp_path / "model.npz")
    finally:
        monkeypatch.undo()
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_tables_of_every_kind_are_uploaded(start_service: StartService, tmp_path: Path) -> None:
    data = tmp_path / "data"
    service = start_service(settings={"NUMNET_DATA": str(data)})
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(50, 3)), columns=["a", "b", "y"])
    content = frame.to_csv(index=False).encode()
    file = tmp_path / "table.csv"
    file.write_bytes(content)
    skipped = io.BytesIO(b"skipped" + content)
    skipped.seek(7)
    receive, send = os.pipe()
    os.write(send, content)
    os.close(send)
    with Client(service.url, token=ADMIN_TOKEN) as client, os.fdopen(receive, "rb") as pipe:
        kinds = [file, str(file), content, frame, skipped, pipe]
        for number, kind in enumerate(kinds):
            table = client.upload(f"{number}.csv", kind, targets=["y"])
            assert (table.rows, table.features, table.targets) == (50, ("a", "b"), ("y",))
            assert (data / table.name).read_bytes() == content
        assert not skipped.closed
        assert client.upload("checked.csv", content, check=True).rows == 50
        client.upload("0.csv", content + b"1,2,3\n", replace=True)
        with pytest.raises(numnet.TableExists):
            client.upload("0.csv", content)
        with pytest.raises(numnet.InvalidInput):
            client.upload("0.txt.exe", content)
        for wrong in (io.StringIO("a"), 17, None):
            with pytest.raises(TypeError):
                client.upload("wrong.csv", wrong)
        with pytest.raises(FileNotFoundError):
            client.upload("wrong.csv", tmp_path / "none.csv")
    assert sorted(each.name for each in data.iterdir()) == [f"{number}.csv" for number in range(6)]


def test_a_file_in_the_place_of_a_table_name_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,y\n1,2\n")
    with Client("http://127.0.0.1:9") as client:
        with pytest.raises(ValueError, match="expected first the name of the table in the service"):
            client.upload(str(path), "table.csv")
        with pytest.raises(TypeError, match="got a PosixPath as the name"):
            client.upload(path, "table.csv")  # type: ignore[arg-type]


def test_a_refused_upload_says_why_before_it_is_read(
    start_service: StartService, tmp_path: Path
) -> None:
    service = start_service(settings={"NUMNET_DATA": str(tmp_path / "data")})
    long = b"a,b,y\n" + b"1,2,3\n" * 3_000_000
    with Client(service.url, token="a-wrong-token") as client, pytest.raises(numnet.Forbidden):
        client.upload("long.csv", long)
    with Client(service.url) as client, pytest.raises(numnet.Unauthorized):
        client.upload("long.csv", long)
