"""What the containers of a project may do."""

import json
from typing import Any

from tests.compose.conftest import Project, docker, inspect


def assert_contained(project: Project) -> None:
    """Every container runs as nobody of importance, on a root file system it cannot write to."""
    for container in project.containers():
        document = inspect(container)
        name, host = document["Name"], document["HostConfig"]
        status = _status(container)
        assert set(status["Uid"].split()) & {"0"} == set(), name
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status[kind], 16) == 0, (name, kind)
        assert status["NoNewPrivs"].strip() == "1", name
        refused = docker("exec", container, "sh", "-c", "touch /etc/x /usr/x /x 2>&1; :")
        assert refused.count("Read-only file system") == 3, (name, refused)
        assert host["ReadonlyRootfs"], name
        assert host["Memory"] > 0, name
        assert host["NanoCpus"] > 0, name
        assert 0 < host["PidsLimit"] <= 256, name
        assert host["RestartPolicy"]["Name"] == "unless-stopped", name
        assert host["LogConfig"] == {
            "Type": "json-file",
            "Config": {"max-file": "3", "max-size": "10m"},
        }, name
        for bindings in (host["PortBindings"] or {}).values():
            assert [each["HostIp"] for each in bindings] == ["127.0.0.1"], name


def _status(container: str) -> dict[str, Any]:
    """The kernel's words on the container's first process that is not its init."""
    text = docker("exec", container, "cat", "/proc/self/status")
    return dict(line.split(":", 1) for line in text.splitlines())


def resident(container: str) -> float:
    """Megabytes that a container's processes have resident, what they share counted once."""
    script = (
        "import glob, json, os\n"
        "total = 0\n"
        "for path in glob.glob('/proc/[0-9]*/smaps_rollup'):\n"
        "    if path.split('/')[2] == str(os.getpid()):\n"
        "        continue\n"
        "    try:\n"
        "        text = open(path).read()\n"
        "    except OSError:\n"
        "        continue\n"
        "    total += sum(int(l.split()[1]) for l in text.splitlines() if l.startswith('Pss:'))\n"
        "print(json.dumps(total * 1024 / 1e6))"
    )
    figure: float = json.loads(docker("exec", container, "python", "-c", script))
    return figure
