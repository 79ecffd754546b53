"""Files that appear complete or not at all."""

import os
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

import pytest

from registry.files import durable_file

Write = Callable[[Path, int], AbstractContextManager[BinaryIO]]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_created_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    with durable_file.create(path) as file:
        file.write(b"content")
        assert not path.exists()
        assert list(durable_file.leftovers(path.parent, "file")) == [*path.parent.iterdir()]
    assert path.read_bytes() == b"content"
    assert names(path.parent) == {"file"}


def test_create_refuses_an_existing_path_and_keeps_its_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"first")
    with pytest.raises(FileExistsError), durable_file.create(path) as file:
        file.write(b"second")
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == {"file"}


def test_replaced_file_keeps_its_content_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content, before in ((b"first", None), (b"second", b"first")):
        with durable_file.replace(path) as file:
            file.write(content)
            assert (path.read_bytes() if path.exists() else None) == before
        assert path.read_bytes() == content
    assert names(tmp_path) == {"file"}


@pytest.mark.parametrize("write", [durable_file.create, durable_file.replace])
def test_exception_in_the_block_leaves_nothing(write: Write, tmp_path: Path) -> None:
    def interrupted() -> None:
        with write(tmp_path / "file", 0o600) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(tmp_path) == set()


@pytest.mark.parametrize("write", [durable_file.create, durable_file.replace])
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_file_has_the_given_mode_from_its_first_byte(
    write: Write, mode: int, tmp_path: Path
) -> None:
    with write(tmp_path / "file", mode) as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == mode
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


@pytest.mark.parametrize(
    ("write", "publish"), [(durable_file.create, "link"), (durable_file.replace, "replace")]
)
def test_content_is_synced_before_its_name_appears_and_the_folder_after(
    write: Write, publish: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[str, int]] = []
    fsync, published = os.fsync, getattr(os, publish)

    def recorded_fsync(descriptor: int) -> None:
        steps.append(("fsync", os.fstat(descriptor).st_ino))
        fsync(descriptor)

    def recorded_publish(source: Path, destination: Path) -> None:
        steps.append((publish, source.stat().st_ino))
        published(source, destination)

    monkeypatch.setattr(os, "fsync", recorded_fsync)  # a power failure cannot be run
    monkeypatch.setattr(os, publish, recorded_publish)
    folder = tmp_path / "folder"
    with write(folder / "file", 0o666) as file:
        file.write(b"content")
    inode = (folder / "file").stat().st_ino
    assert steps == [
        ("fsync", tmp_path.stat().st_ino),
        ("fsync", inode),
        (publish, inode),
        ("fsync", folder.stat().st_ino),
    ]


def test_leftovers_are_found_by_the_name_of_their_file(tmp_path: Path) -> None:
    one, other = (durable_file.temporary_path(tmp_path / name) for name in ("one", "other"))
    for path in (one, other, tmp_path / "one", tmp_path / ".hidden"):
        path.touch()
    assert set(durable_file.leftovers(tmp_path)) == {one, other}
    assert list(durable_file.leftovers(tmp_path, "one")) == [one]
    assert list(durable_file.leftovers(tmp_path / "missing")) == []
