"""All that an API server has, of every kind that it serves: to compare what is there with what was."""

from dataclasses import dataclass

from devnodes import Lab
from hypertally.api.names import GROUP

#: They tell of what was, and go by themselves, after an hour.
_EVENTS = ("events", "events.events.k8s.io")

#: Signs of life of the kubelets, which begin with them some time after their nodes are ready.
_OF_KUBELETS = "kube-node-lease"


@dataclass(frozen=True, order=True)
class Thing:
    kind: str
    group: str
    namespace: str
    name: str


def everything(lab: Lab) -> frozenset[Thing]:
    kinds = [each for each in lab.kubectl("api-resources", "--verbs=list", "-o=name").split() if each not in _EVENTS]
    return frozenset(
        Thing(
            each["kind"], each["apiVersion"].rpartition("/")[0],
            each["metadata"].get("namespace", ""), each["metadata"]["name"],
        )
        for each in lab.get(",".join(kinds), "--all-namespaces")
        if each["metadata"].get("namespace") != _OF_KUBELETS
    )  # fmt: skip


def is_kept(thing: Thing, namespace: str) -> bool:
    """Whether docs/install.md says of it, below "Uninstall", that it stays."""
    kinds_and_records = thing.group == GROUP or thing.name.endswith(GROUP)
    return kinds_and_records or (thing.kind, thing.namespace, thing.name) in {
        ("Namespace", "", namespace),
        # The cluster's own in every namespace.
        ("ConfigMap", namespace, "kube-root-ca.crt"),
        ("ServiceAccount", namespace, "default"),
        # Who held what last.
        *(("Lease", namespace, name) for name in ("n1", "n2", "hypertally-controller")),
    }
