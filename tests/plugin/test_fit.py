"""`kubectl hypertally fit`: which hosts would take an Instance, as the controller would decide."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from hypertally.api.compute_node import ComputeNode
from hypertally.api.decode import decode
from hypertally.api.instance import Instance
from hypertally.plugin.fit import Fleet as Standing
from hypertally.plugin.fit import fits, newcomer
from tests.plugin.conftest import Run, Said
from tests.support.fleet import Fleet, Host
from tests.support.samples import Object, numa_cell


@pytest.fixture
def host(fleet: Fleet) -> Host:
    return _ready(fleet)


def _ready(fleet: Fleet, **capacity: int) -> Host:
    made = fleet.host("fit", **capacity)
    made.wait_settled()
    fleet.until(lambda: made.ready()[0] == "True", f"{made.name} to be Ready")
    return made


def _manifest(folder: Path, spec: Object | None = None, **sizes: int) -> str:
    body: Object = {
        "apiVersion": "compute.hypertally.dev/v1alpha1",
        "kind": "Instance",
        "metadata": {"name": "asked"},
        "spec": {"uuid": str(uuid4()), "resources": {"vcpus": 1, "memoryMiB": 1024, **sizes}, **(spec or {})},
    }
    path = folder / "instance.yaml"
    path.write_text(yaml.safe_dump(body))
    return str(path)


def _of(said: Said, host: Host) -> Object:
    nodes = json.loads(said.out)["computeNodes"]
    return next(each for each in nodes if each["name"] == host.name)


def test_a_host_with_room_fits_and_says_what_would_be_left(run: Run, host: Host, tmp_path: Path) -> None:
    said = run("fit", "-f", _manifest(tmp_path, vcpus=3, rootDiskMiB=100))

    row = said.row(host.name)
    assert said.code == 0
    assert said.out.startswith("Instance asked asks for vcpus 3, memoryMiB 1024, diskMiB 100.\n")
    assert (row["FITS"], row["READY"]) == ("yes", "True")
    assert (row["LEAVES-VCPUS"], row["LEAVES-MEMORY"], row["LEAVES-DISK"]) == ("13", "7.0Gi", "900Mi")


def test_a_host_without_room_names_each_amount_with_what_is_asked_and_free(
    run: Run, host: Host, tmp_path: Path
) -> None:
    path = _manifest(tmp_path, vcpus=10_000, memoryMiB=2**30)
    said = run("fit", "-f", path)

    row = said.row(host.name)
    assert said.code == 1, "no host takes it"
    assert row["FITS"] == "no"
    assert row["MISSING"] == "vcpus: asked 10000, free 16; memoryMiB: asked 1073741824, free 8192"
    missing = _of(run("fit", "-f", path, "-o", "json"), host)["missing"]
    assert [(each["amount"], each["asked"], each["free"]) for each in missing] == [
        ("vcpus", 10_000, 16), ("memoryMiB", 2**30, 8192),
    ]  # fmt: skip


def test_a_host_with_room_that_is_not_ready_does_not_fit(fleet: Fleet, run: Run, host: Host, tmp_path: Path) -> None:
    host.report(connected="False")
    fleet.until(lambda: host.ready()[0] == "False", "the host to be down")

    found = _of(run("fit", "-f", _manifest(tmp_path), "-o", "json"), host)

    assert (found["room"], found["fits"]) == (True, False)
    assert found["missing"][0]["says"].startswith("Ready is False: ")


def test_a_cordoned_host_says_so(fleet: Fleet, run: Run, host: Host, tmp_path: Path) -> None:
    assert run("cordon", host.name).code == 0
    fleet.until(lambda: host.ready() == ("False", "Cordoned"), "the cordon to be seen")

    found = _of(run("fit", "-f", _manifest(tmp_path), "-o", "json"), host)

    assert not found["room"]
    assert found["missing"][0]["says"] == f"{host.name} takes nothing new: its spec.schedulable is Disabled."


def test_cells_that_are_missing_are_told(fleet: Fleet, run: Run, tmp_path: Path) -> None:
    host = fleet.host("fit-numa", vcpus=8, pcpus=8, memoryMiB=65536)
    host.inventory = {"numaCells": [numa_cell(0)]}
    host.report()
    host.wait_settled()
    big = {"placement": {"pageSize": "Explicit", "pageSizeKiB": 1048576}}

    found = _of(run("fit", "-f", _manifest(tmp_path, big), "-o", "json"), host)

    assert not found["fits"]
    assert "1048576" in found["missing"][0]["says"]


@pytest.mark.parametrize("vcpus", [2, 6, 7, 15, 16, 17])
def test_what_fits_is_what_the_controller_then_does(fleet: Fleet, run: Run, vcpus: int) -> None:
    host = _ready(fleet)
    first = fleet.instance(host.name, vcpus=10)
    fleet.wait_for_home(first, host.name)
    asked = fleet.instance("", vcpus=vcpus)
    fleet.wait_for_reason(asked, "Unbound")

    fits = _of(run("fit", asked, "-o", "json"), host)["fits"]

    fleet.instances.merge(asked, {"spec": {"computeNodeName": host.name}})
    fleet.wait_for_reason(asked, "Claimed" if fits else "InsufficientResources")
    assert fits == (vcpus <= 6)


def test_instances_that_wait_for_room_already_come_first(fleet: Fleet) -> None:
    """Room that has just appeared is theirs: seen only until the controller has given it to them."""
    node = decode(_ready(fleet).object, ComputeNode)
    waits, asked = _written("waits", 10, node.metadata.name), newcomer(_written("asked", 7))

    (alone,) = fits(asked, [node], Standing.of([])).compute_nodes
    (behind,) = fits(asked, [node], Standing.of([waits])).compute_nodes

    assert alone.fits
    assert [str(each.says) for each in behind.missing] == ["vcpus: asked 7, free 6"]


def _written(name: str, vcpus: int, node: str = "") -> Instance:
    metadata = {"name": name, "namespace": "default", "uid": name if node else "", "generation": 1}
    if node:
        metadata["creationTimestamp"] = "2026-01-01T00:00:00Z"
    spec = {"uuid": str(uuid4()), "resources": {"vcpus": vcpus, "memoryMiB": 64}, "computeNodeName": node}
    return decode({"metadata": metadata, "spec": spec}, Instance)


def test_where_it_is_accounted_already_is_said(fleet: Fleet, run: Run, host: Host) -> None:
    name = fleet.instance(host.name)
    fleet.wait_for_home(name, host.name)

    assert run("fit", f"default/{name}").row(host.name)["MISSING"] == "it is accounted here already"


def test_nothing_is_written(fleet: Fleet, run: Run, host: Host, tmp_path: Path) -> None:
    before = host.object["metadata"]["resourceVersion"]

    run("fit", "-f", _manifest(tmp_path))

    assert host.object["metadata"]["resourceVersion"] == before
    assert "asked" not in fleet.instances.select("")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("kind: Pod\n", "0 Instances; exactly one is needed"),
        ("a: b: c\n", " is no YAML: "),
        ("kind: Instance\napiVersion: v1\n", "apiVersion is 'v1'; allowed is compute.hypertally.dev/v1alpha1"),
    ],
)
def test_a_manifest_that_is_none_is_a_mistake_in_the_command(
    run: Run, tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)

    said = run("fit", "-f", str(path))

    assert said.code == 2
    assert complaint in said.err
    assert said.err.count("\n") == 1


def test_a_field_of_the_wrong_type_is_named(run: Run, tmp_path: Path) -> None:
    path = Path(_manifest(tmp_path))
    path.write_text(path.read_text().replace("vcpus: 1", "vcpus: many"))

    said = run("fit", "-f", str(path))

    assert said.code == 3
    assert said.err == "error: Instance asked: spec.resources.vcpus: Expected `int`, got `str`\n"


@pytest.mark.parametrize("arguments", [[], ["name", "-f", "file"]])
def test_one_instance_has_to_be_named(run: Run, arguments: list[str]) -> None:
    said = run("fit", *arguments)

    assert said.code == 2
    assert "name an Instance, or a manifest with -f FILE: one of the two" in said.err
