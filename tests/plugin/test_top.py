"""`kubectl hypertally top`: how full hosts are."""

import json

import yaml

from tests.plugin.conftest import Run
from tests.support.fleet import Fleet, Host
from tests.support.samples import Object, amounts


def _ready(fleet: Fleet, **capacity: int) -> Host:
    host = fleet.host("top", **capacity)
    host.wait_settled()
    fleet.until(lambda: host.ready()[0] == "True", f"{host.name} to be Ready")
    return host


def _with_instance(fleet: Fleet) -> Host:
    host = _ready(fleet)
    fleet.wait_for_home(fleet.instance(host.name, vcpus=2, memoryMiB=2048, rootDiskMiB=100), host.name)
    return host


def test_the_fleet_has_a_line_for_each_host_and_one_for_all(fleet: Fleet, run: Run) -> None:
    first, second = _with_instance(fleet), _ready(fleet)

    said = run("top")

    row = said.row(first.name)
    assert (row["READY"], row["INSTANCES"], row["ORPHANS"]) == ("True", "1", "0")
    assert (row["VCPUS"], row["VCPUS-FREE"]) == ("2/16", "14")
    assert (row["MEMORY"], row["MEMORY-FREE"]) == ("2.0/8.0Gi", "6.0Gi")
    assert (row["DISK"], row["DISK-FREE"]) == ("100/1000Mi", "900Mi")
    assert said.row(second.name)["VCPUS"] == "0/16"
    total = said.row("TOTAL")
    assert int(total["INSTANCES"]) >= 1
    assert int(total["VCPUS-FREE"]) >= 14 + 16


def test_a_host_that_is_named_has_every_stage_from_capacity_to_free(fleet: Fleet, run: Run) -> None:
    host = _with_instance(fleet)

    said = run("top", host.name)

    assert said.code == 0
    assert said.out.startswith(f"{host.name}: Ready is True (Ready, for ")
    assert said.row("vcpus") == {
        "AMOUNT": "vcpus", "CAPACITY": "4", "RESERVED": "0", "RATIO": "4", "ALLOCATABLE": "16", "ALLOCATED": "2",
        "FREE": "14", "MEASURED": "<unknown>",
    }  # fmt: skip
    assert said.row("memory")["RESERVED"] == "512Mi"
    assert said.row("memory")["ALLOCATABLE"] == "8.0Gi"
    assert "pcpus" not in said.out


def test_what_is_measured_stands_beside_what_is_allocated(fleet: Fleet, run: Run) -> None:
    host = fleet.host("measured")
    host.inventory = {"measured": amounts(3, 4096, 250)}
    host.report()
    host.wait_settled()

    row = run("top").row(host.name)

    assert (row["MEMORY-USED"], row["DISK-USED"]) == ("4.0/8.5Gi", "250/1000Mi")
    assert run("top", host.name).row("vcpus")["MEASURED"] == "3"


def test_json_and_yaml_have_the_numbers_of_the_status(fleet: Fleet, run: Run) -> None:
    host = _with_instance(fleet)

    (found,) = json.loads(run("top", host.name, "-o", "json").out)["computeNodes"]

    ledger = host.ledger
    assert {key: found[key] for key in ("allocatable", "allocated", "free")} == {
        key: ledger[key] for key in ("allocatable", "allocated", "free")
    }
    assert yaml.safe_load(run("top", host.name, "-o", "yaml").out)["computeNodes"] == [found]


def test_a_host_that_is_not_ready_is_a_finding_and_says_the_reason(fleet: Fleet, run: Run) -> None:
    host = _ready(fleet)
    host.report(connected="False")
    fleet.until(lambda: host.ready() == ("False", "LibvirtDown"), "the host to be down")

    said = run("top", host.name)

    assert said.code == 1
    assert run("top").row(host.name)["READY"] == "False:LibvirtDown"


def test_a_host_that_is_over_committed_is_remarked(fleet: Fleet, run: Run) -> None:
    host = _ready(fleet)
    host.run("00000000-0000-4000-8000-00000000abcd", vcpus=40)
    host.report()
    host.wait_settled()

    said = run("top", host.name)

    assert said.code == 1
    assert "Look at: Overcommitted" in said.out
    assert said.row("vcpus")["FREE"] == "-24"
    assert run("top").row(host.name)["REMARKS"] == "Overcommitted"


def test_a_host_without_a_report_shows_what_is_unknown_never_zero(fleet: Fleet, run: Run) -> None:
    spec = {"hypervisorHostname": "bare", "hostUUID": "00000000-0000-4000-8000-00000000bbbb", "nodeName": "bare"}
    body: Object = {"apiVersion": "compute.hypertally.dev/v1alpha1", "kind": "ComputeNode", "spec": spec}
    assert fleet.nodes.create({**body, "metadata": {"name": "bare"}}).object

    row = run("top").row("bare")

    assert (row["READY"], row["VCPUS"], row["MEMORY-FREE"], row["DISK-USED"]) == ("Unknown", *["<unknown>"] * 3)
    fleet.nodes.delete("bare")


def test_a_host_that_is_not_there_is_named(run: Run) -> None:
    said = run("top", "nowhere")

    assert said.code == 3
    assert said.err == "error: there is no ComputeNode nowhere: kubectl get computenodes lists them\n"
