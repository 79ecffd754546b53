"""`python -m trainer.data.reading`: describe a file in a process of its own.

A file can need much memory and time, and may be made to. Its reader in a process of its own harms
no other. The standard input is a JSON object of the arguments of `describe_file`; the standard
output is one with the `table`, or with the `error` and the same `without_cells`.
"""

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from trainer.data.reading.description import describe_file
from trainer.data.reading.options import ReadingOptions
from trainer.errors import DataError

_KILL_THIS_FIRST = "1000"  # of the processes, if memory runs out; proc(5)


def main() -> None:
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_KILL_THIS_FIRST)
    json.dump(_described(json.load(sys.stdin)), sys.stdout)


def _described(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        options = ReadingOptions(
            asked["encoding"], tuple(asked["categories"]), asked["missing"] or "impute"
        )
        table = describe_file(
            Path(asked["path"]),
            asked["source"],
            asked["targets"],
            asked["features"],
            weights=asked["weights"],
            options=options,
        )
    except DataError as error:
        return {"error": str(error), "without_cells": error.without_cells}
    except (MemoryError, RecursionError):
        problem = f"{asked['source']} needs more memory than there is"
        return {"error": problem, "without_cells": problem}
    return {"table": table}


if __name__ == "__main__":
    main()
