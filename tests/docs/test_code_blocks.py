"""Every code block of the README and the docs is executed or checked by some test."""

import re

from config import Settings
from tests.client.test_manual import SECTIONS as MANUAL_OF_THE_CLIENT
from tests.documents import DOCUMENTS, ROOT, sections
from tests.e2e.test_readme import CHECKED_ELSEWHERE, EXECUTED

EXECUTED_LANGUAGES = {"sh", "python", "json", "text", "crontab"}
CHECKED_BY = {
    ("README.md", "Start with Docker Compose"): "tests/compose/test_one_machine.py",
    ("docs/command.md", "One row"): "tests/client/command/test_manual.py",
    ("docs/command.md", "A table"): "tests/client/command/test_manual.py",
    ("docs/command.md", "Train and release"): "tests/client/command/test_manual.py",
    ("docs/command.md", "Tokens"): "tests/client/command/test_manual.py",
    ("docs/command.md", "Programs"): "tests/client/command/test_manual.py",
    ("docs/http.md", "The Open Inference Protocol"): "tests/e2e/clients/test_tritonclient.py",
    ("docs/operations.md", "Monitoring"): "tests/deploy/test_monitoring.py",
    ("docs/client.md", "Install"): "tests/client/test_distribution.py",
    **{("docs/client.md", name): "tests/client/test_manual.py" for name in MANUAL_OF_THE_CLIENT},
    ("docs/model-file.md", "Predict with NumPy"): "tests/docs/test_model_file.py",
    ("docs/model-file.md", "Categories, dates and missing cells"): "tests/docs/test_model_file.py",
    ("docs/exports.md", ""): "tests/docs/test_exports.py",
    ("docs/exports.md", "ONNX"): "tests/docs/test_exports.py",
    ("docs/exports.md", "C"): "tests/docs/test_exports.py",
    ("docs/exports.md", "JavaScript"): "tests/docs/test_exports.py",
    ("docs/exports.md", "SQL"): "tests/docs/test_exports.py",
    ("docs/exports.md", "JSON"): "tests/docs/test_exports.py",
    ("docs/deployment.md", "The image"): "tests/compose/test_image.py",
    ("docs/deployment.md", "One machine"): "tests/compose/test_one_machine.py",
    ("docs/deployment.md", "Replicas"): "tests/compose/test_replicas.py",
    ("docs/deployment.md", "Backup and restore"): "tests/compose/test_replicas.py",
}
NOT_EXECUTED = {
    ("docs/deployment.md", "Upgrade"): "git pull needs a remote repository",
    ("docs/deployment.md", "Replicas"): "the test of rolling updates runs these under load",
    ("docs/deployment.md", "TLS and access"): "needs nginx or Caddy, Prometheus and a domain",
    ("docs/deployment.md", "Kubernetes"): "needs a cluster",
    ("docs/operations.md", "Several machines"): "checked below; the database is an example",
    ("docs/operations.md", "Logs"): "`make run` does not end; the job is an example",
}


def test_every_block_is_executed_or_has_a_test_of_its_own() -> None:
    for document in DOCUMENTS:
        for heading, found in sections(document).items():
            for language, code in found:
                section = document, heading
                if not language:
                    continue  # a diagram
                if section in CHECKED_BY and language != "console":
                    test = (ROOT / CHECKED_BY[section]).read_text()
                    assert f'sections("{document}")["{heading}"]' in test or heading in test
                elif language in EXECUTED_LANGUAGES:
                    assert document in EXECUTED, section
                else:
                    assert section in NOT_EXECUTED, code


def test_sections_left_out_of_execution_have_a_test() -> None:
    assert CHECKED_BY.keys() >= CHECKED_ELSEWHERE


def test_the_database_url_of_the_example_is_accepted() -> None:
    [(_, code)] = sections("docs/operations.md")["Several machines"]
    [(name, value)] = re.findall(r"^export (\w+)=(\S+)$", code, flags=re.M)
    assert Settings.from_environment({name: value}).jobs_url == value
