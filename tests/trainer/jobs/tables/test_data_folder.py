"""The data folder: names, and tables that are there complete or not at all."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from registry.files import durable_file
from trainer.errors import DataError, TableExists, TableNameError, TableNotFound
from trainer.jobs import DataFolder


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def content(text: bytes) -> Callable[[BinaryIO], object]:
    return lambda file: file.write(text)


def accept(path: Path) -> None:
    assert path.is_file()


def refuse(path: Path) -> None:
    raise DataError(f"{path.name[:2]} is wrong")


def store(folder: Path, name: str, text: bytes, *, replace: bool = False) -> bool:
    return DataFolder(folder).store(name, content(text), accept, replace=replace)


@pytest.mark.parametrize(
    "name",
    [
        "a.csv",
        "A-1_b.c.CSV",
        "0.parquet",
        "sales.csv.gz",
        "sales.tsv.ZIP",
        f"{'a' * 96}.csv",
    ],
)
def test_name_of_a_table_is_accepted(tmp_path: Path, name: str) -> None:
    assert store(tmp_path / "data", name, b"x")
    assert [each.name for each in DataFolder(tmp_path / "data").tables()] == [name]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        ".csv",
        ".a.csv",
        "-a.csv",
        "a.exe",
        "a.csv.exe",
        "a.gz",
        "../a.csv",
        "b/a.csv",
        "/a.csv",
        "a.csv/",
        "a.csv\n",
        "a\0.csv",
        "a b.csv",
        "ä.csv",
        "a\\b.csv",
        f"{'a' * 97}.csv",
    ],
)
def test_name_that_is_no_table_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(TableNameError, match="must be 1 to 100 letters"):
        store(tmp_path / "data", name, b"x")
    with pytest.raises(TableNameError):
        DataFolder(tmp_path).check(name, content(b""), accept)
    with pytest.raises(TableNameError):
        DataFolder(tmp_path).delete(name)
    assert not [*tmp_path.iterdir()]


def test_same_content_is_stored_once(tmp_path: Path) -> None:
    assert store(tmp_path, "a.csv", b"first")
    before = (tmp_path / "a.csv").stat().st_ino
    assert not store(tmp_path, "a.csv", b"first")
    assert (tmp_path / "a.csv").stat().st_ino == before


def test_other_content_replaces_a_table_only_on_request(tmp_path: Path) -> None:
    store(tmp_path, "a.csv", b"first")
    with pytest.raises(TableExists, match="replace=true"):
        store(tmp_path, "a.csv", b"other")
    assert (tmp_path / "a.csv").read_bytes() == b"first"
    with (tmp_path / "a.csv").open("rb") as reader:
        assert not store(tmp_path, "a.csv", b"other", replace=True)
        assert reader.read() == b"first"  # a job that reads goes on
    assert (tmp_path / "a.csv").read_bytes() == b"other"
    assert names(tmp_path) == ["a.csv"]


def test_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    for replace in (False, True):
        with pytest.raises(TableExists):
            store(tmp_path, "a.csv", b"x", replace=replace)
    assert DataFolder(tmp_path).tables() == []
    with pytest.raises(TableNotFound):
        DataFolder(tmp_path).delete("a.csv")


def test_link_is_replaced_and_what_it_leads_to_is_kept(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "data"
    outside.write_bytes(b"kept")
    folder.mkdir()
    (folder / "a.csv").symlink_to(outside)
    store(folder, "a.csv", b"new", replace=True)
    assert (outside.read_bytes(), (folder / "a.csv").read_bytes()) == (b"kept", b"new")


@pytest.mark.parametrize("replace", [False, True])
def test_table_that_is_refused_leaves_nothing(tmp_path: Path, replace: bool) -> None:
    with pytest.raises(DataError):
        DataFolder(tmp_path).store("a.csv", content(b"x"), refuse, replace=replace)
    assert not [*tmp_path.iterdir()]


def test_check_leaves_nothing(tmp_path: Path) -> None:
    seen = []
    DataFolder(tmp_path).check(
        "a.csv", content(b"x"), lambda path: seen.append((path.parent, path.read_bytes()))
    )
    assert seen == [(tmp_path, b"x")]
    assert not [*tmp_path.iterdir()]


def test_of_two_uploads_at_once_one_is_stored(tmp_path: Path) -> None:
    both = threading.Barrier(2)
    results: list[object] = []

    def upload(text: bytes) -> None:
        def check(path: Path) -> None:
            both.wait(30)

        try:
            DataFolder(tmp_path).store("a.csv", content(text), check, replace=False)
        except TableExists as error:
            results.append(error.name)
        else:
            results.append(text)

    threads = [threading.Thread(target=upload, args=(text,)) for text in (b"one", b"two")]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    (stored,) = (each for each in results if isinstance(each, bytes))
    assert "a.csv" in results
    assert (tmp_path / "a.csv").read_bytes() == stored
    assert names(tmp_path) == ["a.csv"]


def test_only_tables_are_listed(tmp_path: Path) -> None:
    for name in ("b.csv", "a.xlsx", ".hidden.csv", "notes", "b.py"):
        (tmp_path / name).write_bytes(b"12345")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere")
    assert [(each.name, each.size_bytes) for each in DataFolder(tmp_path).tables()] == [
        ("a.xlsx", 5),
        ("b.csv", 5),
    ]
    assert DataFolder(tmp_path / "none").tables() == []


def test_deleted_table_is_gone(tmp_path: Path) -> None:
    store(tmp_path, "a.csv", b"x")
    DataFolder(tmp_path).delete("a.csv")
    with pytest.raises(TableNotFound, match=r"no table a\.csv"):
        DataFolder(tmp_path).delete("a.csv")
    with pytest.raises(TableNotFound):
        DataFolder(tmp_path).find("a.csv")


def test_file_without_a_name_leaves_nothing(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "data").open_unnamed() as file:
        file.write(b"x")
        assert not [*(tmp_path / "data").iterdir()]


def test_old_temporary_files_are_removed(tmp_path: Path) -> None:
    old, new = (durable_file.temporary_path(tmp_path / "a.csv") for _ in range(2))
    for each in (old, new):
        each.write_bytes(b"x")
    two_hours_ago = time.time() - 7200
    os.utime(old, (two_hours_ago, two_hours_ago))
    store(tmp_path, "b.csv", b"x")
    assert not old.exists()
    assert new.exists()
