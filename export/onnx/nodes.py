"""The nodes of an ONNX graph and its constants, while it is made."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.onnx.messages import Attribute, node, tensor


class Nodes:
    """Collects nodes and constants, and names their outputs.

    Parameters
    ----------
    taken : names that are not given to an output

    Attributes
    ----------
    nodes, constants : messages, in order
    tensors : the outputs that hold the vectors of a graph of `export.graph`, by the vectors' names
    """

    def __init__(self, taken: tuple[str, ...] = ()) -> None:
        self._prefix = "n"
        while any(name.startswith(self._prefix) for name in taken):
            self._prefix += "_"
        self.nodes: list[bytes] = []
        self.constants: list[bytes] = []
        self.tensors: dict[str, str] = {}

    def add(
        self,
        kind: str,
        *inputs: "str | float | NDArray[Any]",
        out: str = "",
        **attributes: Attribute,
    ) -> str:
        """Add a node and return the name of its output.

        Parameters
        ----------
        inputs : names of tensors, and constants
        out : the name of the output; by default a new one
        """
        names = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        out = out or self._name()
        domain = "ai.onnx.ml" if kind == "LabelEncoder" else ""
        self.nodes.append(node(kind, names, out, attributes, domain))
        return out

    def constant(self, value: float | NDArray[Any]) -> str:
        """Add a constant of float64 or int64 numbers and return its name."""
        name = self._name()
        self.constants.append(tensor(name, np.asarray(value)))
        return name

    def _name(self) -> str:
        return f"{self._prefix}{len(self.nodes) + len(self.constants)}"
