"""A wrong value is refused before anything is changed, by a message that names the key."""

import json
from pathlib import Path

import pytest
import yaml

from tests.helm.chart import CHART, HELMS, template

by_helm = pytest.mark.parametrize("helm", HELMS)

#: A value on the command line, and what each message must have in it.
WRONG = [
    ("agents.port=1", ["agents"]),
    ("agent.hostnetwork=true", ["agent", "hostnetwork"]),
    ("agent.hostNetwork=perhaps", ["agent", "hostNetwork"]),
    ("agent.port=80", ["agent", "port"]),
    ("agent.port=http", ["agent", "port"]),
    ("agent.config.intervall=3", ["agent", "config", "intervall"]),
    ("agent.config.listen=:80", ["agent", "config", "listen"]),
    ("agent.config.images-type=zfs", ["agent", "config", "images-type"]),
    ("agent.config.connection=qemu:///system", ["agent", "config", "connection"]),
    ("agent.image.name=x", ["agent", "image", "name"]),
    ("agent.image.repository=registry.example.org/agent:1", ["agent", "image", "repository"]),
    ("agent.image.digest=1234", ["agent", "image", "digest"]),
    ("agent.imageFolders={images}", ["agent", "imageFolders"]),
    ("agent.libvirt.socketDirectory=run", ["agent", "libvirt", "socketDirectory"]),
    ("agent.libvirt.groupId=libvirt", ["agent", "libvirt", "groupId"]),
    ("agent.maxUnavailable=all", ["agent", "maxUnavailable"]),
    ("agent.tolerations.key=a", ["agent", "tolerations"]),
    ("controller.replicas=0", ["controller", "replicas"]),
    ("controller.config.workers=many", ["controller", "config", "workers"]),
    ("controller.config.leader-elect=false", ["controller", "config", "leader-elect"]),
    ("image.pullPolicy=Sometimes", ["image", "pullPolicy"]),
    ("crds.keep=true", ["crds", "keep"]),
    ("metrics.serviceMonitor.interval=soon", ["metrics", "serviceMonitor", "interval"]),
    ("retire.deadlineSeconds=1", ["retire", "deadlineSeconds"]),
    ("metrics.serviceMonitor.enabled=true,metrics.podMonitor.enabled=true",
     ["metrics.serviceMonitor.enabled and metrics.podMonitor.enabled: allowed is one of them"]),
    ("metrics.serviceMonitor.enabled=true,metrics.services.enabled=false",
     ["metrics.serviceMonitor.enabled: true needs metrics.services.enabled: true"]),
    ("agent.config.images-type=lvm", ["agent.config.images-type: lvm needs agent.securityContext.privileged: true"]),
    ("metrics.kubeStateMetrics.enabled=true,metrics.kubeStateMetrics.serviceAccount.name=k",
     ["metrics.kubeStateMetrics.serviceAccount.namespace is missing"]),
    ("controller.config.agent-grace=300", ["retire.deadlineSeconds: 240 is too short, allowed is 390 or more"]),
]  # fmt: skip


@by_helm
@pytest.mark.parametrize(("value", "named"), WRONG, ids=[value for value, _ in WRONG])
def test_it_is_refused_and_named(helm: str, value: str, named: list[str]) -> None:
    done = template(helm, "--set", value)

    assert done.returncode != 0
    assert [word for word in named if word not in done.stderr] == []


def leaves(schema: object, path: str = "") -> dict[str, dict[str, object]]:
    """Every key that can be set, with its schema."""
    found: dict[str, dict[str, object]] = {}
    assert isinstance(schema, dict)
    for name, part in schema["properties"].items():
        key = f"{path}.{name}".lstrip(".")
        found |= leaves(part, key) if part.get("properties") else {key: part}
    return found


def objects_of(schema: object) -> list[dict[str, object]]:
    assert isinstance(schema, dict)
    inner = [part for part in schema.get("properties", {}).values() if part.get("properties")]
    return [schema, *(each for part in inner for each in objects_of(part))]


SCHEMA = json.loads((CHART / "values.schema.json").read_text())


def test_no_part_of_the_schema_takes_keys_that_it_does_not_know() -> None:
    assert [each["description"] for each in objects_of(SCHEMA) if each.get("additionalProperties") is not False] == []


def test_every_key_is_described() -> None:
    assert [key for key, part in leaves(SCHEMA).items() if not part.get("description")] == []


def test_every_key_but_the_programs_own_has_its_default_in_the_values() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    for key in leaves(SCHEMA):
        if ".config." not in key:
            place = values
            for name in key.split("."):
                assert name in place, f"{key} is not in {Path('helm/hypertally/values.yaml')}"
                place = place[name]
