"""A version in other forms: files for other programs, and a report for people.

A format of files is a function of a `Source`, whose `graph` is the whole computation, and an entry
in `FORMATS`, whose key is the suffix of the file.
"""

from export.errors import ExportError, NotExportable, UnknownFormat
from export.formats import FORMATS, format_of, write
from export.source import Format, Source

__all__ = [
    "FORMATS",
    "ExportError",
    "Format",
    "NotExportable",
    "Source",
    "UnknownFormat",
    "format_of",
    "write",
]
