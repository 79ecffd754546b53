"""Arrays in a `.npz` archive, read from bytes of unknown origin.

Members have to be stored without compression. Every declared size is compared with the bytes that
are there before memory is allocated for it.
"""

import io
import re
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from registry.errors import VersionRefused
from registry.npy_header import read_npy_header

MAX_MEMBER_BYTES = 128 * 1024 * 1024

Members = dict[str, NDArray[Any]]

_TYPE = re.compile(r"<f[248]|<u[248]|\|u1|<U[1-9]\d{0,2}")


def write_archive(members: Members) -> bytes:
    """Return an archive with the arrays, under their names."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **members)
    return file.getvalue()


def read_archive(content: bytes, max_members: int) -> Members:
    """Return the arrays of an archive by their names.

    Raises
    ------
    VersionRefused
        the content is not an archive, or is not as `write_archive` writes it.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _check_entries(entries, len(content), max_members)
            members: Members = {}
            for entry in entries:
                name = entry.filename.removesuffix(".npy")
                if name in members:
                    raise VersionRefused(f"{name[:40]!r} is in the file twice")
                members[name] = _array(name, archive.read(entry))
            return members
    except (zipfile.BadZipFile, EOFError, OverflowError, RuntimeError, ValueError) as error:
        raise VersionRefused(f"the file is damaged or cut short: {error}") from error


def _check_entries(entries: list[zipfile.ZipInfo], file_bytes: int, max_members: int) -> None:
    if len(entries) > max_members:
        raise VersionRefused(f"the file has {len(entries)} members; the limit is {max_members}")
    for entry in entries:
        name = entry.filename.removesuffix(".npy")[:40]
        if entry.compress_type != zipfile.ZIP_STORED:
            raise VersionRefused(f"{name!r} is compressed; expected stored members")
        if entry.file_size > MAX_MEMBER_BYTES:
            raise VersionRefused(
                f"{name!r} declares {entry.file_size:,} bytes; the limit is {MAX_MEMBER_BYTES:,}"
            )
    if (declared := sum(entry.file_size for entry in entries)) > file_bytes:
        raise VersionRefused(f"the members declare {declared:,} bytes; the file has {file_bytes:,}")


def _array(name: str, content: bytes) -> NDArray[Any]:
    """Return the array of one member, which shares the memory of the content."""
    try:
        header = read_npy_header(content)
    except ValueError as error:
        raise VersionRefused(f"{name[:40]!r} is not a .npy file: {error}") from error
    shape, dtype = header.shape, header.dtype
    if not _TYPE.fullmatch(dtype.str):
        raise VersionRefused(
            f"{name[:40]!r} has type {dtype.str!r}; expected plain numbers or text"
        )
    if header.data_bytes != (data_bytes := len(content) - header.start):
        raise VersionRefused(
            f"{name[:40]!r} has {data_bytes:,} bytes; "
            f"shape {shape} of {dtype} needs {header.data_bytes:,}"
        )
    return np.ndarray(shape, dtype, content, header.start, order=header.order)
