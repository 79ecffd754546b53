"""ONNX as a format of exports."""

from export.onnx.folded import folded_file
from export.onnx.model import onnx_file
from export.source import Format, Source

FOLDED = "folded"


def _write(source: Source) -> bytes:
    return folded_file(source) if source.form == FOLDED else onnx_file(source)


FORMAT = Format("application/vnd.onnx", _write, (FOLDED,), max_constants=20_000_000)
