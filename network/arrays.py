"""The array type of the mathematics."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def freeze(instance: object, *names: str) -> None:
    """Replace attributes of a frozen dataclass by read-only float64 copies."""
    for name in names:
        array = np.array(getattr(instance, name), dtype=np.float64)
        array.setflags(write=False)
        object.__setattr__(instance, name, array)
