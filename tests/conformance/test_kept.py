"""The example keeps every promise of the contract, and the kit leaves nothing behind."""

import json
import sys
from pathlib import Path

import pytest

from conformance.checks import CHECKS
from devcluster import Cluster
from tests.conformance.conftest import Kit

pytestmark = pytest.mark.timeout(300)  # one run of the kit may wait for several things

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "scheduler" / "scheduler.py"


def test_the_example_scheduler_keeps_every_promise(kit: Kit, empty_cluster: Cluster) -> None:
    done = kit("--scheduler", f"{sys.executable} {EXAMPLE}")

    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()[: len(CHECKS)]] == [["PASS", name] for name in CHECKS]
    for kind in ("computenodes", "instances"):
        assert json.loads(empty_cluster.kubectl("get", kind, "-A", "-o", "json"))["items"] == []


def test_a_scheduler_that_does_not_start_is_told_with_its_log(kit: Kit) -> None:
    done = kit("--scheduler", f"{sys.executable} -c 'raise SystemExit(7)'", "--only", "binds")

    assert done.returncode == 1, done.stderr
    assert "the scheduler ended by itself with status 7; its log: " in done.stdout


def test_a_command_that_is_not_there_is_told(kit: Kit) -> None:
    done = kit("--scheduler", "/no/such/scheduler", "--only", "binds")

    assert done.returncode == 2
    assert done.stderr == "conformance: --scheduler: /no/such/scheduler: there is no such program\n"


def test_a_cluster_with_hosts_is_left_alone(kit: Kit, empty_cluster: Cluster) -> None:
    spec = {"hypervisorHostname": "real", "hostUUID": "00000000-0000-4000-8000-00000000aaaa", "nodeName": "real"}
    body = {"apiVersion": "compute.hypertally.dev/v1alpha1", "kind": "ComputeNode", "metadata": {"name": "real"}}
    empty_cluster.apply_objects({**body, "spec": spec})
    try:
        done = kit("--scheduler", "true", "--only", "binds")
    finally:
        empty_cluster.kubectl("delete", "computenode", "real")

    assert done.returncode == 2
    assert done.stderr == "conformance: this cluster has ComputeNodes (real): use one without any\n"
