"""ONNX files, which other runtimes compute: opset 17, float64, written without a library.

References
----------
https://onnx.ai/onnx/operators and https://onnx.ai/onnx/repo-docs/IR.html.
"""

from export.onnx.file import FORMAT

__all__ = ["FORMAT"]
