"""Run a server under test: `python -m tests.service.server.harness CONFIGURATION FOLDER`."""

import sys
from pathlib import Path

from tests.service.server.harness.adapter import serve
from tests.service.server.harness.configuration import Configuration

if __name__ == "__main__":
    serve(Path(sys.argv[2]), Configuration.load(sys.argv[1]))
