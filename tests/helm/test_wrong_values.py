"""A wrong value is refused before anything is changed, by a message that names the key."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
    ("agent.config=null", ["agent", "config"]),
    ("rbac.create=null", ["rbac", "create"]),
    ("controller.replicas=null", ["controller", "replicas"]),
    ("agent.config.images-type=lvm,agent.securityContext.privileged=true,agent.podSecurityContext=null",
     ["agent.config.images-type: lvm needs"]),
    ("agent.serviceAccount.name=same,controller.serviceAccount.name=same",
     ['agent.serviceAccount.name and controller.serviceAccount.name: both are "same"', "two different accounts"]),
    ("agent.serviceAccount.name=hypertally-controller", ['both are "hypertally-controller"']),
    ("agent.serviceAccount.create=false", ["agent.serviceAccount.name is missing: with"]),
    ("controller.serviceAccount.create=false", ["controller.serviceAccount.name is missing: with"]),
    ("controller.serviceAccount.name=hypertally-retire",
     ['controller.serviceAccount.name: "hypertally-retire" is the account that ends', "allowed is any other"]),
    (r"agent.podLabels.app\.kubernetes\.io/name=x",
     ['agent.podLabels: "app.kubernetes.io/name" is set by the chart itself; allowed are keys other than']),
    (r"controller.podLabels.app\.kubernetes\.io/component=x", ['controller.podLabels: "app.kubernetes.io/component"']),
    (r"controller.podAnnotations.helm\.sh/hook=x", ['controller.podAnnotations: "helm.sh/hook"']),
    (r"agent.podAnnotations.checksum/config=x", ['agent.podAnnotations: "checksum/config"']),
    (r"metrics.rules.labels.app\.kubernetes\.io/part-of=x", ['metrics.rules.labels: "app.kubernetes.io/part-of"']),
    ("agent.hostNetwork=true,networkPolicy.metricsFrom[0].podSelector.matchLabels.a=b",
     ["networkPolicy.metricsFrom: with agent.hostNetwork: true it would not hold", "Allowed is"]),
    ("agent.imageFolders={/tmp}", ["agent.imageFolders: the folder /tmp ", "allowed are folders that are neither"]),
    ("agent.imageFolders={/srv/ok,/tmp/}", ["agent.imageFolders: the folder /tmp ", "where the agent's Pod has /tmp"]),
    ("agent.imageFolders={/srv/../etc}", ["agent.imageFolders: the folder /etc ", "has /etc/hypertally"]),
    ("agent.imageFolders={//}", ["agent.imageFolders: the folder / "]),
    ("agent.imageFolders={/run/libvirt/images}", ["agent.imageFolders: the folder /run/libvirt/images "]),
    ("agent.imageFolders={/etc/ceph},agent.config.images-type=rbd", ["agent.imageFolders: the folder /etc/ceph "]),
    ("agent.config.instances-path=/var", ["agent.config.instances-path: the folder /var "]),
    ("agent.config.instances-path=images", ['agent.config.instances-path: "images" is no absolute path']),
    ("agent.config.images-type=rbd,agent.config.ceph-conf=/etc/ceph.conf",
     ["agent.config.ceph-conf: the folder /etc "]),
    ("controller.config.leader-lease-name=who's",
     ['controller.config.leader-lease-name: "who\'s" is no name', "allowed are"]),
    (f"controller.config.leader-lease-name={'a' * 254}", ["controller.config.leader-lease-name", "at most 253"]),
    ("agent.extraEnv[0].name=HYPERTALLY_LISTEN",
     ["agent.extraEnv: HYPERTALLY_LISTEN", "other than HOME, HYPERTALLY_*", "to agent.config, its port to agent.port"]),
    ("agent.extraEnv[0].name=HOME", ["agent.extraEnv: HOME is not for this place"]),
    ("controller.extraEnv[0].name=TZ,controller.extraEnv[1].name=HYPERTALLY_LEADER_ELECT",
     ["controller.extraEnv: HYPERTALLY_LEADER_ELECT", "go to controller.config"]),
]  # fmt: skip

#: What is next to something wrong.
RIGHT = [
    "agent.hostNetwork=true,networkPolicy.enabled=false,networkPolicy.metricsFrom[0].podSelector.matchLabels.a=b",
    "agent.imageFolders={/srv/images,/tmpfiles,/usr/local/images,/var/lib/nova,/etc/ceph}",
    "agent.serviceAccount.name=a,agent.serviceAccount.create=false,controller.serviceAccount.name=b",
    "controller.config.leader-lease-name=of.the-cluster",
    r"agent.podLabels.example\.org/name=x,controller.podAnnotations.example\.org/hook=x",
    "agent.extraEnv[0].name=TZ,controller.extraEnv[0].name=HOME",
    "agent.podSecurityContext=null,agent.securityContext=null,agent.libvirt.groupId=7,agent.nodeSelector=null",
    "metrics.dashboards.enabled=true,metrics.dashboards.labels.grafana_dashboard=null",
    "agent.priorityClassName=null,controller.resources=null,controller.affinity=null,controller.extraEnv=null",
]


@by_helm
@pytest.mark.parametrize(("value", "named"), WRONG, ids=[value for value, _ in WRONG])
def test_it_is_refused_and_named(helm: str, value: str, named: list[str]) -> None:
    done = template(helm, "--set", value)

    assert done.returncode != 0
    assert [word for word in named if word not in done.stderr] == []


@pytest.mark.parametrize("value", RIGHT)
def test_what_is_next_to_it_is_taken(value: str) -> None:
    done = template("Helm 4", "--set", value)

    assert done.returncode == 0, done.stderr


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


def needed(schema: object, values: Any) -> Iterator[tuple[list[str], set[str]]]:
    """Of each part what it requires, and what it has to: a null in somebody's values takes a key away, and with it what
    the templates rely on. What may be empty may be away."""
    assert isinstance(schema, dict)
    parts = {name: part for name, part in schema["properties"].items() if name != "config" and part.get("properties")}
    plain = {name for name, value in values.items() if name not in parts and value not in ("", None, [], {})}
    free = {name for name in plain if isinstance(values[name], dict)} | {"priorityClassName"}
    yield schema.get("required", []), {*parts, *(plain - free), *({"config"} & schema["properties"].keys())}
    for name, part in parts.items():
        yield from needed(part, values[name])


def test_a_key_that_nothing_can_be_without_is_required() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    for required, has_to in needed(SCHEMA, values):
        assert set(required) == has_to


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
