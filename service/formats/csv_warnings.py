"""The last columns of CSV responses: what training had not, and whether a row is unfamiliar."""

import csv
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.model.prediction import Prediction


class Warnings:
    """The ends of lines. Rows with the same warnings share one text, because few texts occur.

    Attributes
    ----------
    names : of the columns
    """

    def __init__(self, prediction: Prediction) -> None:
        self._prediction = prediction
        self._features = np.array(prediction.version.model.features)
        self._texts = dict[bytes, bytes]()
        is_told = {"unseen": prediction.unseen, "unfamiliar": prediction.unfamiliar}
        self.names = [
            "extrapolating",
            *(name for name, told in is_told.items() if told is not None),
        ]
        self._plain = self._text(np.zeros(len(self._flags(slice(1))[0]), np.bool_))

    def line_ends(self, rows: slice) -> bytes | list[bytes]:
        """Return the ends of some lines, with the delimiter before them; one text if none warns."""
        flags = self._flags(rows)
        if not flags.any():
            return self._plain
        packed = np.packbits(flags, axis=1)
        keys: list[bytes] = packed.view(f"V{packed.shape[1]}").ravel().tolist()
        for key in set(keys).difference(self._texts):
            bits = np.unpackbits(np.frombuffer(key, np.uint8), count=flags.shape[1])
            self._texts[key] = self._text(bits.astype(np.bool_))
        return list(map(self._texts.__getitem__, keys))

    def _flags(self, rows: slice) -> NDArray[np.bool_]:
        """Return a matrix of all that is told of some rows."""
        found = self._prediction
        told: list[NDArray[Any]] = [found.out_of_range[rows]]
        if found.unseen is not None:
            told.append(found.unseen[rows])
        if found.unfamiliar is not None:
            told.append(found.unfamiliar[rows, None])
        return np.hstack(told)

    def _text(self, flags: NDArray[np.bool_]) -> bytes:
        """Return the cells of a row: names of features joined by semicolons, and a boolean."""
        width, cells = len(self._features), list[str]()
        for start, name in zip(range(0, len(flags), width), self.names, strict=True):
            part = flags[start : start + width]
            word = "true" if part[0] else "false"
            cells.append(word if name == "unfamiliar" else ";".join(self._features[part]))
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerow(["", *cells])
        return file.getvalue().encode()
