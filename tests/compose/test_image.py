"""The content of the image, and its behaviour without Compose."""

import json
import os
import re
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.http_api import Api
from benchmarks.ports import free_port
from tests.compose.conftest import BASE, COMPOSE_SECONDS, IMAGE, Project, docker, inspect
from tests.documents import ROOT, repository_copy, run, sections
from tests.patience import seconds, until

pytestmark = pytest.mark.compose

MB = 1e6
MOST_MEGABYTES = 124  # of all layers above the base image's, on disk


def inside(script: str, *options: str) -> str:
    """Return the output of a Python script in a container of the image."""
    return docker("run", "--rm", "--network=none", *options, IMAGE, "python", "-c", script)


def compressed(image: str) -> int:
    """Return the approximate size of an image's layers in a registry: gzip at its default level."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    size = 0
    with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as process:
        assert process.stdout
        while part := process.stdout.read(1 << 20):
            size += len(packer.compress(part))
    assert process.returncode == 0
    return size + len(packer.flush())


def test_image_is_small(image: str, figure: Callable[..., None]) -> None:
    if not docker("images", "--quiet", BASE):
        docker("pull", "--quiet", BASE)  # a build keeps it only in its cache
    above = layers(image) - layers(BASE)
    figure("image: above its base, on disk", above, "MB", MOST_MEGABYTES)
    sizes = inside(
        "import json, os\n"
        "def size(path):\n"
        "    return sum(os.stat(os.path.join(folder, name)).st_size\n"
        "               for folder, _, names in os.walk(path) for name in names)\n"
        "packages = '/opt/numnet/lib/python3.13/site-packages'\n"
        "found = {name: size(f'{packages}/{name}') for name in os.listdir(packages)}\n"
        "print(json.dumps(found | {'numnet itself': size('/app')}))"
    )
    largest = sorted(json.loads(sizes).items(), key=lambda each: -each[1])[:6]
    for name, size in largest:
        figure(f"image: of it {name}", size / MB, "MB")
    whole_packed, base_packed = compressed(image) / MB, compressed(BASE) / MB
    figure("image: above its base, compressed", whole_packed - base_packed, "MB")
    figure(
        f"image: the whole, compressed, on a base of {base_packed:.0f} MB", whole_packed, "MB", 90
    )
    assert above <= MOST_MEGABYTES


def layers(image: str) -> float:
    """Return the megabytes on disk of all layers of an image."""
    sizes = docker("history", "--human=false", "--format={{.Size}}", image)
    return sum(map(int, sizes.split())) / MB


def test_image_contains_only_what_runs(image: str) -> None:
    assert inside("import os; print(*sorted(os.listdir('/app')))") == (
        "LICENSE config export network registry requirements service trainer\n"
    )
    found = inside(
        "import shutil, importlib.util as u\n"
        "print([n for n in ('gcc', 'cc', 'make', 'git', 'curl') if shutil.which(n)],\n"
        "      [n for n in ('pip', 'pytest', 'ruff', 'scipy') if u.find_spec(n)])"
    )
    assert found == "[] []\n"


def test_packages_are_those_of_the_lock_file(image: str) -> None:
    locked = (ROOT / "requirements" / "run.txt").read_text()
    wanted = dict(re.findall(r"^([\w-]+)==(\S+)", locked, flags=re.M))
    del wanted["numpy"]  # the file has one for each Python version
    installed = json.loads(
        inside(
            "import importlib.metadata as m, json\n"
            "print(json.dumps({d.name.lower().replace('_', '-'): d.version"
            " for d in m.distributions(path=['/opt/numnet/lib/python3.13/site-packages'])}))"
        )
    )
    assert installed.pop("numpy") in locked
    assert installed == wanted


def test_user_cannot_change_code(image: str) -> None:
    script = (
        "import os\n"
        "writable = [path for root in ('/app', '/opt', '/usr', '/etc')\n"
        "            for folder, folders, names in os.walk(root)\n"
        "            for path in [folder, *(os.path.join(folder, n) for n in names)]\n"
        "            if not os.path.islink(path) and os.access(path, os.W_OK)]\n"
        "print(os.getuid(), os.getgid(), writable)"
    )
    assert inside(script) == "10001 10001 []\n"


def test_every_module_is_compiled(image: str) -> None:
    script = (
        "import importlib.util as u, pathlib\n"
        "print([str(p) for root in ('/app', '/opt/numnet/lib') for p in "
        "pathlib.Path(root).rglob('*.py')\n"
        "       if not pathlib.Path(u.cache_from_source(p)).exists()])"
    )
    assert inside(script) == "[]\n"


def test_rebuild_after_a_change_of_one_line_is_fast(
    image: str, tmp_path: Path, figure: Callable[..., None]
) -> None:
    project = Project(repository_copy(tmp_path / "numnet"), "rebuild")
    with (project.clone / "service" / "api" / "predict.py").open("a") as file:
        file.write("# one line more\n")
    with built(project) as (tag, seconds):
        figure("rebuild after a change of one line", seconds, "s", 5)
        last = "print(open('/app/service/api/predict.py').read().splitlines()[-1])"
        assert docker("run", "--rm", tag, "python", "-c", last) == "# one line more\n"


def test_code_is_readable_whatever_the_modes_in_the_clone(image: str, tmp_path: Path) -> None:
    project = Project(repository_copy(tmp_path / "numnet"), "umask")
    subprocess.run(["chmod", "-R", "go=", str(project.clone)], check=True)
    with built(project) as (tag, _):
        docker("run", "--rm", tag, "python", "-c", "import service.app, trainer.worker")


def test_image_has_labels_user_port_and_health_check(image: str) -> None:
    config = inspect(image)["Config"]
    assert config["Labels"]["org.opencontainers.image.title"] == "numnet"
    assert config["Labels"]["org.opencontainers.image.licenses"] == "MIT"
    assert config["User"] == "10001:10001"
    assert config["StopSignal"] == "SIGTERM"
    assert list(config["ExposedPorts"]) == ["8000/tcp"]
    assert config["Healthcheck"]["Test"] == ["CMD", "python", "-m", "service.healthcheck"]


@pytest.mark.parametrize("options", [[], ["--init"]])
def test_service_stops_gracefully_as_first_process_and_under_init(
    image: str, options: list[str]
) -> None:
    container = docker("run", "--detach", *options, image).strip()
    try:
        until(lambda: "Booting worker" in logs(container), 120)
        docker("stop", "--time", "20", container)
        assert inspect(container)["State"]["ExitCode"] == 0  # 137 if it is killed after 20 s
    finally:
        docker("rm", "--force", container)


def test_docker_run_commands_of_the_document_work(image: str) -> None:
    _, (_, script) = sections("docs/deployment.md")["The image"]
    name, api = f"numnet-test-by-hand-{os.getpid()}", Api(free_port())
    script = script.replace("127.0.0.1:8000", f"127.0.0.1:{api.port}").replace("numnet", name)
    docker("tag", image, name)
    try:
        run(script, ROOT, dict(os.environ))
        until(api.ready, 120)
    finally:
        docker("rm", "--force", name, f"{name}-trainer")
        docker("volume", "rm", *(f"{name}-{each}" for each in ("models", "state", "data")))
        docker("rmi", name)


def test_wrong_setting_ends_the_container_with_the_reason(image: str) -> None:
    done = subprocess.run(
        ["docker", "run", "--rm", "--env", "NUMNET_WORKERS=none", image],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds(COMPOSE_SECONDS),
    )
    assert done.returncode == 1
    assert done.stderr == "error: NUMNET_WORKERS=none: expected a whole number from 1 to 1024\n"


@contextmanager
def built(project: Project) -> Iterator[tuple[str, float]]:
    """Build an image of the project's files for the block; yield its tag and the seconds."""
    tag = f"{IMAGE}-other"
    begun = time.monotonic()
    project.compose("build", NUMNET_IMAGE=tag)
    try:
        yield tag, time.monotonic() - begun
    finally:
        docker("rmi", tag)


def logs(container: str) -> str:
    done = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr
