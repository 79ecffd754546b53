"""Versions taken away, as files that are complete or not there."""

import json
import stat
from pathlib import Path

import numpy as np
import pytest

import numnet
from numnet import Client
from tests.client.hostile_server import hostile_server, response
from tests.e2e.conftest import Service


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
