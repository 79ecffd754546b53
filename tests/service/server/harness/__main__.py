"""Start servers under test: the process that `Launcher` talks to.

Each line on standard input is a configuration and a folder. The process forks a master process for
it, answers with its process id, and writes its exit status to the folder when it ends. A fork takes
milliseconds, while a new process would import the service for most of a second.
"""

import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from tests.service.server.harness.adapter import serve
from tests.service.server.harness.configuration import Configuration

folders: dict[int, Path] = {}  # of running servers, by process id


def become_server(configuration: Configuration, folder: Path) -> NoReturn:
    """Run a server in this process, which has just been forked."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for number, path in ((0, Path(os.devnull)), (1, folder / "stdout"), (2, folder / "stderr")):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    status = 1
    try:
        serve(folder, configuration)
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def note_ended_servers(*_: Any) -> None:
    """Write the exit status of every server that has ended."""
    while folders:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        ending = folders.pop(pid) / "exit"
        ending.with_suffix(".part").write_text(str(os.waitstatus_to_exitcode(status)))
        ending.with_suffix(".part").rename(ending)


def main() -> None:
    signal.signal(signal.SIGCHLD, note_ended_servers)
    for line in sys.stdin:
        configuration, folder = json.loads(line)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])  # until the folder is noted
        pid = os.fork()
        if not pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
            become_server(Configuration.load(configuration), Path(folder))
        folders[pid] = Path(folder)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        print(pid, flush=True)  # the answer


if __name__ == "__main__":
    main()
