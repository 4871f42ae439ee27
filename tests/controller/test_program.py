"""`hypertally-controller` as a person starts it: what is wrong is one line, and never a stack trace."""

import re
import subprocess
from pathlib import Path

import pytest

from devcluster import Cluster
from tests.support import shipped
from tests.support.fleet import Fleet


def _run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [*shipped.command("hypertally.controller"), "--listen", "", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={"PATH": "/usr/bin:/bin", **environment}
    )


def _last_line(done: "subprocess.CompletedProcess[str]") -> str:
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_a_kubeconfig_that_is_not_there_is_named() -> None:
    done = _run("--kubeconfig", "/no/such/file")
    assert done.returncode == 2
    assert _last_line(done) == (
        "hypertally-controller: kubeconfig /no/such/file: No such file or directory; name another with --kubeconfig"
    )


@pytest.mark.parametrize(
    ("arguments", "environment", "complaint"),
    [
        (["--workers", "0"], {}, "--workers: '0' is not allowed; allowed is a whole number from 1 to 256"),
        (["--agent-grace", "soon"], {}, "--agent-grace: 'soon' is no number of seconds"),
        (["--agent-grace", "0"], {}, "--agent-grace: '0' is out of bounds; allowed are 1 to 86400 s"),
        (["--log-format", "xml"], {}, "--log-format: 'xml' is unknown; allowed are text, json"),
        ([], {"HYPERTALLY_LOG_LEVEL": "loud"}, "HYPERTALLY_LOG_LEVEL: 'loud' is unknown; allowed are debug, "),
        (["--lease-namespace", ""], {}, "--lease-namespace: '' is no name of a namespace; allowed are 1 to 63 lower"),
        (["--lease-namespace", "a.b"], {}, "--lease-namespace: 'a.b' is no name of a namespace"),
        (["--leader-elect", "yes"], {}, "--leader-elect: 'yes' is unknown; allowed are true and false"),
        (["--leader-lease-name", "a..b"], {}, "--leader-lease-name: 'a..b' is no name; allowed are 1 to 253 lower"),
        (["--leader-lease-name", "a" * 64], {}, "--leader-lease-name: '" + "a" * 64 + "' is no name"),
        (["--listen", "8082"], {}, "--listen: '8082' is no address: allowed are host:port, :port"),
    ],
)  # fmt: skip
def test_a_value_that_is_not_allowed_is_named_with_what_is(
    arguments: list[str], environment: dict[str, str], complaint: str
) -> None:
    done = _run(*arguments, **environment)
    assert done.returncode == 2
    assert complaint in _last_line(done)


def test_a_check_of_the_configuration_prints_it_and_needs_no_cluster(tmp_path: Path) -> None:
    file = tmp_path / "controller.yaml"
    file.write_text("workers: 3\n")
    done = _run("--check-config", "--config", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(rf'^workers: "3" +# {file}:1$', done.stdout, re.MULTILINE)


def test_missing_rights_are_named(plain_fleet: Fleet) -> None:
    done = _run("--kubeconfig", str(plain_fleet.cluster.kubeconfig_for("nobody")))
    assert done.returncode == 1
    assert 'User "nobody" cannot list resource "leases"' in _last_line(done)
    assert _last_line(done).endswith("a ClusterRole or Role must allow it to this account")


def test_missing_crds_are_named_with_the_remedy() -> None:
    with Cluster.start("bare", may_build=False) as bare:
        done = _run("--kubeconfig", str(bare.kubeconfig))
    assert done.returncode == 1
    assert _last_line(done).endswith("the CRDs are not installed: kubectl apply --server-side -f crds/")


def test_an_address_in_use_is_named(plain_fleet: Fleet) -> None:
    taken = plain_fleet.cluster.url.rpartition(":")[2]
    done = _run("--kubeconfig", str(plain_fleet.cluster.kubeconfig), "--listen", f"127.0.0.1:{taken}")
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{taken}" in _last_line(done)


def test_help_names_every_flag_with_its_default() -> None:
    done = _run("--help")
    assert done.returncode == 0
    for flag in ("--kubeconfig", "--agent-grace", "--lease-namespace", "--resync-interval", "--workers", "--listen"):
        assert flag in done.stdout
