"""hack/devnodes: what a world is given and what it leaves; the lane itself shows the rest."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from devnodes import MissingPart, cgroups
from devnodes.guest import firmware, numbers
from devnodes.images import write_image
from devnodes.network import Address
from devnodes.world import FOLDER, GROUP, inside

ROOT = Path(__file__).resolve().parent.parent.parent


def run_in_world(program: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "devnodes", sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT / "hack")}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_world_has_no_network_but_its_own_and_its_commands_exit_status() -> None:
    done = run_in_world("import socket, sys; print([name for _, name in socket.if_nameindex()]); sys.exit(7)")

    assert (done.stdout.strip(), done.returncode) == ("['lo']", 7), done.stderr


def test_nothing_of_a_world_is_left_when_its_command_has_ended() -> None:
    program = (
        "import subprocess, sys; from devnodes.world import inside; from devnodes import cgroups\n"
        "folder, group = inside(); (folder / 'file').touch(); cgroups.enter(group)\n"
        "child = subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        "subprocess.run(['ip', 'link', 'add', 'left0', 'type', 'bridge'], check=True); print(folder, group)"
    )

    done = run_in_world(program)

    folder, group = done.stdout.split()
    assert not Path(folder).exists()
    assert [each for each in cgroups.hierarchies() if (each / group).exists()] == []
    assert subprocess.run(["ip", "link", "show", "left0"], capture_output=True, check=False).returncode != 0


def test_outside_of_a_world_the_nodes_say_how_to_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    monkeypatch.delenv(GROUP, raising=False)

    with pytest.raises(MissingPart, match="python -m devnodes COMMAND, as make e2e does"):
        inside()


def test_hierarchies_are_found_in_the_table_of_mounts() -> None:
    table = (
        "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:4 - cgroup cgroup rw,cpu\n"
        "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n"
        "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
        "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
    )

    assert cgroups._mounted(table, Path("/sys/fs/cgroup")) == [
        ("/sys/fs/cgroup/cpu", "cgroup", "cpu"),
        ("/sys/fs/cgroup/systemd", "cgroup", "none,name=systemd"),
        ("/sys/fs/cgroup/unified", "cgroup2", ""),
    ]


def test_nodes_have_addresses_and_pods_of_their_own() -> None:
    first, second = Address("n1", 1), Address("n2", 2)

    assert (first.host, first.pods, second.host, second.pods) == (
        "10.77.0.11", "10.78.1.0/24", "10.77.0.12", "10.78.2.0/24"
    )  # fmt: skip


def test_an_image_that_needs_no_builder_says_its_architecture(tmp_path: Path) -> None:
    write_image(tmp_path / "image.tar", "localhost/x:1", b"program", ["/bin/x"], "arm64")

    with tarfile.open(tmp_path / "image.tar") as tar:
        config = json.load(tar.extractfile("config.json") or pytest.fail("no configuration"))
    assert (config["architecture"], config["config"]["Entrypoint"]) == ("arm64", ["/bin/x"])


def test_the_guests_firmware_counts_on_its_serial_line(tmp_path: Path) -> None:
    (tmp_path / "tick.bin").write_bytes(firmware())
    command = ["qemu-system-x86_64", "-M", "pc", "-accel", "tcg", "-m", "32", "-display", "none", "-monitor", "none"]

    with subprocess.Popen([*command, "-bios", tmp_path / "tick.bin", "-serial", "stdio"], stdout=subprocess.PIPE) as vm:
        try:
            said = [vm.stdout.readline().decode() for _ in range(5)] if vm.stdout else []
        finally:
            vm.kill()

    assert numbers("".join(said)) == [1, 2, 3, 4, 5]
