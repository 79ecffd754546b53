"""A version as one JavaScript module, without dependencies."""

from export.javascript.module import javascript_module
from export.source import Format

FORMAT = Format("text/javascript", javascript_module)

__all__ = ["FORMAT", "javascript_module"]
