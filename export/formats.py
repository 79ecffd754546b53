"""The formats that a version can be written in."""

from collections.abc import Mapping

from export import c, javascript, json_document, onnx, sql
from export.errors import NotExportable, UnknownFormat
from export.source import Format, Source

FORMATS: dict[str, Format] = {  # by the suffix of the file
    "onnx": onnx.FORMAT,
    "c": c.FORMAT,
    "js": javascript.FORMAT,
    "json": json_document.FORMAT,
    "sql": sql.FORMAT,
}


def format_of(suffix: str, formats: Mapping[str, Format] = FORMATS) -> Format:
    """Return the format of files with a suffix, such as "onnx".

    Raises
    ------
    UnknownFormat
    """
    if (found := formats.get(suffix)) is None:
        raise UnknownFormat(f"{suffix!r} is no format; expected one of {', '.join(formats)}")
    return found


def write(source: Source, suffix: str, formats: Mapping[str, Format] = FORMATS) -> bytes:
    """Return the file of a version in a format.

    Raises
    ------
    UnknownFormat, NotExportable, LevelError
    """
    chosen = format_of(suffix, formats)
    if source.form and source.form not in chosen.forms:
        forms = f"expected {' or '.join(chosen.forms)}" if chosen.forms else "it has only one"
        raise NotExportable(f"{suffix} has no form {source.form!r}; {forms}")
    if (count := source.graph.constants) > chosen.max_constants:
        raise NotExportable(
            f"the version has {count:,} numbers; {suffix} can hold {chosen.max_constants:,}"
        )
    content = chosen.write(source)
    return content.encode() if isinstance(content, str) else content
