"""Clusters that outlive the shell that started them: what is known of each, and where."""

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from devcluster.errors import ClusterError
from devcluster.locks import is_held

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class Facts:
    """What a shell needs of a cluster that is ready. `since` is seconds since the epoch, for a person to read."""

    pid: int
    url: str
    kubeconfig: str
    programs: str
    since: float


@dataclass(frozen=True)
class Home:
    """The folder of one named cluster."""

    name: str
    path: Path

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def log(self) -> Path:
        return self.path / "supervisor.log"

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def _facts(self) -> Path:
        return self.path / "cluster.json"

    def is_supervised(self) -> bool:
        """Whether a supervisor holds this cluster; it may still be starting."""
        return is_held(self.lock)

    def forget(self) -> None:
        """Remove what an earlier cluster of that name left."""
        self._facts.unlink(missing_ok=True)
        shutil.rmtree(self.data, ignore_errors=True)

    def publish(self, facts: Facts) -> None:
        """Say that the cluster is ready."""
        new = self._facts.with_suffix(".new")
        new.write_text(json.dumps(asdict(facts), indent=2) + "\n")
        new.rename(self._facts)

    def facts(self) -> Facts | None:
        """What the supervisor said, None while it has said nothing or is gone."""
        if not self._facts.exists() or not self.is_supervised():
            return None
        return Facts(**json.loads(self._facts.read_text()))


def find_home(name: str, environment: Mapping[str, str] = os.environ) -> Home:
    """The folder of the cluster with that name, whether it exists or not."""
    if not _NAME.fullmatch(name):
        raise ClusterError(
            f"{name!r} cannot be the name of a cluster: use at most 40 of a-z, 0-9 and -, not - at an end"
        )
    return Home(name, _parent(environment) / name)


def all_homes(environment: Mapping[str, str] = os.environ) -> list[Home]:
    """Every cluster that left a folder, running or not, by name."""
    parent = _parent(environment)
    names = sorted(path.name for path in parent.iterdir()) if parent.is_dir() else []
    return [Home(name, parent / name) for name in names]


def _parent(environment: Mapping[str, str]) -> Path:
    base = environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "hypertally" / "clusters"
