"""The API server as the tests of the kinds speak to it: plain requests, answers kept whole."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import urllib3

from devcluster import Cluster
from hypertally.api.names import LEASE_NAMESPACE

Object = dict[str, Any]

GROUP = "compute.hypertally.dev"
VERSION = "v1alpha1"

JSON = "application/json"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"

_NOT_FOUND = 404
_SHOWN = 2000
"""Characters of a refusal: it may repeat the whole object, and ends in the reason."""


@dataclass(frozen=True)
class Answer:
    status: int
    size: int
    body: Object

    @property
    def object(self) -> Object:
        """What was asked for; a refusal fails the test and shows what the server said."""
        self.check()
        return self.body

    def check(self) -> None:
        """A refusal fails the test, for who does not need the object."""
        assert self.status < 300, f"refused with {self.status}: {self.message[-_SHOWN:]}"

    @property
    def refusal(self) -> str:
        """Why the object was refused as invalid; anything else fails the test."""
        assert self.status == 422, f"not refused as invalid but answered {self.status}: {self.body}"
        return self.message

    @property
    def message(self) -> str:
        return str(self.body.get("message", ""))


class Kind:
    """One kind of a real API server, in one namespace where it has namespaces."""

    def __init__(
        self,
        cluster: Cluster,
        plural: str,
        *,
        namespaced: bool = True,
        group: str = GROUP,
        version: str = VERSION,
        namespace: str = "default",
    ) -> None:
        self._http = urllib3.PoolManager(ca_certs=str(cluster.ca_file), timeout=20.0, retries=False)
        self._token = cluster.token
        place = f"namespaces/{namespace}/" if namespaced else ""
        self._url = f"{cluster.url}/apis/{group}/{version}/{place}{plural}"

    def create(self, body: Object, *, dry_run: bool = False) -> Answer:
        return self._ask("POST", "", body, JSON, dry_run=dry_run)

    def get(self, name: str) -> Object:
        return self._ask("GET", f"/{name}").object

    def has(self, name: str) -> bool:
        answer = self._ask("GET", f"/{name}")
        return answer.status != _NOT_FOUND and bool(answer.object)

    def every(self) -> list[Object]:
        items: list[Object] = self._ask("GET", "").object["items"]
        return items

    def select(self, field_selector: str) -> set[str]:
        """The names of the objects that the selector finds."""
        answer = self._ask("GET", "", fieldSelector=field_selector).object
        return {item["metadata"]["name"] for item in answer["items"]}

    def delete(self, name: str) -> None:
        self._ask("DELETE", f"/{name}")

    def replace(self, body: Object, *, dry_run: bool = False) -> Answer:
        return self._ask("PUT", f"/{_name(body)}", body, JSON, dry_run=dry_run)

    def replace_status(self, body: Object, *, dry_run: bool = False, validation: str = "Strict") -> Answer:
        path = f"/{_name(body)}/status"
        return self._ask("PUT", path, body, JSON, dry_run=dry_run, fieldValidation=validation)

    def merge(self, name: str, patch: Object) -> Answer:
        return self._ask("PATCH", f"/{name}", patch, MERGE)

    def merge_status(self, name: str, patch: Object) -> Answer:
        return self._ask("PATCH", f"/{name}/status", patch, MERGE)

    def patch_status(self, name: str, *operations: Object) -> Answer:
        return self._ask("PATCH", f"/{name}/status", list(operations), JSON_PATCH)

    def apply(self, body: Object, manager: str) -> Answer:
        return self._ask("PATCH", f"/{_name(body)}", body, APPLY, fieldManager=manager, force="true")

    def apply_status(self, body: Object, manager: str) -> Answer:
        return self._ask("PATCH", f"/{_name(body)}/status", body, APPLY, fieldManager=manager, force="true")

    def _ask(
        self, method: str, path: str, body: Any = None, content_type: str = JSON, *, dry_run: bool = False, **query: str
    ) -> Answer:
        if method in ("POST", "PUT", "PATCH"):
            query = {"fieldValidation": "Strict", **query} | ({"dryRun": "All"} if dry_run else {})
        found = self._http.request(
            method,
            f"{self._url}{path}?{urlencode(query)}",
            body=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": content_type},
        )
        return Answer(found.status, len(found.data), json.loads(found.data))


def _name(body: Object) -> str:
    return str(body["metadata"]["name"])


def leases(cluster: Cluster) -> Kind:
    """Where agents renew theirs."""
    return Kind(cluster, "leases", group="coordination.k8s.io", version="v1", namespace=LEASE_NAMESPACE)
