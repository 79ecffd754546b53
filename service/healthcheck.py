"""`python -m service.healthcheck`: ask the service on this machine whether it is ready.

Print the response, and exit with 0 if the status is 200, otherwise with 1. A container's
HEALTHCHECK runs it every few seconds, so it imports little, and only from the standard library.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

TIMEOUT_SECONDS = 2.0


def main() -> int:
    # Importing `Settings` would take longer than the check itself.
    port = int(os.environ.get("NUMNET_PORT") or 8000)
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        print(response.status, response.read().decode())
    except (OSError, HTTPException) as error:
        print(error)
        return 1
    return 0 if response.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
