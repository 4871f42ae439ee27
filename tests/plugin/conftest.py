"""One API server with the real controller for all tests here; each test has hosts and Instances of its own."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hypertally.plugin.main import main
from tests.conftest import running_cluster
from tests.support.fleet import Fleet, controller

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


@dataclass(frozen=True)
class Said:
    """What a run of the plugin said."""

    code: int
    out: str
    err: str

    def row(self, name: str) -> dict[str, str]:
        """The line of the table that begins with that name, by its head. Three blanks separate columns."""
        lines = self.out.splitlines()
        line = next(line for line in lines if line.split()[:1] == [name])
        head = next(each for each in lines[: lines.index(line)][::-1] if each.split()[:1] in (["NAME"], ["AMOUNT"]))
        starts = [n for n, letter in enumerate(head) if letter != " " and (n == 0 or head[n - 3 : n] == "   ")]
        ends = [*starts[1:], None]
        return {head[a:b].strip(): line[a:b].strip() for a, b in zip(starts, ends, strict=True)}


Run = Callable[..., Said]


@pytest.fixture(scope="package")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Agents that are silent for a while are no matter here."""
    log = tmp_path_factory.mktemp("controller") / "log"
    with running_cluster("plugin") as cluster:
        cluster.apply(DEPLOY)
        with controller(cluster.kubeconfig_for("controller"), log, "--agent-grace=3600") as process:
            yield Fleet(cluster)
            assert process.poll() is None, f"the controller ended by itself:\n{log.read_text()}"


@pytest.fixture
def run(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The plugin with these arguments, as the admin unless told."""

    def called(*arguments: str, user: str = "admin") -> Said:
        monkeypatch.setenv("KUBECONFIG", str(fleet.cluster.kubeconfig_for(user)))
        monkeypatch.setattr(sys, "argv", ["kubectl-hypertally", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert "Traceback" not in told.err, told.err
        return Said(int(ended.value.code or 0), told.out, told.err)

    return called
