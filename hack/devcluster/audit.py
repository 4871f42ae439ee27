"""What was asked of the API server, as the server itself recorded it: to count writes where they arrive."""

import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from devcluster.users import User

#: Verbs that change something.
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})

#: How much is read at once to find the last line, which has some hundred bytes.
_TAIL_BYTES = 65536

#: The stage RequestReceived is logged before the request is handled: a request that was answered is surely in the log,
#: which is not so for the later stages. The server's own traffic would only be noise.
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["ResponseStarted"],
    "rules": [
        {"level": "None", "users": ["system:apiserver"]},
        {"level": "None", "nonResourceURLs": ["/readyz", "/livez", "/healthz"]},
        {"level": "Metadata"},
    ],
}


@dataclass(frozen=True)
class Request:
    """One request. `code` is None while it is being handled; `name` is empty where the path names no object.

    `received` is the server's time, in seconds of the epoch.
    """

    user: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int | None
    received: float

    @property
    def is_write(self) -> bool:
        return self.verb in WRITES


class AuditLog:
    """The API server's audit log."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def position(self) -> int:
        """The present end of the log; pass it as `since` to leave out what came before.

        That of its last whole line: the server may be in the middle of the next one, whose rest would be no event.
        """
        if not self.path.exists():
            return 0
        with self.path.open("rb") as log:
            start = size = log.seek(0, os.SEEK_END)
            end = -1
            while end < 0 < start:
                start = max(0, start - _TAIL_BYTES)
                log.seek(start)
                end = log.read(size - start).rfind(b"\n")
        return start + end + 1 if size else 0

    def requests(
        self,
        *,
        since: int = 0,
        user: User | None = None,
        verbs: Collection[str] | None = None,
        resource: str | None = None,
    ) -> list[Request]:
        """Requests received since a position, in their order; `resource` is the plural, without its subresource."""
        return [
            request
            for request in self._received(since)
            if (user is None or request.user == user.name)
            and (verbs is None or request.verb in verbs)
            and (resource is None or request.resource == resource)
        ]

    def writes(self, *, since: int = 0, user: User | None = None, resource: str | None = None) -> list[Request]:
        """Requests that change something, refused ones included."""
        return self.requests(since=since, user=user, verbs=WRITES, resource=resource)

    def _received(self, since: int) -> Iterator[Request]:
        received: dict[str, dict[str, Any]] = {}
        codes: dict[str, int] = {}
        for event in self._events(since):
            if event["stage"] == "RequestReceived":
                received[event["auditID"]] = event
            elif "responseStatus" in event:
                codes[event["auditID"]] = event["responseStatus"].get("code", 0)
        for key, event in received.items():
            yield _request(event, codes.get(key))

    def _events(self, since: int) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        with self.path.open("rb") as log:
            log.seek(since)
            for line in log:
                # The server may be in the middle of its last line.
                if line.endswith(b"\n"):
                    yield json.loads(line)


def _request(event: dict[str, Any], code: int | None) -> Request:
    target = event.get("objectRef", {})
    return Request(
        user=event["user"]["username"],
        verb=event["verb"],
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=code,
        received=datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp(),
    )
