"""Every version of an object that is stored while something happens, also when the kinds themselves are replaced.

tests/support/history.py has one order of all kinds, by watches of kubectl; but a watch ends with the definition.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from threading import Event, Thread
from typing import Self

import urllib3

from devcluster import Cluster
from hypertally.api.names import API_VERSION
from tests.lane.person import Object

#: Seconds of one watch, after which it is looked whether all is over.
_WATCH = 2

Key = tuple[str, str]
"""Plural and name."""


class History:
    """Records from the block's start to its end; looked at afterwards."""

    def __init__(self, cluster: Cluster, plurals: Sequence[str]) -> None:
        self.versions: dict[Key, list[Object]] = {}
        self.deleted: set[Key] = set()
        self._base = f"{cluster.url}/apis/{API_VERSION}"
        headers = {"Authorization": f"Bearer {cluster.token}"}
        self._client = urllib3.PoolManager(
            headers=headers, ca_certs=str(cluster.ca_file), maxsize=len(plurals), timeout=30
        )
        self._over = Event()
        self._threads = [Thread(target=self._follow, args=(plural,), daemon=True) for plural in plurals]
        for plural in plurals:
            self._list(plural)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)
        self._client.clear()

    def _follow(self, plural: str) -> None:
        version = ""
        while not self._over.is_set():
            with suppress(urllib3.exceptions.HTTPError):
                # The server forgets what was before a definition that it has just taken: 410.
                version = self._watch(plural, version) if version else self._list(plural)
        self._list(plural)

    def _list(self, plural: str) -> str:
        """The list's resourceVersion; empty while a definition is replaced and nothing is served."""
        answer = self._client.request("GET", f"{self._base}/{plural}")
        if answer.status != HTTPStatus.OK:
            self._over.wait(0.1)
            return ""
        told = answer.json()
        present = {each["metadata"]["name"] for each in told["items"]}
        self.deleted |= {key for key in self.versions if key[0] == plural and key[1] not in present}
        for each in told["items"]:
            self._take(plural, each)
        return str(told["metadata"]["resourceVersion"])

    def _watch(self, plural: str, version: str) -> str:
        """The resourceVersion to go on from; empty where the server cannot."""
        options = {"watch": "true", "resourceVersion": version, "timeoutSeconds": str(_WATCH)}
        answer = self._client.request("GET", f"{self._base}/{plural}", fields=options, preload_content=False)
        try:
            for line in answer:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return ""
                version = self._take(plural, event["object"])
                if event["type"] == "DELETED":
                    self.deleted.add((plural, event["object"]["metadata"]["name"]))
        finally:
            answer.release_conn()
        return version if answer.status == HTTPStatus.OK else ""

    def _take(self, plural: str, found: Object) -> str:
        version = str(found["metadata"]["resourceVersion"])
        known = self.versions.setdefault((plural, found["metadata"]["name"]), [])
        if version not in {each["metadata"]["resourceVersion"] for each in known}:
            known.append(found)
        return version
