"""The files of the pages, in memory, under a path with a hash of them all.

One hash for all files lets a module import another one by a relative path.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from flask import Response, request
from werkzeug.exceptions import NotFound

from export.report.figures import STYLE as FIGURES

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOREVER = "public, max-age=31536000, immutable"
_DIGEST_LENGTH = 16  # hexadecimal digits


@dataclass(frozen=True)
class StaticFile:
    """A file as it is sent."""

    content: bytes
    compressed: bytes
    media_type: str


class StaticFiles:
    """The files of a folder; all are read when this is made.

    Attributes
    ----------
    digest : hash of all names and contents
    """

    def __init__(self, files: Mapping[str, StaticFile]) -> None:
        self._files = files
        hashed = hashlib.sha256()
        for name, file in sorted(files.items()):
            hashed.update(f"{name}\0{len(file.content)}\0".encode() + file.content)
        self.digest = hashed.hexdigest()[:_DIGEST_LENGTH]

    @classmethod
    def of_dashboard(cls) -> Self:
        """Return the style sheets, scripts and images of the dashboard."""
        paths = [each for each in FOLDER.rglob("*") if each.suffix in TYPES]
        files = {each.relative_to(FOLDER).as_posix(): _read(each) for each in paths}
        return cls(files | {FIGURES.name: _read(FIGURES)})

    def response(self, digest: str, name: str) -> Response:
        """Return a file.

        During a rolling update, a page of one release may ask a process of the other one for a
        file. It gets the file that there is, which is not to be kept under the other's hash.

        Raises
        ------
        NotFound
        """
        if (file := self._files.get(name)) is None:
            raise NotFound
        is_compressed = request.accept_encodings["gzip"] > 0
        response = Response(file.compressed if is_compressed else file.content)
        response.content_type = file.media_type
        if is_compressed:
            response.headers["Content-Encoding"] = "gzip"
        response.vary.add("Accept-Encoding")
        response.headers["Cache-Control"] = FOREVER if digest == self.digest else "no-store"
        return response


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    media_type = f"{TYPES[path.suffix]}; charset=utf-8"
    return StaticFile(content, gzip.compress(content, mtime=0), media_type)
