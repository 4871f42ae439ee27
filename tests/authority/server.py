"""Requests as one account makes them, and which part of the API server answered."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import urllib3

from authority.matrix import NAMESPACE, Resource, Verdict
from devcluster import Cluster
from tests.support.api_server import APPLY, JSON, MERGE

Object = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    status: int
    message: str
    body: Object

    @property
    def verdict(self) -> Verdict:
        """A refusal that no known part made fails the test that asks."""
        if self.status < 300:
            return Verdict.ALLOWED
        if self.status == 401:
            return Verdict.UNKNOWN
        if self.status == 403 and "ValidatingAdmissionPolicy 'hypertally-" in self.message:
            return Verdict.POLICY
        if self.status == 403 and "forbidden: User " in self.message:
            return Verdict.RBAC
        assert self.status == 422, f"{self.status}: {self.message}"
        return Verdict.SCHEMA


@dataclass(frozen=True)
class Place:
    """Where the objects of a resource are: how it is served, and in which namespace."""

    version: str
    namespaced: bool = False
    kind: str = ""

    def path(self, resource: Resource, namespace: str, name: str) -> str:
        root = f"/apis/{resource.group}" if resource.group else "/api"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        plural, _, subresource = resource.name.partition("/")
        return "/".join(filter(None, (f"{root}/{self.version}{scope}/{plural}", name, subresource)))


class Caller:
    """One token's holder. Nothing that it asks is carried out, but judged to the end (dryRun)."""

    def __init__(self, cluster: Cluster, token: str, manager: str) -> None:
        self._http = urllib3.PoolManager(ca_certs=str(cluster.ca_file), timeout=20.0, retries=False)
        self._url = cluster.url
        self._token = token
        self._manager = manager

    def ask(self, resource: Resource, place: Place, verb: str, name: str = "", **more: Any) -> Answer:
        """`namespace`, where there are any: else the programs' own; `body` for what writes."""
        method, query, content_type = _METHODS[verb]
        namespace = more.get("namespace", NAMESPACE)
        if verb == "apply":
            query = {**query, "fieldManager": self._manager, "force": "true"}
        on_all = verb in ("list", "watch", "deletecollection") or (verb == "create" and "/" not in resource.name)
        path = place.path(resource, namespace, "" if on_all else name)
        headers = {"Impersonate-User": "admin"} if verb == "impersonate" else {}
        return self._send(method, path, query, _body(verb, resource, place, name, more), headers, content_type)

    def get(self, path: str) -> Object:
        return self._send("GET", path, {}, None, {}, "").body

    def _send(
        self, method: str, path: str, query: Mapping[str, str], body: Any, headers: Mapping[str, str], content_type: str
    ) -> Answer:
        found = self._http.request(
            method,
            f"{self._url}{path}?{urlencode(query)}",
            body=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": content_type or JSON, **headers},
            preload_content=False,
        )
        try:
            if "watch" in query and found.status < 300:
                return Answer(found.status, "", {})
            said = json.loads(found.data or b"{}")
            return Answer(found.status, str(said.get("message", "")), said)
        finally:
            found.close()


_DRY = {"dryRun": "All"}
_METHODS: Mapping[str, tuple[str, Mapping[str, str], str]] = {
    "get": ("GET", {}, ""),
    "impersonate": ("GET", {}, ""),
    "list": ("GET", {"limit": "1"}, ""),
    "watch": ("GET", {"watch": "true", "timeoutSeconds": "1"}, ""),
    "create": ("POST", _DRY, JSON),
    "update": ("PUT", _DRY, JSON),
    "patch": ("PATCH", _DRY, MERGE),
    "apply": ("PATCH", _DRY, APPLY),
    "delete": ("DELETE", {}, JSON),
    "deletecollection": ("DELETE", _DRY, ""),
}


def _body(verb: str, resource: Resource, place: Place, name: str, more: Mapping[str, Any]) -> Any:
    body = more.get("body", {})
    if verb == "delete":
        return {"dryRun": ["All"], **body}  # options in a body make the server overlook those in the address
    if verb not in ("create", "update", "apply"):
        return body if verb == "patch" else None
    version = f"{resource.group}/{place.version}" if resource.group else place.version
    scope = {"namespace": more.get("namespace", NAMESPACE)} if place.namespaced else {}
    metadata = {"name": name} | scope | body.get("metadata", {})
    return {"apiVersion": version, "kind": place.kind, **body, "metadata": metadata}
