"""Tokens as kubelets mount them: bound to a Pod, in a file that is written anew when another one is due."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from devcluster import Cluster, ClusterError
from devcluster.pods import NAMESPACE, pod_name

from .plan import CONTROLLERS

T = TypeVar("T")
_SECONDS = 60.0
_AGAIN_SECONDS = 0.5


class Tokens:
    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self._folder = folder

    def kubeconfig(self, program: str, port: int) -> Path:
        """Of that program, through its proxy; with a first token."""
        if not self._file(program).exists():
            self.renew(program)
        path = self._folder / f"{program}.kubeconfig"
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "chaos", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": program, "user": {"tokenFile": str(self._file(program))}}],
            "contexts": [{"name": "chaos", "context": {"cluster": "chaos", "user": program}}],
            "current-context": "chaos",
        }
        path.write_text(json.dumps(content))
        return path

    def revoke(self, program: str) -> None:
        """The present token ends with its Pod: the server knows that within ten seconds, for which it remembers it."""
        pod = pod_name(*self._place(program))
        _patiently(
            lambda: self._cluster.kubectl(
                "delete", "pod", pod, f"--namespace={NAMESPACE}", "--force", "--grace-period=0", "--ignore-not-found"
            )
        )

    def renew(self, program: str) -> None:
        token = _patiently(lambda: self._cluster.token_on(*self._place(program)))
        new = self._file(program).with_suffix(".new")
        new.write_text(token)
        new.replace(self._file(program))

    def _file(self, program: str) -> Path:
        return self._folder / f"{program}.token"

    @staticmethod
    def _place(program: str) -> tuple[str, str]:
        """Node and service account."""
        if program in CONTROLLERS:
            return program, "hypertally-controller"
        return program.removeprefix("agent-"), "hypertally-agent"


def _patiently(ask: Callable[[], T]) -> T:
    """While the API server is away, or does not know its kinds or roles yet."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        with suppress(ClusterError):
            return ask()
        time.sleep(_AGAIN_SECONDS)
    return ask()
