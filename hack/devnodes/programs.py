"""The programs of a node: those of Kubernetes and containerd, built once from pinned Go modules, and Debian's."""

import hashlib
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devcluster.build import alone
from devcluster.compiler import Compiler
from devcluster.golang import find_go
from devcluster.pins import read_pins
from devcluster.programs import cache_home
from devcluster.progress import Progress
from devhost.programs import search_path
from devnodes.errors import MissingPart

MODULES = Path(__file__).resolve().parent.parent / "nodeprograms"

_KUBERNETES = "k8s.io/kubernetes/cmd"
_CONTAINERD = "github.com/containerd/containerd/v2/cmd"

#: Folder of the Go module -> program -> the Go package that is its main package.
PACKAGES: Mapping[str, Mapping[str, str]] = {
    "kubernetes": {
        name: f"{_KUBERNETES}/{name}" for name in ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
    },
    "containerd": {name: f"{_CONTAINERD}/{name}" for name in ("containerd", "containerd-shim-runc-v2", "ctr")},
}

#: Program -> Debian's package.
DEBIAN = {
    "libvirtd": "libvirt-daemon-system",
    "virsh": "libvirt-clients",
    "qemu-system-x86_64": "qemu-system-x86",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "ip": "iproute2",
    "nft": "nftables",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "/bin/busybox": "busybox-static",
}


@dataclass(frozen=True)
class NodePrograms:
    """`folder` has all that were built; containerd finds its shim by it."""

    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / name


def find_node_programs(progress: Progress, *, may_build: bool = True) -> NodePrograms:
    """Built first where that is needed. MissingPart names what is missing and how to get it."""
    _require_debian()
    folder = cache_home() / "programs" / f"nodes-{platform.machine()}-{_key()}"
    if missing := _missing(folder):
        if not may_build:
            names = ", ".join(name for programs in missing.values() for name in programs)
            raise MissingPart(f"missing: {names}. Build them with: make e2e (once, some minutes)")
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder.with_suffix(".lock"), progress):
            for module, programs in _missing(folder).items():
                _build(MODULES / module, programs, folder, progress)
    return NodePrograms(folder)


def _require_debian() -> None:
    missing = [program for program in DEBIAN if not shutil.which(program, path=search_path())]
    if missing:
        packages = " ".join(sorted({DEBIAN[program] for program in missing}))
        raise MissingPart(f"a node needs {', '.join(missing)}; install with: apt-get install {packages}")


def _key() -> str:
    digest = hashlib.sha256()
    for module in sorted(PACKAGES):
        for name in ("go.mod", "go.sum"):
            digest.update((MODULES / module / name).read_bytes())
    return digest.hexdigest()[:16]


def _missing(folder: Path) -> dict[str, dict[str, str]]:
    wanted = {
        module: {name: package for name, package in programs.items() if not os.access(folder / name, os.X_OK)}
        for module, programs in PACKAGES.items()
    }
    return {module: programs for module, programs in wanted.items() if programs}


def _build(module: Path, programs: Mapping[str, str], target: Path, progress: Progress) -> None:
    # The same toolchain and the same version stamps as the control plane's.
    pins = read_pins()
    go = find_go(cache_home(), pins.go, progress)
    progress.say(f"building {', '.join(programs)} from source with {go}: some minutes, once on this machine")
    Compiler(go, pins, progress, module).make(programs, target)
