"""What somebody outside sees: every version of every object, in the order in which the API server stored them.

One `kubectl get --watch` for each kind. All kinds share one etcd, whose revision is every object's resourceVersion, so
that versions of different kinds have one order.
"""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import IO, Self

from devcluster import ADMIN, Cluster, wait_until
from tests.support.samples import Object

KINDS = {
    "computenodes": "compute.hypertally.dev/v1alpha1",
    "instances": "compute.hypertally.dev/v1alpha1",
    "migrations": "compute.hypertally.dev/v1alpha1",
    "leases": "coordination.k8s.io/v1",
}
_SECONDS = 60.0

Key = tuple[str, str]
"""Plural and name; there is one namespace of each kind."""


@dataclass(frozen=True)
class State:
    """All that was stored when `version` was the newest of all resourceVersions."""

    version: int
    objects: Mapping[Key, Object]


class Recorder:
    """Records from the block's start to its end. The cluster keeps an audit log."""

    def __init__(self, cluster: Cluster, log: Path) -> None:
        self._cluster = cluster
        self._log = log
        self._lock = Lock()
        self._versions: dict[int, tuple[Key, Object | None]] = {}
        self._watches: list[subprocess.Popen[str]] = []
        self._readers: list[Thread] = []

    def __enter__(self) -> Self:
        """Not before every watch has been asked for: of what was stored before, each shows the last version only."""
        position = self._cluster.audit_log.position()
        for plural in KINDS:
            watch = self._watch(plural)
            reader = Thread(target=self._read, args=(plural, watch.stdout), daemon=True)
            reader.start()
            self._watches.append(watch)
            self._readers.append(reader)

        def all_watch() -> bool:
            self._check()
            asked = self._cluster.audit_log.requests(since=position, user=ADMIN, verbs=("watch",))
            return {request.resource for request in asked} >= KINDS.keys()

        wait_until(all_watch, seconds=_SECONDS, what="kubectl get --watch to begin")
        return self

    def __exit__(self, *_: object) -> None:
        for watch in self._watches:
            watch.kill()
            watch.wait(10)
        for reader in self._readers:
            reader.join(10)
        for watch in self._watches:
            if watch.stdout is not None:
                watch.stdout.close()

    def _watch(self, plural: str) -> "subprocess.Popen[str]":
        options = [f"--kubeconfig={self._cluster.kubeconfig}", f"--cache-dir={self._log.parent / 'kubectl'}"]
        command = ["get", plural, "--all-namespaces", "--watch", "--output-watch-events", "--output=json"]
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [str(self._cluster.programs.kubectl.path), *options, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def _read(self, plural: str, lines: IO[str]) -> None:
        for line in lines:  # events are printed without indentation, one a line
            self._take(plural, json.loads(line))

    def _take(self, plural: str, event: Object) -> None:
        found = event["object"]
        key = (plural, found["metadata"]["name"])
        with self._lock:
            version = int(found["metadata"]["resourceVersion"])
            self._versions[version] = key, (None if event["type"] == "DELETED" else found)

    def now(self) -> int:
        """The resourceVersion of this moment: what is stored later has a greater one."""
        return self._list("computenodes")[0]

    def _list(self, plural: str) -> tuple[int, list[Object]]:
        found = json.loads(self._cluster.kubectl("get", "--raw", f"/apis/{KINDS[plural]}/{plural}"))
        return int(found["metadata"]["resourceVersion"]), found["items"]

    def states(self) -> list[State]:
        """From the first version to the newest that is stored now, one state for each version."""
        newest = [int(o["metadata"]["resourceVersion"]) for plural in KINDS for o in self._list(plural)[1]]
        wait_until(lambda: self._has(newest), seconds=_SECONDS, what="kubectl get --watch to show what is stored")
        with self._lock:
            versions = sorted(self._versions.items())
        objects: dict[Key, Object] = {}
        result = []
        for version, (key, found) in versions:
            objects = {k: o for k, o in objects.items() if k != key} | ({} if found is None else {key: found})
            result.append(State(version, objects))
        return result

    def _check(self) -> None:
        for watch in self._watches:
            assert watch.poll() is None, f"kubectl get --watch ended: {self._log.read_text()}"

    def _has(self, versions: Iterable[int]) -> bool:
        self._check()
        with self._lock:
            return all(version in self._versions for version in versions)
