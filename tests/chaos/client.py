"""The API server as somebody sees it who knows nothing of the project: plain requests, and no answer is an answer."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import urllib3

from devcluster import Cluster

Object = dict[str, Any]

KINDS = "/apis/compute.hypertally.dev/v1alpha1"
PLACES = {
    "computenodes": f"{KINDS}/computenodes",
    "instances": f"{KINDS}/namespaces/default/instances",
    "migrations": f"{KINDS}/namespaces/default/migrations",
    "nodes": "/api/v1/nodes",
}
JSON, MERGE, APPLY = "application/json", "application/merge-patch+json", "application/apply-patch+yaml"
_CONNECT, _READ, _WATCH_READ = 2.0, 5.0, 10.0


@dataclass(frozen=True)
class Answer:
    """`status` 0: nobody answered, and whether anything was done is unknown."""

    status: int
    body: Object

    @property
    def ok(self) -> bool:
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def refused(self) -> bool:
        """Nothing was done, for certain."""
        return HTTPStatus.BAD_REQUEST <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR


class Gone(Exception):
    """The history no longer reaches back to there."""


class Api:
    """As the admin. For one thread or several."""

    def __init__(self, cluster: Cluster) -> None:
        self._http = urllib3.PoolManager(
            ca_certs=str(cluster.ca_file), timeout=urllib3.Timeout(connect=_CONNECT, read=_READ), retries=False
        )
        self._url, self._headers = cluster.url, {"Authorization": f"Bearer {cluster.token}"}

    def get(self, plural: str, name: str) -> Answer:
        return self.ask("GET", f"{PLACES[plural]}/{name}")

    def list(self, plural: str, **query: str) -> Answer:
        return self.ask("GET", PLACES[plural], None, JSON, **query)

    def create(self, plural: str, body: Object) -> Answer:
        return self.ask("POST", PLACES[plural], body)

    def merge(self, plural: str, name: str, patch: Object) -> Answer:
        return self.ask("PATCH", f"{PLACES[plural]}/{name}", patch, MERGE)

    def apply_status(self, plural: str, name: str, body: Object) -> Answer:
        query = {"fieldManager": "hypertally-agent", "force": "true"}
        return self.ask("PATCH", f"{PLACES[plural]}/{name}/status", body, APPLY, **query)

    def delete(self, plural: str, name: str) -> Answer:
        return self.ask("DELETE", f"{PLACES[plural]}/{name}")

    def ask(self, method: str, path: str, body: Object | None = None, content_type: str = JSON, **query: str) -> Answer:
        url = f"{self._url}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {**self._headers, "Content-Type": content_type}
        data = None if body is None else json.dumps(body).encode()
        try:
            found = self._http.request(method, url, body=data, headers=headers)
            return Answer(found.status, json.loads(found.data))
        except (urllib3.exceptions.HTTPError, OSError, ValueError):
            return Answer(0, {})

    def watch(self, plural: str, version: str) -> Iterator[tuple[str, Object]]:
        """Type and object of each change after that version, until the connection ends; Gone if that is too old."""
        query = {"watch": "true", "resourceVersion": version, "allowWatchBookmarks": "true", "timeoutSeconds": "60"}
        url = f"{self._url}{PLACES[plural]}?{urlencode(query)}"
        timeout = urllib3.Timeout(connect=_CONNECT, read=_WATCH_READ)
        try:
            answer = self._http.request("GET", url, headers=self._headers, preload_content=False, timeout=timeout)
            with closing(answer):
                if answer.status != HTTPStatus.OK:
                    _raise_if_gone(answer.status)
                    return
                yield from _events(answer)
        except (urllib3.exceptions.HTTPError, OSError):
            return


def _events(answer: urllib3.BaseHTTPResponse) -> Iterator[tuple[str, Object]]:
    rest = b""
    for chunk in answer.stream(2**16, decode_content=True):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in filter(None, lines):
            event = json.loads(line)
            if event["type"] == "ERROR":
                _raise_if_gone(event["object"].get("code", 0))
                return
            yield event["type"], event["object"]


def _raise_if_gone(status: int) -> None:
    if status in (HTTPStatus.GONE, HTTPStatus.NOT_FOUND):
        raise Gone
