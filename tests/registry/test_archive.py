"""Archives made to harm the reader: pickles, zip bombs, false sizes and headers."""

import io
import os
import pickle
import struct
import tracemalloc
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy

from registry import VersionRefused
from registry.archive import Members, read_archive, write_archive

CONTENT = write_archive(
    {
        "format": np.array("numnet/1"),
        "weights_0": np.ones((2, 3)),
        "bias_0": np.ones(3),
        "card": np.frombuffer(b"{}" * 300, np.uint8),
    }
)


def read(content: bytes) -> Members:
    return read_archive(content, max_members=20)


def test_arrays_round_trip() -> None:
    arrays = {
        "text": np.array("größer"),
        "floats": np.array([[1.5, -0.0], [np.nan, np.inf]]),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "bytes": np.frombuffer(b"content", np.uint8),
        "empty": np.ones((0, 3)),
    }
    found = read(write_archive(arrays))
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    proof = tmp_path / "unpickled"
    objects = np.empty(1, dtype=object)
    objects[0] = Payload(proof)
    array, members = io.BytesIO(), io.BytesIO()
    np.save(array, objects, allow_pickle=True)
    np.savez(members, allow_pickle=True, weights_0=objects)
    for content in (
        members.getvalue(),
        zipped({"format": pickle.dumps(Payload(proof))}),
        array.getvalue(),
        pickle.dumps(Payload(proof)),
    ):
        with pytest.raises(VersionRefused):
            read(content)
        assert not proof.exists()
    np.load(io.BytesIO(array.getvalue()), allow_pickle=True)
    assert proof.exists()  # the payload would have worked


def entries_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def zipped(entries: dict[str, bytes], *more: tuple[str, bytes], compression: int = 0) -> bytes:
    """Return an archive; `more` may have names that are in it already."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, content in (*entries.items(), *more):
            archive.writestr(name, content)
    return file.getvalue()


def with_array(descr: str, shape: tuple[int, ...], data: bytes) -> bytes:
    """Return the archive with an array of any type, shape and data."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    header = npy.magic(1, 0) + struct.pack("<H", len(text)) + text.encode()
    return zipped(entries_of(CONTENT) | {"weights_0.npy": header + data})


def in_directory(field: int, value: int, width: str = "<L", entry: int = 0) -> bytes:
    """Return the archive with one field of one entry of its central directory overwritten."""
    start = -1
    for _ in range(entry + 1):
        start = CONTENT.index(b"PK\x01\x02", start + 1)
    damaged = bytearray(CONTENT)
    struct.pack_into(width, damaged, start + field, value)
    return bytes(damaged)


def far_away() -> bytes:
    """Return an archive whose only member claims to start after 2⁶⁴ − 1 bytes."""
    entry = zipfile.ZipInfo("format.npy")
    entry.extra = struct.pack("<HHQ", 0x9999, 8, 2**64 - 1)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(entry, b"")
    damaged = bytearray(file.getvalue().replace(b"\x99\x99", b"\x01\x00"))  # ZIP64's field
    struct.pack_into("<L", damaged, damaged.index(b"PK\x01\x02") + OFFSET, 0xFFFFFFFF)
    return bytes(damaged)


FLAGS, METHOD, BYTES, OFFSET = 8, 10, 24, 42
HOSTILE: dict[str, tuple[bytes, str]] = {
    "compressed members": (
        zipped(entries_of(CONTENT), compression=zipfile.ZIP_DEFLATED),
        r"^'format' is compressed; expected stored members$",
    ),
    "members compressed by an unknown method": (
        in_directory(METHOD, 99, "<H"),
        r"^'format' is compressed; expected stored members$",
    ),
    "a zip bomb": (
        zipped({"format.npy": bytes(20_000_000)}, compression=zipfile.ZIP_DEFLATED),
        r"^'format' is compressed; expected stored members$",
    ),
    "a member larger than the limit": (
        in_directory(BYTES, 200_000_000),
        r"^'format' declares 200,000,000 bytes; the limit is 134,217,728$",
    ),
    "a member larger than the file": (
        in_directory(BYTES, 100_000_000),
        r"^the members declare 100,00\d,\d{3} bytes; the file has \d,\d{3}$",
    ),
    "members larger than the file together": (
        in_directory(BYTES, len(CONTENT) - 100),
        r"^the members declare \d,\d{3} bytes; the file has \d,\d{3}$",
    ),
    "members that overlap": (in_directory(OFFSET, 0, entry=3), "damaged or cut short: "),
    "a member that starts after the end": (in_directory(OFFSET, 2**31), "damaged or cut short: "),
    "a member that starts beyond 64 bits": (far_away(), "damaged or cut short: "),
    "an encrypted member": (in_directory(FLAGS, 1, "<H"), "damaged or cut short: .*encrypted"),
    "a patched member": (in_directory(FLAGS, 32, "<H"), "damaged or cut short: .*patched"),
    "a name that is not text": (
        zipped({"é.npy": b""}).replace("é".encode(), b"\xff\xff"),
        "damaged or cut short: ",
    ),
    "two members with one name": (
        zipped(entries_of(CONTENT), ("card.npy", entries_of(CONTENT)["card.npy"])),
        "^'card' is in the file twice$",
    ),
    "two names of one member": (
        zipped(entries_of(CONTENT), ("card", entries_of(CONTENT)["card.npy"])),
        "^'card' is in the file twice$",
    ),
    "too many members": (
        zipped({f"weights_{index}.npy": b"" for index in range(21)}),
        "^the file has 21 members; the limit is 20$",
    ),
    "another kind of archive": (zipped({"word/document.xml": b"<xml/>"}), "'word/document"),
    "a long name": (zipped({"n" * 10_000: b""}), f"^'{'n' * 40}' is not a .npy file: "),
    "a member with a byte too many": (
        zipped(entries_of(CONTENT) | {"bias_0.npy": entries_of(CONTENT)["bias_0.npy"] + b"\0"}),
        r"^'bias_0' has 25 bytes; shape \(3,\) of float64 needs 24$",
    ),
    "an array without its data": (
        with_array("'<f8'", (50,), b""),
        r"^'weights_0' has 0 bytes; shape \(50,\) of float64 needs 400$",
    ),
    "an array of length 0 with data": (with_array("'<f8'", (0, 3), bytes(8)), "needs 0$"),
    "a huge array": (with_array("'<f8'", (2**29, 2**29), b""), "declares more data than it has$"),
    "huge text": (with_array("'<U268435456'", (1,), b""), "has type '<U268435456'; expected plain"),
    "wide text": (with_array("'<U1000'", (1,), bytes(4000)), "has type '<U1000'; expected plain"),
    "text of width 0": (with_array("'<U0'", (1,), b""), "has type '<U0'; expected plain numbers"),
    "objects": (with_array("'|O'", (1,), bytes(8)), r"has type '\|O'; expected plain numbers"),
    "a record": (with_array("[('a', '<f8')]", (1,), bytes(8)), r"has type '\|V8'; expected plain"),
}


@pytest.mark.parametrize(("content", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_archive_is_refused_without_allocating_memory(content: bytes, message: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(VersionRefused, match=message):
            read(content)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
