"""Which tests run in one process of a run, and which come first.

A process that needs an API server starts it, in 3 s of CPU and 0.5 GiB, and it idles until the process ends or the
folder is done. So files that share one run in one process, whichever is free; every other file goes by itself.
"""

from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import PurePath

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

WORLDS: Mapping[str, tuple[str, ...]] = {
    "restarted": (
        "controller/test_life.py", "controller/test_newer_keys.py", "controller/test_recovery.py",
        "controller/test_served_counts.py",
        "e2e/test_node_life.py", "e2e/test_whole.py",
    ),
    "charts": ("helm/test_life.py", "helm/test_uninstall.py", "helm/test_upgrade.py"),
    "agents": ("agent/*",),
    "kinds": ("api/*", "hack/test_cluster.py", "kube/test_schema.py", "controller/test_watch.py", "plugin/*"),
    "hosts that go": ("controller/test_node_life.py",),
    "controller": (
        "controller/test_bad_input.py", "controller/test_claims.py", "controller/test_copies.py",
        "controller/test_moves.py", "controller/test_placement.py", "controller/test_program.py",
        "controller/test_reads.py", "controller/test_shown.py",
    ),
    "authority": ("authority/*",),
    "operations": ("operations/*",),
}  # fmt: skip
"""Files below `tests`. They take minutes, the first ones longest, and begin first for that."""

LONG_FOLDERS = ("lane", "e2e", "chaos", "conformance", "controller", "ledger")
"""Of the other files those that take up to two minutes: begun last, one would keep the other processes waiting."""


def world(file: str) -> str:
    """Where that file runs, by its path below `tests`: the name of a world, or the file itself."""
    return next((name for name, files in WORLDS.items() if any(fnmatch(file, one) for one in files)), file)


def rank(file: str) -> int:
    """When that file begins: the lower, the sooner."""
    found, folder = world(file), PurePath(file).parts[0]
    if found in WORLDS:
        return list(WORLDS).index(found)
    return len(WORLDS) + (LONG_FOLDERS.index(folder) if folder in LONG_FOLDERS else len(LONG_FOLDERS))


class ByWorld(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands whole worlds to the processes of a run."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        config.option.loadscopereorder = False  # it would begin with the world of most tests, not the longest
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return world(nodeid.split("::", 1)[0].removeprefix("tests/"))
