"""Which programs a cluster is made of, in which versions: read from the Go module that builds them."""

import hashlib
import platform
import re
from dataclasses import dataclass
from pathlib import Path

from devcluster.errors import ClusterError

MODULE = Path(__file__).resolve().parent.parent / "controlplane"

ETCD = "etcd"
APISERVER = "kube-apiserver"
KUBECTL = "kubectl"

#: Program -> the Go package that is its main package.
PACKAGES = {
    ETCD: "go.etcd.io/etcd/server/v3",
    APISERVER: "k8s.io/kubernetes/cmd/kube-apiserver",
    KUBECTL: "k8s.io/kubernetes/cmd/kubectl",
}


@dataclass(frozen=True)
class Pins:
    """The versions that go.mod pins, and a key that changes whenever the built programs would."""

    kubernetes: str
    etcd: str
    go: tuple[int, int]
    key: str

    @property
    def minor(self) -> int:
        """Kubernetes' minor version: 36 of v1.36.3."""
        return int(self.kubernetes.split(".")[1])


def read_pins(module: Path = MODULE) -> Pins:
    """The pins in that folder's go.mod and go.sum."""
    text = (module / "go.mod").read_text()
    digest = hashlib.sha256(text.encode() + (module / "go.sum").read_bytes() + platform.machine().encode())
    go = _find(r"^go (\d+\.\d+)", text, "the Go version").split(".")
    return Pins(
        kubernetes=_find(r"^\s*k8s\.io/kubernetes (v\S+)", text, "k8s.io/kubernetes"),
        etcd=_find(r"^\s*go\.etcd\.io/etcd/server/v3 (v\S+)", text, "go.etcd.io/etcd/server/v3"),
        go=(int(go[0]), int(go[1])),
        key=digest.hexdigest()[:16],
    )


def _find(pattern: str, text: str, what: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise ClusterError(f"hack/controlplane/go.mod does not pin {what}")
    return found.group(1)
