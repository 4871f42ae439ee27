"""`kubectl hypertally explain`: why a host is what it is, who holds what on it, what keeps its record."""

import json
from uuid import uuid4

import pytest

from tests.plugin.conftest import Run
from tests.support.fleet import Fleet, Host
from tests.support.samples import Object


@pytest.fixture
def host(fleet: Fleet) -> Host:
    made = fleet.host("explained")
    made.wait_settled()
    fleet.until(lambda: made.ready()[0] == "True", f"{made.name} to be Ready")
    return made


def _json(run: Run, name: str) -> Object:
    found: Object = json.loads(run("explain", name, "-o", "json").out)
    return found


def test_ready_is_said_with_its_reason_and_message(run: Run, host: Host) -> None:
    said = run("explain", host.name)

    assert said.code == 0
    assert f"ComputeNode {host.name}: host {host.host_uuid}" in said.out
    assert "Ready is True (Ready, for " in said.out
    assert "The host is audited and its claims are accounted." in said.out


def test_every_condition_that_is_not_as_it_should_be_is_said(fleet: Fleet, run: Run, host: Host) -> None:
    host.run(str(uuid4()), vcpus=40)
    host.report(connected="False")
    fleet.until(lambda: host.ready() == ("False", "LibvirtDown"), "the host to be down")
    host.wait_settled()

    said = run("explain", host.name)

    assert said.code == 1
    lines = said.out.splitlines()
    assert any(line.startswith("Ready is False (LibvirtDown, for ") for line in lines)
    assert any(line.startswith("LibvirtConnected is False (") for line in lines)
    assert any(line.startswith("Overcommitted is True (Exceeded, for ") for line in lines)
    assert not any(line.startswith(("InventoryComplete is", "Drifted is", "HypervisorServed is")) for line in lines)


def test_claims_orphans_and_strays_are_told_apart_and_are_what_is_allocated(fleet: Fleet, run: Run, host: Host) -> None:
    other = fleet.host("elsewhere")
    claimed = fleet.instance(host.name, memoryMiB=2048)
    stray = fleet.instance(other.name)
    fleet.wait_for_home(claimed, host.name)
    fleet.wait_for_home(stray, other.name)
    orphan = str(uuid4())
    other.run(fleet.uuid_of(stray))
    other.report()
    host.run(fleet.uuid_of(claimed), memoryMiB=2048)
    host.run(orphan, vcpus=3)
    host.run(fleet.uuid_of(stray), state="Shutoff")
    host.report()
    host.wait_settled()

    said, found = run("explain", host.name), _json(run, host.name)

    holders = {each["uuid"]: each for each in found["holders"]}
    assert {uuid: each["standing"] for uuid, each in holders.items()} == {
        fleet.uuid_of(claimed): "Claimed", orphan: "Orphan", fleet.uuid_of(stray): "AccountedElsewhere",
    }  # fmt: skip
    assert holders[fleet.uuid_of(claimed)]["roles"] == ["Running"]
    for key in ("vcpus", "memoryMiB"):
        assert sum(each["charge"][key] for each in holders.values()) == host.ledger["allocated"][key]
    assert said.row(f"default/{claimed}")["MEMORY"] == "2.0Gi"
    assert said.row(f"default/{stray}")["STANDING"] == f"AccountedElsewhere:{other.name}"


def test_instances_that_wait_for_the_host_are_told_with_what_is_missing(fleet: Fleet, run: Run, host: Host) -> None:
    big = fleet.instance(host.name, vcpus=100)
    fleet.wait_for_reason(big, "InsufficientResources")

    row = run("explain", host.name).row(f"default/{big}")

    assert row["REASON"] == "InsufficientResources"
    assert "vcpus: asked 100, free 16" in row["MESSAGE"]


def test_what_keeps_the_record_is_told_and_what_would_let_it_go(run: Run, host: Host) -> None:
    said, found = run("explain", host.name), _json(run, host.name)

    assert "What keeps the record:" in said.out
    assert "SHUT" in said.out
    assert "Paused" not in said.out, "guards that are open are in the JSON"
    assert "Paused" in {each["guard"] for each in found["guards"]}
    assert "There is no sign that its host is gone." in said.out
    assert not found["candidate"]
    shut = {each["guard"] for each in found["guards"] if each["shut"]}
    assert {"Served", "NodeExists"} & shut


def test_the_controllers_flags_change_the_verdict(run: Run, host: Host) -> None:
    def shut(*flags: str) -> set[str]:
        guards = json.loads(run("explain", host.name, "-o", "json", *flags).out)["guards"]
        return {each["guard"] for each in guards if each["shut"]}

    assert shut("--", "--collect-vanished", "false") - shut() == {"Paused"}


def test_a_flag_that_the_controller_does_not_have_is_a_mistake_in_the_command(run: Run, host: Host) -> None:
    said = run("explain", host.name, "--", "--keep-vanished", "soon")

    assert said.code == 2
    assert said.err == "error: --keep-vanished: 'soon' is no number of seconds\n"


def test_a_host_that_is_not_there_is_named(run: Run) -> None:
    said = run("explain", "nowhere")

    assert said.code == 3
    assert said.err == 'error: computenodes.compute.hypertally.dev "nowhere" not found\n'
