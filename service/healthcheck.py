"""`python -m service.healthcheck`: ask the service beside it whether it is ready.

For a container's HEALTHCHECK, every few seconds: the standard library alone, and little of it. It
prints the answer; its exit code is 0 for 200 and 1 for anything else.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

TIMEOUT_SECONDS = 2.0


def main() -> int:
    # not by `Settings`, whose import alone takes longer than all of this
    connection = HTTPConnection(
        "127.0.0.1", int(os.environ.get("NUMNET_PORT") or 8000), timeout=TIMEOUT_SECONDS
    )
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        print(answer.status, answer.read().decode())
    except (OSError, HTTPException) as error:
        print(error)
        return 1
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
