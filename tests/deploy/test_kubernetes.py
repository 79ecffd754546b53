"""`deploy/kubernetes.yaml` is valid, and agrees with the image and the settings."""

import copy
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from config import Settings, SettingsError

MANIFEST = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes.yaml"
DOCUMENTS: list[dict[str, Any]] = list(yaml.safe_load_all(MANIFEST.read_text()))
FOLDERS = {"/models", "/state", "/data"}  # NUMNET_MODELS, _STATE and _DATA in the Dockerfile
USER = 10001  # the Dockerfile's
KUBERNETES = kubernetes_validate.latest_version()


def validate(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, KUBERNETES, strict=True)


def name_of(document: dict[str, Any]) -> str:
    return f"{document['kind']} {document['metadata']['name']}"


def named(name: str) -> dict[str, Any]:
    (document,) = (each for each in DOCUMENTS if name_of(each) == name)
    return document


def pod_of(document: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = document["spec"]["template"]["spec"]
    return pod


def variables() -> Iterator[dict[str, Any]]:
    for pod in map(pod_of, DEPLOYMENTS):
        for container in pod["containers"]:
            yield from container.get("env", [])


def mounted(container: dict[str, Any]) -> set[str]:
    return {mount["mountPath"] for mount in container["volumeMounts"]}


DEPLOYMENTS = [each for each in DOCUMENTS if each["kind"] == "Deployment"]
of_each_deployment = pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=name_of)


def test_manifest_is_complete() -> None:
    assert [name_of(each) for each in DOCUMENTS] == [
        "Secret numnet",
        "PersistentVolumeClaim numnet-models",
        "PersistentVolumeClaim numnet-data",
        "Deployment numnet",
        "Deployment numnet-trainer",
        "Service numnet",
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_misspelled_field_is_refused() -> None:
    document = copy.deepcopy(named("Deployment numnet"))
    (container,) = pod_of(document)["containers"]
    container["readinesProbe"] = container.pop("readinessProbe")
    with pytest.raises(kubernetes_validate.ValidationError, match="readinesProbe"):
        validate(document)


def test_variable_that_is_a_number_is_refused() -> None:
    document = copy.deepcopy(named("Deployment numnet"))
    pod_of(document)["containers"][0]["env"] = [{"name": "NUMNET_WORKERS", "value": 2}]
    with pytest.raises(kubernetes_validate.ValidationError, match="2 is not of type"):
        validate(document)


@of_each_deployment
def test_every_container_runs_without_privileges(deployment: dict[str, Any]) -> None:
    pod = pod_of(deployment)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in pod["containers"] + pod.get("initContainers", []):
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} <= container["resources"]["limits"].keys()


def test_every_variable_is_a_setting() -> None:
    settings = {f"NUMNET_{field.name.upper()}" for field in fields(Settings)}
    names = {variable["name"] for variable in variables()}
    assert {name.removesuffix("_FILE") for name in names} <= settings
    assert {"NUMNET_DATABASE_URL", "NUMNET_ADMIN_TOKEN", "NUMNET_WORKERS"} <= names


@of_each_deployment
def test_service_links_are_disabled(deployment: dict[str, Any]) -> None:
    assert pod_of(deployment)["enableServiceLinks"] is False  # NUMNET_PORT=tcp://10.0.0.1:80


def test_every_value_is_accepted_by_the_settings() -> None:
    given = {each["name"]: each["value"] for each in variables() if "value" in each}
    assert Settings.from_environment(given).workers == 2


def test_every_secret_is_in_the_manifest() -> None:
    references = [each["valueFrom"]["secretKeyRef"] for each in variables() if "valueFrom" in each]
    used = {(reference["name"], reference["key"]) for reference in references}
    assert used == {("numnet", key) for key in named("Secret numnet")["stringData"]}


def test_placeholder_of_a_secret_is_refused() -> None:
    values = named("Secret numnet")["stringData"]
    with pytest.raises(SettingsError, match="NUMNET_ADMIN_TOKEN: expected"):
        Settings.from_environment({"NUMNET_ADMIN_TOKEN": values["admin-token"]})
    with pytest.raises(SettingsError, match="NUMNET_DATABASE_URL: expected"):
        Settings.from_environment({"NUMNET_DATABASE_URL": values["database-url"]})


def test_writable_folders_are_mounted() -> None:
    (service,) = pod_of(named("Deployment numnet"))["containers"]
    (trainer,) = pod_of(named("Deployment numnet-trainer"))["containers"]
    assert mounted(service) == FOLDERS | {"/tmp"}
    assert mounted(trainer) == FOLDERS | {"/tmp"}


@of_each_deployment
def test_every_mount_has_its_volume(deployment: dict[str, Any]) -> None:
    pod = pod_of(deployment)
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["name"] for each in pod["containers"] for mount in each["volumeMounts"]}
    assert mounts == volumes.keys()
    for volume in volumes.values():
        if "persistentVolumeClaim" in volume:
            named(f"PersistentVolumeClaim {volume['persistentVolumeClaim']['claimName']}")


def test_service_and_trainer_share_the_models() -> None:
    claim = {"name": "models", "persistentVolumeClaim": {"claimName": "numnet-models"}}
    for deployment in DEPLOYMENTS:
        assert claim in pod_of(deployment)["volumes"]
    access = named("PersistentVolumeClaim numnet-models")["spec"]["accessModes"]
    assert access == ["ReadWriteMany"]


@of_each_deployment
def test_deployment_selects_its_own_pods(deployment: dict[str, Any]) -> None:
    spec = deployment["spec"]
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]


def test_requests_reach_only_the_service() -> None:
    spec = named("Service numnet")["spec"]
    reached = [
        deployment
        for deployment in DEPLOYMENTS
        if spec["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    ]
    assert list(map(name_of, reached)) == ["Deployment numnet"]
    (container,) = pod_of(reached[0])["containers"]
    (port,) = spec["ports"]
    assert {"name": port["targetPort"], "containerPort": Settings.port} in container["ports"]


def test_only_the_readiness_probe_needs_a_model() -> None:
    (container,) = pod_of(named("Deployment numnet"))["containers"]
    assert {
        probe: container[probe]["httpGet"]["path"] for probe in container if probe.endswith("Probe")
    } == {"startupProbe": "/livez", "readinessProbe": "/readyz", "livenessProbe": "/livez"}
