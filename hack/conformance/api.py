"""The API server as the kit speaks to it: with every right, and without a cache."""

import json
from dataclasses import dataclass
from typing import Any

import urllib3

from hypertally.api.names import API_VERSION, COMPUTE_NODES, INSTANCES, LEASE_NAMESPACE
from hypertally.kube.access import Access

Object = dict[str, Any]

NAMESPACE = "hypertally-conformance"
NODES_PATH = f"/apis/{API_VERSION}/{COMPUTE_NODES}"
INSTANCES_PATH = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/{INSTANCES}"
LEASES_PATH = f"/apis/coordination.k8s.io/v1/namespaces/{LEASE_NAMESPACE}/leases"
NAMESPACES_PATH = "/api/v1/namespaces"

_APPLY, _MERGE, _JSON = "application/apply-patch+yaml", "application/merge-patch+json", "application/json"
_MANAGER = "hypertally-conformance"
_SECONDS = 20.0
_NOT_FOUND, _FIRST_FAILURE = 404, 400


class ApiError(Exception):
    """The API server refuses the kit; one line."""


@dataclass
class Api:
    access: Access

    def __post_init__(self) -> None:
        options: dict[str, Any] = {"retries": False, "timeout": _SECONDS, "maxsize": 8}
        if self.access.server.startswith("https:"):
            options["ssl_context"] = self.access.ssl_context()
        self._http = urllib3.PoolManager(**options)

    def get(self, path: str) -> Object | None:
        """None for what is not there."""
        return self._ask("GET", path)

    def items(self, path: str) -> list[Object]:
        listed = self._ask("GET", path) or {}
        return list(listed.get("items") or [])

    def create(self, path: str, body: Object) -> Object:
        return self._ask("POST", path, body, _JSON) or {}

    def apply(self, path: str, body: Object, manager: str = _MANAGER) -> Object:
        return self._ask("PATCH", f"{path}?fieldManager={manager}&force=true", body, _APPLY) or {}

    def merge(self, path: str, patch: Object) -> Object:
        return self._ask("PATCH", path, patch, _MERGE) or {}

    def delete(self, path: str) -> None:
        self._ask("DELETE", path)

    def _ask(self, method: str, path: str, body: Object | None = None, content_type: str = _JSON) -> Object | None:
        headers = {"Accept": _JSON, "Content-Type": content_type}
        if token := self.access.tokens.token():
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        try:
            answer = self._http.request(method, f"{self.access.server}{path}", body=data, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(f"API server {self.access.server}: {' '.join(str(error).split())}") from error
        found: Object = json.loads(answer.data)
        if answer.status == _NOT_FOUND and method in ("GET", "DELETE"):
            return None
        if answer.status >= _FIRST_FAILURE:
            raise ApiError(f"{method} {path}: {found.get('message', answer.status)}")
        return found
