"""What a running controller serves at /metrics of its fleet."""

import socket
import urllib.request
from pathlib import Path
from uuid import uuid4

from devcluster import Cluster
from tests.support.fleet import Fleet, controller


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_drift_strays_starts_and_namespaces_are_served(lone_cluster: Cluster, tmp_path: Path) -> None:
    fleet, port, uuid = Fleet(lone_cluster), free_port(), str(uuid4())
    home, other = fleet.host(), fleet.host()
    flags = (f"--listen=127.0.0.1:{port}", "--metrics-namespaces=3")

    def serves(*series: str) -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            lines = answer.read().decode().splitlines()
        return all(line in lines for line in series)

    with controller(lone_cluster.kubeconfig_for("controller"), tmp_path / "log", *flags):
        drifted = fleet.instance(home.name, uuid=uuid)
        starting = fleet.instance(home.name)
        for name in (drifted, starting):
            fleet.wait_for_home(name, home.name)
        home.run(uuid, vcpus=3)
        home.report()
        other.run(uuid, "Shutoff")
        other.report()
        expected = (
            "hypertally_fleet_drifted_guests 1.0",
            "hypertally_fleet_misplaced_guests 1.0",
            'hypertally_fleet_compute_nodes{condition="Misplaced",status="True"} 1.0',
            'hypertally_fleet_compute_nodes{condition="Ready",status="True"} 2.0',
            'hypertally_fleet_workload{kind="starting"} 1.0',
            'hypertally_fleet_instances{state="running"} 1.0',
            f'hypertally_node_instances{{compute_node="{home.name}",namespace="default"}} 2.0',
        )
        fleet.until(lambda: serves(*expected), "the figures")
    assert "Traceback" not in (tmp_path / "log").read_text()
