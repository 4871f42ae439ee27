"""Tokens as kubelets mount them: bound to a Pod, in a file that is written anew when another one is due."""

import json
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from devcluster import Cluster
from devcluster.pods import NAMESPACE, objects, pod_name

from .client import Answer, Api
from .plan import CONTROLLERS

_SECONDS = 180.0
_AGAIN_SECONDS = 0.3
_LASTS_SECONDS = 86400
_PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


class Tokens:
    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._api = Api(cluster)
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
        pod = pod_name(*_place(program))
        self._patiently(
            lambda: self._api.ask("DELETE", f"{_PODS}/{pod}", {"gracePeriodSeconds": 0}), HTTPStatus.NOT_FOUND
        )

    def renew(self, program: str) -> None:
        node, pod = objects(*_place(program))
        self._patiently(lambda: self._api.ask("POST", "/api/v1/nodes", node), HTTPStatus.CONFLICT)
        self._patiently(lambda: self._api.ask("POST", _PODS, pod), HTTPStatus.CONFLICT)
        new = self._file(program).with_suffix(".new")
        new.write_text(self._patiently(lambda: self._request(program)).body["status"]["token"])
        new.replace(self._file(program))

    def _request(self, program: str) -> Answer:
        """A token that ends with the Pod."""
        node, account = _place(program)
        name = pod_name(node, account)
        pod = self._api.ask("GET", f"{_PODS}/{name}")
        if not pod.ok:
            return pod
        bound = {"kind": "Pod", "apiVersion": "v1", "name": name, "uid": pod.body["metadata"]["uid"]}
        spec = {"boundObjectRef": bound, "expirationSeconds": _LASTS_SECONDS, "audiences": []}
        wish = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        return self._api.ask("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{account}/token", wish)

    def _file(self, program: str) -> Path:
        return self._folder / f"{program}.token"

    @staticmethod
    def _patiently(ask: Callable[[], Answer], *also: int) -> Answer:
        """While the API server is away, or refuses to write. `also`: statuses that are as good as success."""
        deadline = time.monotonic() + _SECONDS
        while True:
            answer = ask()
            if answer.ok or answer.status in also:
                return answer
            if time.monotonic() > deadline:
                raise TimeoutError(f"no token within {_SECONDS:g} s: {answer.status} {answer.body.get('message')}")
            time.sleep(_AGAIN_SECONDS)


def _place(program: str) -> tuple[str, str]:
    """Node and service account."""
    if program in CONTROLLERS:
        return program, "hypertally-controller"
    return program.removeprefix("agent-"), "hypertally-agent"
