"""What a file is, by its first bytes: text, Excel or Parquet, possibly compressed."""

import bz2
import codecs
import gzip
import importlib
import io
import lzma
import re
import zipfile
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import IO, Any, Literal, cast

from trainer.errors import DataError

HEAD_BYTES = 4096
MAX_NULS = 0.05  # of a text; a UTF-16 file without a byte order mark has more, too
_ZSTD_MODULES = ("compression.zstd", "backports.zstd", "zstandard")  # the first is Python 3.14's
_WIDE_MARKS = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}

_AS_CSV = "write its table as CSV"
_AS_PARQUET = "write its table as Parquet"
_EXTRACT = "extract the table"
_OTHER = (  # signature of a binary file, name, what to do
    (b"SQLite format 3\0", "an SQLite database", "export a table as CSV"),
    (b"\x93NUMPY", "a NumPy array", f"{_AS_CSV} with a header"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", f"{_AS_CSV} or Parquet"),
    (b"ARROW1", "an Arrow file", _AS_PARQUET),
    (b"FEA1", "a Feather file", _AS_PARQUET),
    (b"ORC", "an ORC file", _AS_PARQUET),
    (b"Obj\x01", "an Avro file", _AS_PARQUET),
    (b"$FL2", "an SPSS file", _AS_CSV),
    (b"RDX", "an R data file", _AS_CSV),
    (b"X\n\0\0\0", "an R data file", _AS_CSV),
    (b"\x80", "a Python pickle", _AS_CSV),
    (b"%PDF", "a PDF document", _AS_CSV),
    (b"\x89PNG", "a PNG image", _AS_CSV),
    (b"\xff\xd8\xff", "a JPEG image", _AS_CSV),
    (b"\x7fELF", "a program", _AS_CSV),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _EXTRACT),
    (b"Rar!", "a RAR archive", _EXTRACT),
)
_OTHER_TEXTS = (  # how the text begins, in lower case
    (re.compile(rb"<(!doctype )?html"), "an HTML page", "save the table itself as CSV"),
    (re.compile(rb"<\?xml"), "an XML document", _AS_CSV),
    (re.compile(rb"<stata_dta>"), "a Stata file", _AS_CSV),
    (re.compile(rb"\{\\rtf"), "an RTF document", _AS_CSV),
    (re.compile(rb'\{\s*["}]|\[\s*[\[{"\d\]-]'), "a JSON document", _AS_CSV),
    (re.compile(rb"@relation\s"), "an ARFF file", _AS_CSV),
)
_CONTROLS = bytes(range(9))  # characters that binary files have and texts have not
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # of Excel 97, among others
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")  # of data, and of none
_READ_FROM_THE_END = (b"PK", b"PAR1", _OLE)
_SPREADSHEETS = ("xl/", "content.xml")


@dataclass(frozen=True)
class Content:
    """The uncompressed bytes of a table.

    Attributes
    ----------
    stream : at its start; seekable unless it is a text
    about : the compression, such as "gzip"; empty if there is none
    byte_order_mark : the encoding that it stands for; empty without one of UTF-16 or UTF-32
    """

    kind: Literal["text", "Excel", "Parquet"]
    stream: IO[bytes]
    about: str = ""
    byte_order_mark: str = ""


def identify(stream: IO[bytes], name: str) -> Content:
    """Return what a stream holds, after decompressing it once.

    Parameters
    ----------
    stream : at its start
    name : of the file, in errors

    Raises
    ------
    DataError
        the file is of another kind, which is named, or needs a package that is not installed.
    """
    head, stream = _with_head(stream)
    if head.startswith(_READ_FROM_THE_END) and not stream.seekable():
        stream = io.BytesIO(stream.read())
    try:
        about, inner = _decompressed(head, stream, name)
        if inner is None:
            if stream.seekable():
                stream.seek(0)
            return _uncompressed(head, stream, name)
        head, inner = _with_head(inner)
        return replace(_uncompressed(head, inner, f"{name} ({about})"), about=about)
    except (DataError, OSError):
        raise
    except Exception as error:
        raise damaged(name, error) from error


def damaged(name: str, error: BaseException) -> DataError:
    """Return the error for compressed data that cannot be decompressed."""
    return DataError(f"{name} is damaged: {error or 'its compressed data ends early'}")


def _with_head(stream: IO[bytes]) -> tuple[bytes, IO[bytes]]:
    """Return the first bytes of a stream, and the stream at its start."""
    head = stream.read(HEAD_BYTES)
    if stream.seekable():
        stream.seek(0)
        return head, stream
    return head, io.BufferedReader(_Replay(head, stream))


class _Replay(io.RawIOBase):
    """A stream that cannot be rewound, with the bytes that were read from it before."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._head[: len(buffer)] or self._rest.read(len(buffer))
        self._head = self._head[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


def _decompressed(head: bytes, stream: IO[bytes], name: str) -> tuple[str, IO[bytes] | None]:
    """Return the name of the compression and what is in it; None if it is not compressed."""
    if head.startswith(b"\x1f\x8b"):
        return "gzip", cast("IO[bytes]", gzip.open(stream))
    if head.startswith(b"BZh") and head[4:10] in _BZIP2_BLOCKS:
        return "bzip2", bz2.open(stream)
    if head.startswith(b"\xfd7zXZ\0"):
        return "xz", lzma.open(stream)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return "zstd", _open_zstd(stream, name)
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        member = _member(zipfile.ZipFile(stream), name)
        return "zip", member
    return "", None


def _open_zstd(stream: IO[bytes], name: str) -> IO[bytes]:
    for module in _ZSTD_MODULES:
        with suppress(ImportError):
            opened: IO[bytes] = importlib.import_module(module).open(stream)
            return opened
    raise DataError(
        f"{name} is compressed by zstd: decompress it, or install the package backports.zstd"
    )


def _member(archive: zipfile.ZipFile, name: str) -> IO[bytes] | None:
    """Open the only file in an archive; return None if the archive is a spreadsheet."""
    names = [each for each in archive.namelist() if not each.endswith("/")]
    names = [each for each in names if not each.startswith("__MACOSX/")]
    if any(each.startswith(_SPREADSHEETS) for each in names):
        return None
    if names and all(each.endswith(".npy") for each in names):
        raise DataError(f"{name} is an archive of NumPy arrays (.npz): {_AS_CSV} with a header")
    if len(names) != 1:
        shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        raise DataError(
            f"{name} is a zip archive with {len(names)} files"
            f"{f' ({shown})' if shown else ''}: expected one table"
        )
    if archive.getinfo(names[0]).flag_bits & 1:
        raise DataError(f"{name} is an encrypted zip archive: extract the table")
    return archive.open(names[0])


def _uncompressed(head: bytes, stream: IO[bytes], name: str) -> Content:
    if head.startswith((b"PK\3\4", _OLE)):
        return Content("Excel", stream)
    for mark, encoding in _WIDE_MARKS.items():
        if head.startswith(mark):
            return Content("text", stream, byte_order_mark=encoding)
    is_binary = len(head.translate(None, _CONTROLS)) < len(head)
    if is_binary and head.startswith(b"PAR1"):
        return Content("Parquet", stream)
    if head[257:262] == b"ustar":
        raise DataError(f"{name} is a tar archive: {_EXTRACT}")
    text = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    found = [rest for signature, *rest in _OTHER if is_binary and head.startswith(signature)]
    found += [rest for pattern, *rest in _OTHER_TEXTS if pattern.match(text)]
    for what, advice in found:
        raise DataError(f"{name} is {what}, not a table of text: {advice}")
    return Content("text", stream)
