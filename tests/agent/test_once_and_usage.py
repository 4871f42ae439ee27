"""What a person meets at a terminal: `--once`, and one line for each mistake."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from devhost import Host
from hypertally.agent.options import DEFAULT_LISTEN, parse
from hypertally.serving.options import UsageError

from .conftest import PROGRAM

TEST = "--connection=test:///default"


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("HYPERTALLY", "KUBE"))}
    return subprocess.run(
        [str(PROGRAM), *arguments], capture_output=True, text=True, timeout=30, check=False, env=clean | environ
    )


class TestOnce:
    def test_the_table_reads_well(self, tmp_path: Path) -> None:
        done = run("--once", TEST, f"--instances-path={tmp_path}", "--host-ip=192.0.2.7")
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert lines[0].startswith("HOST         ")
        assert lines[2].startswith("HYPERVISOR   TEST ")
        assert lines[3] == "ADDRESS      192.0.2.7"
        assert lines[4] == "CPU          i686"
        rows = [line.split() for line in lines]
        assert ["VCPUS", "16", "2"] in rows
        assert ["MEMORY", "3.0", "GiB", "2.0", "GiB"] in rows
        assert ["0", "0", "2.0", "GiB", "0-7"] in rows
        assert rows[-2] == ["GUEST", "STATE", "VCPUS", "MEMORY", "DISK", "UUID"]
        assert rows[-1][:3] == ["test", "Running", "2"]

    def test_yaml_and_json_say_the_same_and_json_is_the_status_report(self, tmp_path: Path) -> None:
        both = (f"--instances-path={tmp_path}", "--once", TEST)
        as_json, as_yaml = json.loads(run("-o", "json", *both).stdout), yaml.safe_load(run("-o", "yaml", *both).stdout)
        for either in (as_json, as_yaml):
            del either["measured"]["diskMiB"], either["diskAvailableLeastMiB"]  # the disk is also somebody else's
        assert as_json == as_yaml
        assert as_json["generation"] == 1
        assert as_json["guests"][0]["name"] == "test"

    def test_a_real_host_shows_its_guests(self, host: Host) -> None:
        host.start_guest("seen-once")
        done = run("--once", "--connection", host.uri, f"--instances-path={host.images}")
        host.destroy_guest("seen-once")
        host.virsh("undefine", "seen-once")
        assert done.returncode == 0, done.stderr
        assert host.host_uuid in done.stdout
        assert any(line.split()[:3] == ["seen-once", "Running", "1"] for line in done.stdout.splitlines())

    def test_a_part_that_is_unknown_is_named_and_told_by_the_exit_code(self) -> None:
        done = run("--once", TEST, "--instances-path=/no/such/folder")
        assert done.returncode == 3
        assert "/no/such/folder does not exist" in done.stderr
        assert "unknown" in done.stdout

    def test_a_libvirt_that_is_not_there_is_one_line_with_the_remedy(self) -> None:
        done = run("--once", "--connection=qemu:///system?socket=/no/such/socket")
        assert (done.returncode, done.stdout) == (1, "")
        [line] = done.stderr.splitlines()
        assert line.startswith("hypertally-agent: qemu:///system?socket=/no/such/socket: cannot connect")
        assert "start libvirtd or virtqemud" in line

    def test_one_host_that_fails_does_not_hide_another(self) -> None:
        done = run("--once", "--connection=qemu:///system?socket=/no", "--connection=b=test:///default")
        assert done.returncode == 1
        assert "HOST" in done.stdout

    def test_a_frozen_libvirtd_is_given_up_after_the_deadline(self, own_host: Host) -> None:
        own_host.freeze()
        done = run("--once", "--connection", own_host.uri, "--libvirt-timeout=0.3")
        assert done.returncode == 1
        assert "no answer within 0.3 s" in done.stderr


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ((), "--connection is missing: for example --connection qemu:///system"),
            ((TEST,), "--node-name is missing: the name of the Kubernetes node"),
            (("--connection=foo:///x",), "--connection: connection 'foo:///x': unknown driver 'foo'; allowed are"),
            (("--connection=A_B=test:///default",), "name 'A_B' is no DNS label"),
            (("--connection=/x",), "is no libvirt URI; examples are qemu:///system"),
            ((TEST, TEST), "having no name is taken by test:///default"),
            ((TEST, "--connection=a=test:///default"), "--connection test:///default is given twice"),
            (("--connection=a=test:///a", "--connection=a=test:///b"), "the name a is taken by test:///a"),
            ((TEST, "--node-name=N_1"), "--node-name: 'N_1' is no name of a Kubernetes node"),
            ((TEST, "--node-name=a--b"), "register the node under another name"),
            (
                ("--connection=lab=test:///default", "--node-name=" + "a" * 250),
                "give the connection a shorter name",
            ),
            ((TEST, "--interval=soon"), "--interval: 'soon' is no number of seconds"),
            ((TEST, "--interval=nan"), "--interval: 'nan' is no number of seconds"),
            ((TEST, "--interval=0.5"), "allowed are 1 s or more, 0 for the default, a negative number for audits on"),
            ((TEST, "--libvirt-timeout=0"), "--libvirt-timeout: '0' is out of bounds; allowed is more than 0 s and"),
            ((TEST, "--compare-interval=0"), "--compare-interval: '0' is too short; allowed is 1 s or more"),
            ((TEST, "--host-ip=here"), "--host-ip: host IP 'here' is neither an IPv4 nor an IPv6 address"),
            ((TEST, "--instances-path=x"), "--instances-path: instances path 'x' is not absolute"),
            ((TEST, "--listen=9178"), "--listen: '9178' is no address: allowed are host:port"),
            ((TEST, "--log-format=xml"), "--log-format: 'xml' is unknown; allowed are text, json"),
            ((TEST, "--once", "-o", "xml"), "--output: 'xml' is unknown; allowed are table, yaml, json"),
            ((TEST, "--colour"), "unrecognized arguments: --colour; see hypertally-agent --help"),
        ],
    )
    def test_a_mistake_names_the_flag_the_value_and_what_is_allowed(
        self, arguments: tuple[str, ...], said: str
    ) -> None:
        with pytest.raises(UsageError) as caught:
            parse(arguments, {})
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_a_mistake_in_the_environment_names_the_variable(self) -> None:
        with pytest.raises(UsageError, match=r"^HYPERTALLY_LISTEN: 'x' is no address"):
            parse([TEST, "--once"], {"HYPERTALLY_LISTEN": "x"})

    def test_a_flag_goes_before_the_environment(self) -> None:
        environ = {"HYPERTALLY_INTERVAL": "5", "HYPERTALLY_NODE_NAME": "n1"}
        settings = parse([TEST, "--interval=7"], environ)
        assert (settings.interval, settings.node_name) == (7, "n1")

    def test_several_connections_fit_into_one_variable(self) -> None:
        settings = parse(["--once"], {"HYPERTALLY_CONNECTION": "test:///default lab=test:///x"})
        assert [(spec.name, spec.uri) for spec in settings.connections] == [
            (None, "test:///default"),
            ("lab", "test:///x"),
        ]

    def test_the_defaults_are_those_that_help_tells(self) -> None:
        settings = parse([TEST, "--node-name=n1"], {})
        assert (settings.interval, settings.libvirt_timeout, settings.lease_namespace) == (60, 30, "hypertally-system")
        text = "".join(run("--help").stdout.split())  # argparse breaks lines at hyphens, too
        for default in ("60", "30", "hypertally-system", DEFAULT_LISTEN, "/var/lib/libvirt/images"):
            assert f"(default:{default})" in text

    def test_listening_can_be_switched_off(self) -> None:
        assert parse([TEST, "--once", "--listen="], {}).listen is None


class TestMistakesOfTheProcess:
    """One line on stderr, exit code 2, never a stack trace."""

    def line(self, *arguments: str, **environ: str) -> str:
        done = run(TEST, "--node-name=n1", *arguments, **environ)
        assert (done.returncode, done.stdout) == (2, "")
        [line] = done.stderr.splitlines()
        return line

    def test_an_unknown_scheme(self) -> None:
        assert "unknown driver 'quemu'; allowed are" in self.line("--connection=x=quemu:///system")

    def test_a_kubeconfig_that_is_not_there(self) -> None:
        assert self.line("--kubeconfig=/no/such/file") == (
            "hypertally-agent: kubeconfig /no/such/file: No such file or directory; name another with --kubeconfig"
        )

    def test_a_context_that_is_not_there(self, tmp_path: Path) -> None:
        (tmp_path / "config").write_text("contexts: []")
        assert "has no context 'x': it has none" in self.line("--context=x", KUBECONFIG=str(tmp_path / "config"))

    def test_a_certificate_that_is_none(self, tmp_path: Path) -> None:
        path = kubeconfig(tmp_path, {"server": "https://127.0.0.1:1", "certificate-authority": "config"})
        assert "its certificates cannot be used" in self.line(f"--kubeconfig={path}")

    def test_an_address_that_is_not_this_machines(self, tmp_path: Path) -> None:
        path = kubeconfig(tmp_path, {"server": "http://127.0.0.1:1"})
        said = self.line(f"--kubeconfig={path}", "--listen=192.0.2.1:1")
        assert "cannot listen on 192.0.2.1:1: Cannot assign requested address; choose another" in said


def kubeconfig(folder: Path, cluster: dict[str, str]) -> Path:
    path = folder / "config"
    contexts, clusters = [{"name": "c", "context": {"cluster": "c"}}], [{"name": "c", "cluster": cluster}]
    path.write_text(json.dumps({"current-context": "c", "contexts": contexts, "clusters": clusters}))
    return path
