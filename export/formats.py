"""The formats that a version can be written in."""

from collections.abc import Mapping

from export import c, javascript, onnx
from export.errors import NotExportable, UnknownFormat
from export.source import Format, Source

FORMATS: dict[str, Format] = {  # by the suffix of the file
    "onnx": onnx.FORMAT,
    "c": c.FORMAT,
    "js": javascript.FORMAT,
}


def write(source: Source, suffix: str, formats: Mapping[str, Format] = FORMATS) -> bytes:
    """Return the file of a version in a format.

    Parameters
    ----------
    suffix : of the file, such as "onnx"

    Raises
    ------
    UnknownFormat, NotExportable, LevelError
    """
    if (found := formats.get(suffix)) is None:
        raise UnknownFormat(f"{suffix!r} is no format; expected one of {', '.join(formats)}")
    if source.form and source.form not in found.forms:
        forms = f"expected {' or '.join(found.forms)}" if found.forms else "it has only one"
        raise NotExportable(f"{suffix} has no form {source.form!r}; {forms}")
    content = found.write(source)
    return content.encode() if isinstance(content, str) else content
