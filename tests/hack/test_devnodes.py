"""hack/devnodes: what a world is given and what it leaves; the lane itself shows the rest."""

import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
import yaml
from packaging.version import Version

from devnodes import MissingPart, NodesError, cgroups, previous, readme
from devnodes.guest import firmware, numbers
from devnodes.images import merge, write_image
from devnodes.network import Address
from devnodes.world import FOLDER, GROUP, inside

ROOT = Path(__file__).resolve().parent.parent.parent


def run_in_world(program: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "devnodes", sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT / "hack")}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def start_in_world(program: str) -> "subprocess.Popen[str]":
    """As a process group of its own, to be signalled as a terminal does."""
    command = [sys.executable, "-m", "devnodes", sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "hack")}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)


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


def test_at_ctrl_c_a_worlds_command_ends_what_it_began_in_its_own_order() -> None:
    program = (
        "import sys, time\n"
        "try: print('begun', flush=True); time.sleep(1000)\n"
        "except KeyboardInterrupt: time.sleep(1); print('ended'); sys.exit(7)"
    )
    with start_in_world(program) as owner:
        begun = owner.stdout.readline() if owner.stdout else ""

        os.killpg(owner.pid, signal.SIGINT)
        said = owner.communicate(timeout=60)[0]

    assert (begun, said, owner.returncode) == ("begun\n", "ended\n", 7)


def test_a_world_whose_owner_is_killed_leaves_nothing_either() -> None:
    program = (
        "import sys, time; from devnodes.world import inside; from devnodes import cgroups\n"
        "folder, group = inside(); cgroups.enter(group); print(folder, group, flush=True); time.sleep(1000)"
    )
    with start_in_world(program) as owner:
        folder, group = owner.stdout.readline().split() if owner.stdout else pytest.fail("no output")

        # The whole process group, as a terminal that is closed or a job that is cancelled.
        os.killpg(owner.pid, signal.SIGKILL)

    def is_left() -> bool:
        return Path(folder).exists() or any((each / group).exists() for each in cgroups.hierarchies())

    deadline = time.monotonic() + 60
    while is_left() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_left()


def test_temporary_files_of_a_world_are_in_its_folder() -> None:
    done = run_in_world("import tempfile; from devnodes.world import inside; print(tempfile.gettempdir(), inside()[0])")

    temporary, folder = map(Path, done.stdout.split())
    assert temporary.is_relative_to(folder)


def test_where_the_machine_lacks_a_folder_to_mount_on_none_is_made_on_it(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "kept").touch()
    program = (
        "import pathlib, sys; from devnodes.node_init import _make_room; top = pathlib.Path(sys.argv[1])\n"
        "_make_room(top / 'etc/cni/net.d', top / 'covers', set())\n"
        "print(sorted(path.name for path in (top / 'etc').rglob('*')))"
    )

    done = subprocess.run(
        ["unshare", "--mount", "--propagation=private", sys.executable, "-c", program, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT / "hack")}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.stdout.strip() == "['cni', 'kept', 'net.d']", done.stderr
    assert [path.name for path in (tmp_path / "etc").iterdir()] == ["kept"]


def test_the_readme_leads_from_nothing_to_ready_hosts_in_less_than_ten_commands() -> None:
    commands = readme.commands()

    assert commands == [*readme.before_the_cluster(), *readme.on_the_cluster()]
    assert len(commands) < 10
    assert commands[0] == "make image"
    assert any(command.startswith("helm install ") for command in commands)
    assert any("condition=Ready" in command for command in commands)


def test_a_command_over_two_lines_is_one() -> None:
    text = "## Install\n\n```sh\nmake image\nhelm install a \\\n  --wait\n```\n\n## More\n"

    assert [command.split() for command in readme.commands(text)] == [
        ["make", "image"], ["helm", "install", "a", "--wait"]
    ]  # fmt: skip


def test_the_install_page_has_the_readmes_commands() -> None:
    assert readme.on_the_install_page() == readme.commands()


def test_the_pages_say_how_it_is_upgraded_and_removed() -> None:
    assert any(command.startswith("helm upgrade ") for command in readme.upgrading())
    assert [command.split()[:2] for command in readme.uninstalling()] == [
        ["helm", "uninstall"], ["kubectl", "delete"], ["kubectl", "delete"]
    ]  # fmt: skip


def test_the_release_before_is_whole_and_older_than_this_one(tmp_path: Path) -> None:
    sources = previous.unpack(tmp_path)

    told = yaml.safe_load((previous.chart(sources) / "Chart.yaml").read_text())
    now = yaml.safe_load((previous.chart(ROOT) / "Chart.yaml").read_text())
    assert Version(told["version"]) < Version(now["version"])
    assert sources.name == f"{told['name']}-{told['appVersion']}"
    assert sorted(path.name for path in (previous.chart(sources) / "files" / "crds").iterdir()) == [
        "computenodes.yaml", "instances.yaml", "migrations.yaml"
    ]  # fmt: skip
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (sources / "Dockerfile").read_text(), re.MULTILINE)
    assert [name for line in copied for name in line.split() if not (sources / name).exists()] == []


def test_of_releases_before_this_one_there_is_one(tmp_path: Path) -> None:
    with pytest.raises(NodesError, match="has 0 archives, expected one"):
        previous.archive(tmp_path)


@pytest.mark.parametrize("text", ["# Nothing\n", "## Install\n```sh\na\n```\n```sh\nb\n```\n## More\n"])
def test_a_readme_that_has_not_one_block_of_commands_is_told(text: str) -> None:
    with pytest.raises(NodesError, match="blocks of commands"):
        readme.commands(text)


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
        name = json.load(tar.extractfile("manifest.json") or pytest.fail("no manifest"))[0]["Config"]
        config = json.load(tar.extractfile(name) or pytest.fail("no configuration"))
    assert (config["architecture"], config["config"]["Entrypoint"]) == ("arm64", ["/bin/x"])


def test_images_in_one_archive_share_their_layers(tmp_path: Path) -> None:
    for name, architecture in (("one", "amd64"), ("two", "arm64")):
        write_image(tmp_path / f"{name}.tar", f"localhost/{name}:1", b"program", ["/bin/x"], architecture)

    merge([tmp_path / "one.tar", tmp_path / "two.tar"], tmp_path / "both.tar")

    with tarfile.open(tmp_path / "both.tar") as tar:
        images = json.load(tar.extractfile("manifest.json") or pytest.fail("no manifest"))
        configs = [json.load(tar.extractfile(image["Config"]) or pytest.fail("none")) for image in images]
        names = tar.getnames()
    assert [image["RepoTags"] for image in images] == [["localhost/one:1"], ["localhost/two:1"]]
    assert [config["architecture"] for config in configs] == ["amd64", "arm64"]
    assert len(images[0]["Layers"]) == len(images[1]["Layers"]) == 1
    assert len(names) == len(set(names)) == 4


def test_the_guests_firmware_counts_on_its_serial_line(tmp_path: Path) -> None:
    (tmp_path / "tick.bin").write_bytes(firmware())
    command = ["qemu-system-x86_64", "-M", "pc", "-accel", "tcg", "-m", "32", "-display", "none", "-monitor", "none"]

    with subprocess.Popen([*command, "-bios", tmp_path / "tick.bin", "-serial", "stdio"], stdout=subprocess.PIPE) as vm:
        try:
            said = [vm.stdout.readline().decode() for _ in range(5)] if vm.stdout else []
        finally:
            vm.kill()

    assert numbers("".join(said)) == [1, 2, 3, 4, 5]
