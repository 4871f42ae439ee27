"""What the daemons of a private node are told. JSON where a daemon takes it; libvirt and containerd do not."""

import json
from typing import Any

from devnodes.network import Address

LIBVIRTD_CONF = """\
listen_tls = 0
listen_tcp = 1
listen_addr = "{address}"
auth_tcp = "none"
auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_ro_perms = "0777"
unix_sock_rw_perms = "0700"
host_uuid = "{host_uuid}"
"""

# restrict_oom_score_adj: without CAP_SYS_RESOURCE, which some build machines lack, runc could not give a container the
# score that the kubelet asks for, and says "can't get final child's PID".
CONTAINERD_TOML = """\
version = 3
[grpc]
address = "/run/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "/var/lib/containerd/opt"
[plugins."io.containerd.cri.v1.images"]
snapshotter = "overlayfs"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{pause}"
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
BinaryName = "{runc}"
SystemdCgroup = false
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/usr/lib/cni"]
conf_dir = "/etc/cni/net.d"
"""


def cni_conf(pods: str) -> str:
    """One bridge for the Pods of this node; the other node's are reached by routes, so nothing is disguised."""
    bridge = {
        "type": "bridge", "bridge": "pods0", "isGateway": True, "ipMasq": False, "hairpinMode": True,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": pods}]], "routes": [{"dst": "0.0.0.0/0"}]},
    }  # fmt: skip
    return _json({"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge]})


def kubelet_conf() -> str:
    """A node that shares its machine with others: no limits by control groups, no evictions, no swap to refuse."""
    return _json({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        # The API server reads logs with no client certificate here; the network is nobody else's.
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "evictionHard": {"memory.available": "0%", "nodefs.available": "0%", "imagefs.available": "0%"},
        "failCgroupV1": False,
        "failSwapOn": False,
        "localStorageCapacityIsolation": False,
        "makeIPTablesUtilChains": False,
        "nodeStatusUpdateFrequency": "2s",
        "oomScoreAdj": 0,
        "readOnlyPort": 0,
        "resolvConf": "",
        # Mounted secrets and configuration are read again that often.
        "syncFrequency": "10s",
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
    })  # fmt: skip


def proxy_conf(node: str, kubeconfig: str, all_pods: str) -> str:
    return _json({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "hostnameOverride": node,
        "clusterCIDR": all_pods,
        "clientConnection": {"kubeconfig": kubeconfig},
        # Bounds of the whole machine, which this node shares.
        "conntrack": {"maxPerCore": 0, "min": 0},
        "oomScoreAdj": 0,
    })  # fmt: skip


def hosts(addresses: list[Address]) -> str:
    """Each node knows the others by name: libvirt calls the target of a migration so."""
    return "127.0.0.1 localhost\n" + "".join(f"{each.host} {each.name}\n" for each in addresses)


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2) + "\n"
