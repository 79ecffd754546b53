"""`trainer.worker` with a fault in what it makes: `python -m benchmarks.faulty_worker FAULT`."""

import sys
from typing import Any

import numpy as np

from registry import LocalStorage
from trainer import worker


def corrupt(storage: LocalStorage, key: str) -> None:
    """Turn one bit in the middle of a file."""
    path = storage.root / key
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def main(fault: str) -> None:
    create = LocalStorage.create

    def create_and_corrupt(self: LocalStorage, key: str, content: bytes) -> None:
        create(self, key, content)
        if key.endswith(".npz"):
            corrupt(self, key)

    if fault == "corrupted":
        LocalStorage.create = create_and_corrupt  # type: ignore[method-assign]  # the fault
    if fault == "nan":
        from trainer import retraining, training

        train = training.train

        def train_to_nan(*args: Any, **kwargs: Any) -> Any:
            trained = train(*args, **kwargs)
            theta = trained.model.theta.copy()
            theta[0] = np.nan
            object.__setattr__(trained.model, "theta", theta)
            return trained

        vars(retraining)["train"] = train_to_nan
    worker.main()


if __name__ == "__main__":
    main(sys.argv[1])
