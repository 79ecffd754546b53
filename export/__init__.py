"""A version in other forms: files for other programs, and a report for people.

A format of files is a function of a `Source`, whose `graph` is the whole computation, and an entry
in `FORMATS`.
"""

from export.errors import ExportError, NotExportable, UnknownFormat
from export.formats import FORMATS, Format, Source, write

__all__ = [
    "FORMATS",
    "ExportError",
    "Format",
    "NotExportable",
    "Source",
    "UnknownFormat",
    "write",
]
