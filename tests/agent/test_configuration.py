"""One set of names for flags, environment and file, and what the agent makes of them."""

from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from hypertally.agent.options import AGENT, parse, settings
from hypertally.agent.settings import Settings
from hypertally.hypervisor.settings import AuditSettings
from hypertally.serving.options import UsageError

from .test_once_and_usage import run

FILE = """\
# as a person writes it
node-name: n1
connection:
- qemu:///system
- lab=test:///default
interval: 030
cpu-dedicated-set: 2-7,^4
cpu-power-management: true
log-format: text
device-spec:
- vendor_id: "8086"
  product_id: 1572
  trusted: true
- address: {domain: ".*", bus: 0a, slot: "00", function: "[0-3]"}
reserved-huge-pages:
- node:0,size:2048,count:64
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "agent.yaml"
    path.write_text(FILE)
    return path


def test_every_setting_has_an_option_and_every_option_a_setting() -> None:
    known = {field.name for kind in (Settings, AuditSettings) for field in fields(kind)}
    assert {option.key for option in AGENT.options} == known - {"audit", "connections", "once"} | {"connection"}


def test_a_file_says_the_same_as_flags(file: Path) -> None:
    flags = [
        "--node-name=n1", "--connection=qemu:///system", "--connection=lab=test:///default", "--interval=30",
        "--cpu-dedicated-set=2-7,^4", "--cpu-power-management=true", "--log-format=text",
        '--device-spec={"vendor_id": "8086", "product_id": "1572", "trusted": "true"}',
        '--device-spec={"address": {"domain": ".*", "bus": "0a", "slot": "00", "function": "[0-3]"}}',
        "--reserved-huge-pages=node:0,size:2048,count:64",
    ]  # fmt: skip
    assert parse(["--config", str(file)], {}) == parse(flags, {})


def test_the_file_may_be_named_in_the_environment(file: Path) -> None:
    assert parse([], {"HYPERTALLY_CONFIG": str(file)}).node_name == "n1"


def test_a_flag_goes_before_the_environment_and_that_before_the_file(file: Path) -> None:
    environ = {"HYPERTALLY_CONFIG": str(file), "HYPERTALLY_NODE_NAME": "n2", "HYPERTALLY_INTERVAL": "40"}
    found = parse(["--interval=50"], environ)
    assert (found.node_name, found.interval, found.log_format) == ("n2", 50, "text")


def test_a_repeated_option_is_taken_from_one_source_alone(file: Path) -> None:
    found = parse([f"--config={file}", "--connection=test:///default"], {})
    assert [spec.uri for spec in found.connections] == ["test:///default"]


def test_what_the_check_prints_is_a_file_that_sets_the_same(file: Path, tmp_path: Path) -> None:
    arguments = [f"--config={file}", "--lease-interval=7"]
    done = run("--check-config", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    printed = tmp_path / "printed.yaml"
    printed.write_text(done.stdout)
    assert parse([f"--config={printed}"], {}) == parse(arguments, {})


def test_the_check_says_where_each_setting_comes_from(file: Path) -> None:
    done = run("--check-config", f"--config={file}", "--lease-interval=7", HYPERTALLY_LOG_LEVEL="debug")
    by_key = {line.split(":")[0]: line.rpartition("# ")[2] for line in done.stdout.splitlines() if " # " in line}
    assert by_key["lease-interval"] == "--lease-interval"
    assert by_key["log-level"] == "HYPERTALLY_LOG_LEVEL"
    assert by_key["node-name"] == f"{file}:2"
    assert by_key["listen"] == "default"
    assert yaml.safe_load(done.stdout)["cpu-dedicated-set"] == "2-7,^4"


def test_the_check_asks_neither_libvirt_nor_the_api_server() -> None:
    done = run(
        "--check-config", "--node-name=n1", "--connection=qemu:///system?socket=/no", "--kubeconfig=/no/such/file"
    )
    assert done.returncode == 0


def test_the_check_refuses_with_one_line_what_the_program_would_refuse(tmp_path: Path) -> None:
    file = tmp_path / "agent.yaml"
    file.write_text("connection: [test:///default]\nnode-name: n1\ncpu-shared-set: 0-3\ncpu-dedicated-set: 3-4\n")
    done = run("--check-config", f"--config={file}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "hypertally-agent: CPUs 3 are in the shared and in the dedicated CPU set; a CPU is allowed in one\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("interval: soon", ":1: interval: 'soon' is no number of seconds"),
        ("\nmetrics-guests: -1", ":2: metrics-guests: '-1' is not allowed; allowed is a whole number of guests from 0"),
        ("node_name: n1", ":1: no setting is named 'node_name'; did you mean node-name?"),
        ("once: true", ":1: no setting is named 'once'; --help lists them"),
        ("config: x", ":1: no setting is named 'config'; "),
        ("{}: x", ":1: no setting is named "),
        ("interval: 1\ninterval: 2", ":2: interval is given twice; allowed is once"),
        ("interval: [1]", ":1: interval must be one value, not a list or a mapping"),
        ("connection: test:///default", ":1: connection must be a list, each value in a line of its own after '- '"),
        ("connection:\n- test:///a\n- foo:///x", ":3: connection: connection 'foo:///x': unknown driver 'foo'"),
        ("device-spec:\n- vendor_id: g", ":2: device-spec: "),
        ("device-spec:\n- vendor_id: &a [*a]", "nested too deeply"),
        ("- interval", ":1: the file must be a mapping, such as node-name: n1"),
        ("interval: [", ": no YAML: while parsing"),
        ("a: 1\n---\nb: 2", ": no YAML: expected a single document"),
        ("lease-namespace: ''", ":1: lease-namespace: '' is no name of a namespace; allowed are 1 to 63"),
        ("lease-namespace: A", ":1: lease-namespace: 'A' is no name of a namespace; allowed are 1 to 63"),
    ],
)
def test_a_mistake_in_the_file_names_its_line_and_key(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "agent.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        parse([f"--config={file}"], {})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe\x00", "the file is not UTF-8"),
        (b"#" * (1024 * 1024 + 1), "the file is larger than 1048576 bytes"),
        (b"[" * 100_000, "no YAML"),
    ],
    ids=["bytes", "size", "depth"],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "agent.yaml"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        parse([f"--config={file}"], {})


def test_a_file_that_is_not_there_is_named_with_who_asked_for_it() -> None:
    with pytest.raises(UsageError, match=r"^HYPERTALLY_CONFIG: /no/such: No such file or directory"):
        parse([], {"HYPERTALLY_CONFIG": "/no/such"})


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}"])
def test_an_empty_file_sets_nothing(tmp_path: Path, text: str) -> None:
    file = tmp_path / "agent.yaml"
    file.write_text(text)
    arguments = ["--once", "--connection=test:///default"]
    assert parse([*arguments, f"--config={file}"], {}) == parse(arguments, {})


def test_scalars_are_taken_as_they_are_written(tmp_path: Path) -> None:
    """A reader that guesses makes 12:30 of base 60 and 010 of base 8."""
    file = tmp_path / "agent.yaml"
    file.write_text("connection: [test:///default]\nnode-name: 010\ncontext: 12:30\nceph-user: no\n")
    found = settings(AGENT.read([f"--config={file}"], {}))
    assert (found.node_name, found.context, found.audit.ceph_user) == ("010", "12:30", "no")


def test_the_log_is_json_unless_told_otherwise() -> None:
    assert parse(["--once", "--connection=test:///default"], {}).log_format == "json"
