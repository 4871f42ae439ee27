"""A release on a real API server, and Helm for it."""

import json
import subprocess
from pathlib import Path

from devcluster import Cluster, ClusterError, wait_until
from tests.conftest import CRDS
from tests.helm.chart import DEADLINE, NAMESPACE, program
from tests.support import samples

RELEASE = ("hypertally", "--namespace", NAMESPACE)

HOST = "kept"

#: What kubectl says of a kind that it, or the server, does not know yet.
UNKNOWN_KIND = ("no matches for kind", "could not find the requested resource")

#: All kinds that the chart makes, but the definitions.
MADE = (
    "daemonsets", "deployments", "configmaps", "services", "serviceaccounts", "networkpolicies",
    "poddisruptionbudgets", "roles", "rolebindings", "clusterroles", "clusterrolebindings",
    "validatingadmissionpolicies", "validatingadmissionpolicybindings",
)  # fmt: skip


class Installed:
    """One cluster, and Helm for it."""

    def __init__(self, cluster: Cluster, home: Path, helm: str = "Helm 4") -> None:
        self.cluster = cluster
        self._home = home
        self._helm = helm

    def try_(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self._home), "KUBECONFIG": str(self.cluster.kubeconfig)}
        command = [program(self._helm), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False, env=environment)

    def helm(self, *arguments: str | Path) -> str:
        done = self.try_(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def remove(self) -> None:
        """The release, whatever state it is in, and all that it leaves."""
        self.try_("uninstall", *RELEASE, "--no-hooks")
        self.cluster.delete_definitions()

    def names(self, *kinds: str) -> set[str]:
        return set(self.cluster.kubectl("get", ",".join(kinds), "--all-namespaces", "-o", "name").split())

    def named(self, part: str) -> list[str]:
        """What the chart makes, of these names."""
        return sorted(name for name in self.names(*MADE) if part in name)

    def schema_version(self) -> str:
        crd = json.loads(self.cluster.kubectl("get", "crd", "computenodes.compute.hypertally.dev", "-o", "json"))
        return str(crd["metadata"]["annotations"]["compute.hypertally.dev/schema-version"])

    def status(self) -> str:
        found = json.loads(self.helm("status", *RELEASE, "--output", "json"))
        return str(found["info"]["status"])

    def rack(self) -> str:
        return self.cluster.kubectl("get", "computenode", HOST, "-o", "jsonpath={.spec.rack}")

    def put_host(self) -> None:
        """Its kind is known to everybody some time after it was defined."""
        host = {key: value for key, value in samples.compute_node(HOST).items() if key != "status"}

        def is_put() -> bool:
            try:
                self.cluster.apply_objects(host)
            except ClusterError as error:
                if not any(said in str(error) for said in UNKNOWN_KIND):
                    raise
                return False
            return True

        wait_until(is_put, seconds=DEADLINE, what=f"ComputeNode {HOST} to be taken")

    def mount_host(self) -> None:
        """By a field that the newer definitions have. Whoever still goes by the older ones drops it without a word."""

        def is_mounted() -> bool:
            self.cluster.kubectl("patch", "computenode", HOST, "--type=merge", "--patch", '{"spec": {"rack": "r1"}}')
            return self.rack() == "r1"

        wait_until(is_mounted, seconds=DEADLINE, what="the field of the newer definitions to be kept")

    def would_replace(self) -> str:
        """What is said of the definition of this version in place of the one that is there."""
        try:
            return self.cluster.kubectl("replace", "--dry-run=server", "-f", CRDS / "computenodes.yaml")
        except ClusterError as error:
            return str(error)
