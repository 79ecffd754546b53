"""The tables in the data folder that were uploaded, or that can be replaced by an upload."""

import filecmp
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from registry.files import durable_file
from trainer.errors import TableExists, TableNameError, TableNotFound

EXTENSIONS = ("csv", "tsv", "tab", "txt", "dat", "xlsx", "xlsm", "xlsb", "xls", "ods", "parquet")
COMPRESSIONS = ("gz", "bz2", "xz", "zip", "zst")
MAX_NAME_LENGTH = 100
EXPECTED_NAME = (
    f"1 to {MAX_NAME_LENGTH} letters, digits, `-`, `_` and `.`, a letter or digit first, and an "
    f"extension: {', '.join(EXTENSIONS)}, possibly followed by {', '.join(COMPRESSIONS)}"
)
NAME_PATTERN = (
    rf"[A-Za-z0-9][A-Za-z0-9._-]*\.(?i:{'|'.join(EXTENSIONS)})(?i:\.({'|'.join(COMPRESSIONS)}))?"
)
_NAME = re.compile(NAME_PATTERN)
_ABANDONED_SECONDS = 3600.0


@dataclass(frozen=True)
class StoredTable:
    """A file in the data folder."""

    name: str
    size_bytes: int
    modified_at: datetime


class DataFolder:
    """The tables in a folder, which need not exist yet; those in its folders are left alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def tables(self) -> list[StoredTable]:
        """Return the tables by name.

        Raises
        ------
        OSError
        """
        found = []
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):
                        if is_table_name(entry.name) and entry.is_file():
                            found.append(_stored(entry.name, entry.stat()))
        except FileNotFoundError:
            return []
        return sorted(found, key=lambda each: each.name)

    def find(self, name: str) -> StoredTable:
        """Return a table.

        Raises
        ------
        TableNameError, TableNotFound, OSError
        """
        try:
            status = self._path(name).stat()
        except FileNotFoundError:
            raise TableNotFound(name) from None
        if not stat.S_ISREG(status.st_mode):
            raise TableNotFound(name)
        return _stored(name, status)

    def open_unnamed(self) -> BinaryIO:
        """Open a temporary file in the folder that has no name, so that it cannot be left behind.

        Raises
        ------
        OSError
        """
        durable_file.make_folder(self._folder)
        return tempfile.TemporaryFile(dir=self._folder, buffering=0)

    def check(
        self, name: str, write: Callable[[BinaryIO], object], check: Callable[[Path], object]
    ) -> None:
        """Write a file, check it, and remove it.

        Raises
        ------
        TableNameError, OSError
        Exception
            what `write` and `check` raise.
        """
        with durable_file.draft(self._path(name)) as file:
            _write(file, write, check)

    def store(
        self,
        name: str,
        write: Callable[[BinaryIO], object],
        check: Callable[[Path], object],
        *,
        replace: bool,
    ) -> bool:
        """Write a table, which is there when it is complete and checked.

        A job that reads a table that is replaced goes on reading the old one.

        Parameters
        ----------
        write : writes the content
        check : raises if the file must not become the table
        replace : whether it may replace another one

        Returns
        -------
        is_new : False if it replaced another one

        Raises
        ------
        TableExists
            without `replace`, unless the content is the same.
        TableNameError, OSError
        Exception
            what `write` and `check` raise; nothing has changed then.
        """
        path = self._path(name)
        self._remove_abandoned()
        is_new = not os.path.lexists(path)
        if path.is_dir():
            raise TableExists(name)
        if replace:
            with durable_file.replace(path) as file:
                _write(file, write, check)
            return is_new
        is_same = False
        try:
            with durable_file.create(path) as file:
                write(file)
                file.flush()
                if not is_new and not _same_content(file.name, path):
                    raise TableExists(name)
                check(Path(file.name))
                is_same = _same_content(file.name, path)  # perhaps of another upload meanwhile
        except FileExistsError:
            if not is_same:
                raise TableExists(name) from None
        return not is_same

    def delete(self, name: str) -> None:
        """Delete a table.

        Raises
        ------
        TableNameError, TableNotFound, OSError
        """
        self.find(name)
        with suppress(FileNotFoundError):
            self._path(name).unlink()

    def _path(self, name: str) -> Path:
        if not is_table_name(name):
            raise TableNameError(f"a table's name must be {EXPECTED_NAME}")
        return self._folder / name

    def _remove_abandoned(self) -> None:
        """Delete temporary files that killed processes left long ago."""
        for path in durable_file.leftovers(self._folder):
            with suppress(OSError):
                if time.time() - path.lstat().st_mtime > _ABANDONED_SECONDS:
                    path.unlink()


def is_table_name(name: str) -> bool:
    """Return whether a table can have a name: no path, no hidden file, a known extension."""
    return len(name) <= MAX_NAME_LENGTH and bool(_NAME.fullmatch(name))


def _write(
    file: BinaryIO, write: Callable[[BinaryIO], object], check: Callable[[Path], object]
) -> None:
    write(file)
    file.flush()
    check(Path(file.name))


def _stored(name: str, status: os.stat_result) -> StoredTable:
    return StoredTable(name, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def _same_content(first: str, second: Path) -> bool:
    with suppress(FileNotFoundError):
        return filecmp.cmp(first, second, shallow=False)
    return False
