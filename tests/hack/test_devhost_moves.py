"""Private hosts that share their images: a real live migration between them, and a host that loses its power."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from devcluster import wait_until
from devhost import Host, HostError


@pytest.fixture
def two_hosts(tmp_path: Path) -> Iterator[tuple[Host, Host]]:
    with Host.start("hv-from", images=tmp_path) as source, Host.start("hv-to", images=tmp_path) as target:
        yield source, target


def test_a_guest_moves_live_with_its_shared_disk_and_is_forgotten_where_it_was(two_hosts: tuple[Host, Host]) -> None:
    source, target = two_hosts
    guest = source.start_guest("mover", disk_mib=8, ballast_mib=4)
    source.migrate("mover", target)
    assert source.virsh("list", "--all", "--name") == ""
    assert target.virsh("domuuid", "mover") == guest
    assert target.virsh("domstate", "mover", "--reason") == "running (migrated)"
    assert str(source.images / f"{guest}.img") in target.virsh("domblklist", "mover")


def test_a_migration_that_is_aborted_leaves_the_guest_running_where_it_was(two_hosts: tuple[Host, Host]) -> None:
    source, target = two_hosts
    source.start_guest("mover", ballast_mib=16)
    refused: list[str] = []

    def move() -> None:
        try:
            source.migrate("mover", target, bandwidth_mib=1)
        except HostError as error:
            refused.append(str(error))

    stream = Thread(target=move)
    stream.start()
    _wait_for_job(source, "mover")
    source.virsh("domjobabort", "mover")
    stream.join(60)
    assert "canceled by client" in refused[0]
    assert source.virsh("domstate", "mover") == "running"
    assert target.virsh("list", "--all", "--name") == ""


def _wait_for_job(host: Host, name: str) -> None:
    wait_until(
        lambda: "Outgoing migration" in host.virsh("domjobinfo", name), seconds=30, what="the migration to begin"
    )


def test_a_host_that_lost_its_power_comes_back_with_its_guests_off(own_host: Host) -> None:
    own_host.start_guest("sleeper", disk_mib=8)
    own_host.power_off()
    with pytest.raises(HostError, match="virsh list"):
        own_host.virsh("list")
    own_host.restart()
    assert own_host.virsh("domstate", "sleeper") == "shut off"
    own_host.virsh("start", "sleeper")
    assert own_host.virsh("domstate", "sleeper") == "running"


def test_shared_images_stay_when_a_host_ends(tmp_path: Path) -> None:
    with Host.start("hv-guest", images=tmp_path) as host:
        guest = host.define_guest("rests", disk_mib=8)
    assert (tmp_path / f"{guest}.img").stat().st_size == 8 * 1024 * 1024


def test_a_disk_that_is_there_is_not_overwritten(own_host: Host) -> None:
    guest = own_host.define_guest("keeps", disk_mib=1)
    disk = own_host.images / f"{guest}.img"
    disk.write_bytes(b"written".ljust(1024 * 1024, b"\0"))
    own_host.define_guest("keeps", disk_mib=1, memory_mib=64, uuid=guest)
    assert disk.read_bytes().startswith(b"written")
    assert "65536 KiB" in own_host.virsh("dominfo", "keeps")
