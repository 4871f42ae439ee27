"""`kubectl hypertally cordon, uncordon, maintenance`: the operator's word on a host."""

import pytest

from tests.plugin.conftest import Run
from tests.support.fleet import Fleet, Host


@pytest.fixture
def host(fleet: Fleet) -> Host:
    made = fleet.host("gate")
    fleet.until(lambda: made.ready()[0] == "True", f"{made.name} to be Ready")
    return made


def test_a_cordoned_host_takes_nothing_new_until_it_is_uncordoned(fleet: Fleet, run: Run, host: Host) -> None:
    assert run("cordon", host.name).out == f"computenode/{host.name} cordoned\n"
    fleet.until(lambda: host.ready() == ("False", "Cordoned"), "the cordon to be seen")
    assert run("uncordon", host.name).out == f"computenode/{host.name} uncordoned\n"
    fleet.until(lambda: host.ready() == ("True", "Ready"), "the host to be open")


def test_what_is_so_already_is_said_and_not_written(run: Run, host: Host) -> None:
    run("cordon", host.name)
    version = host.object["metadata"]["generation"]

    assert run("cordon", host.name).out == f"computenode/{host.name} already cordoned\n"

    assert host.object["metadata"]["generation"] == version


def test_maintenance_has_a_mode_and_a_reason_and_an_end(fleet: Fleet, run: Run, host: Host) -> None:
    said = run("maintenance", host.name, "--mode", "Frozen", "--reason", "new firmware")
    assert said.out == f"computenode/{host.name} in maintenance (Frozen: new firmware)\n"
    assert host.object["spec"]["maintenance"] == {"mode": "Frozen", "reason": "new firmware"}
    fleet.until(lambda: host.ready() == ("False", "Maintenance"), "the maintenance to be seen")
    assert run("maintenance", host.name, "--end").out == f"computenode/{host.name} out of maintenance\n"
    fleet.until(lambda: host.ready() == ("True", "Ready"), "the host to be open")
    assert "maintenance" not in host.object["spec"]


def test_without_a_mode_guests_may_leave(run: Run, host: Host) -> None:
    run("maintenance", host.name, "--reason", "disks")

    assert host.object["spec"]["maintenance"]["mode"] == "Drain"


def test_what_still_closes_the_host_is_said(run: Run, host: Host) -> None:
    run("cordon", host.name)
    run("maintenance", host.name, "--reason", "disks")

    uncordoned = run("uncordon", host.name)
    run("cordon", host.name)
    ended = run("maintenance", host.name, "--end")

    assert f"it is still in maintenance (Drain): kubectl hypertally maintenance {host.name} --end" in uncordoned.out
    assert f"it is still cordoned: kubectl hypertally uncordon {host.name}" in ended.out


def test_several_hosts_are_cordoned_in_turn_up_to_the_one_that_is_not_there(run: Run, host: Host) -> None:
    said = run("cordon", host.name, "nowhere")

    assert said.code == 3
    assert said.out == f"computenode/{host.name} cordoned\n"
    assert said.err == 'error: computenodes.compute.hypertally.dev "nowhere" not found\n'


def test_who_may_not_is_told_what_is_missing(run: Run, host: Host) -> None:
    said = run("cordon", host.name, user="nobody")

    assert said.code == 3
    assert 'User "nobody" cannot get resource "computenodes"' in said.err
    assert said.err.endswith("a ClusterRole or Role must allow it to this account\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["maintenance", "a"], "--reason is missing: say why, or --end when the work is over"),
        (["maintenance", "a", "--end", "--reason", "x"], "--end goes without --mode and --reason"),
        (["maintenance", "a", "--reason", "x" * 257], "--reason: 257 characters; allowed are 1 to 256"),
        (["maintenance", "a", "--mode", "Slow", "--reason", "x"], "'Slow' is not one of 'Drain', 'Frozen'"),
        (["cordon"], "Missing argument 'NODE...'"),
        (["melt"], "No such command 'melt'"),
        (["top", "-o", "xml"], "'xml' is not one of 'table', 'json', 'yaml'"),
    ],
)
def test_a_mistake_in_the_command_is_named(run: Run, arguments: list[str], complaint: str) -> None:
    said = run(*arguments)

    assert said.code == 2
    assert complaint in said.err
