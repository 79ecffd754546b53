"""Privileges and limits of the containers of a project."""

import json

from tests.compose.conftest import Project, docker, inspect


def assert_contained(project: Project) -> None:
    """Assert that every container is unprivileged, read-only and limited in its resources."""
    for container in project.containers():
        document = inspect(container)
        name, host = document["Name"], document["HostConfig"]
        processes = _processes(container)
        assert processes, name
        for process in processes:
            assert "0" not in process["Uid"].split(), (name, process)
            for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                assert int(process[kind], 16) == 0, (name, process)
            assert process["NoNewPrivs"].strip() == "1", (name, process)
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


def _processes(container: str) -> list[dict[str, str]]:
    """Return `/proc/PID/status` of each process of a container."""
    text = docker("exec", container, "sh", "-c", "cat /proc/[0-9]*/status")
    return [
        dict(line.split(":", 1) for line in f"Name:{part}".splitlines() if ":" in line)
        for part in text.split("Name:")[1:]
    ]


def resident(container: str) -> float:
    """Return the resident megabytes of a container's processes, with shared memory counted once."""
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
    megabytes: float = json.loads(docker("exec", container, "python", "-c", script))
    assert megabytes > 0
    return megabytes
