"""The synchronous port to the API server: few verbs, typed errors, a deadline on everything."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec
import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError, ReadTimeoutError

from .access import Access
from .answers import object_of
from .errors import Unauthorized, Unreachable
from .kinds import COMPUTE_NODE, Kind, Ref
from .schema import SCHEMA_PATH

Object = dict[str, Any]

_APPLY = "application/apply-patch+yaml"
"""The server takes JSON under this type: JSON is YAML."""

_MERGE = "application/merge-patch+json"
_POOL_SIZE = 8


@dataclass(frozen=True)
class Timeouts:
    """Seconds; `read` is the longest silence between two pieces of an answer."""

    connect: float = 3.0
    read: float = 10.0


@dataclass(frozen=True)
class _Request:
    method: str
    kind: Kind
    path: str
    query: Mapping[str, str]
    body: bytes | None = None
    content_type: str = ""


class KubeClient:
    """Thread-safe; one for a program. Every method may raise any KubeError, and nothing else."""

    def __init__(self, access: Access, manager: str, timeouts: Timeouts | None = None) -> None:
        self._access = access
        self._manager = manager
        self._timeouts = timeouts or Timeouts()
        self._pool = self._connect()

    def apply(self, ref: Ref, body: Mapping[str, Any], subresource: str = "") -> Object:
        """Server-side apply with force: `body` is everything that this manager owns of the object.

        An absent object is created, but not through a subresource: that is NotFound.
        """
        full = {"apiVersion": ref.kind.api_version, "kind": ref.kind.kind, **body}
        # Of a field that the CRD lacks no validation lets an apply pass: SchemaWatch says which, and what to do.
        query = {"fieldManager": self._manager, "force": "true", "fieldValidation": "Warn"}
        return self._patch(ref, subresource, full, _APPLY, query)

    def touch(self, ref: Ref, subresource: str = "") -> Object:
        """The object as it is, for who may patch but not get: an empty merge patch, which writes nothing."""
        return self._patch(ref, subresource, {}, _MERGE, {"fieldManager": self._manager})

    def get(self, ref: Ref) -> Object:
        return self._ask(_Request("GET", ref.kind, ref.path(), {}))

    def list(self, kind: Kind, *, namespace: str = "", field_selector: str = "") -> list[Object]:
        """Every object of the kind that matches: for selections that are known to be small."""
        query = {"fieldSelector": field_selector} if field_selector else {}
        items: list[Object] = self._ask(_Request("GET", kind, kind.path(namespace), query)).get("items") or []
        return items

    def schema(self) -> Object:
        """Of our kinds, as the server publishes it."""
        return self._ask(_Request("GET", COMPUTE_NODE, SCHEMA_PATH, {}))

    def close(self) -> None:
        self._pool.clear()

    def _patch(
        self, ref: Ref, subresource: str, body: Mapping[str, Any], content_type: str, query: Mapping[str, str]
    ) -> Object:
        encoded = msgspec.json.encode(body)
        return self._ask(_Request("PATCH", ref.kind, ref.path(subresource), query, encoded, content_type))

    def _ask(self, request: _Request) -> Object:
        try:
            return self._send(request)
        except Unauthorized:
            # The token may have been replaced since it was read: read it again, once.
            self._access.tokens.refused()
            return self._send(request)

    def _send(self, request: _Request) -> Object:
        url = f"{self._access.server}{request.path}" + (f"?{urlencode(request.query)}" if request.query else "")
        try:
            answer = self._pool.request(request.method, url, body=request.body, headers=self._headers(request))
        except HTTPError as error:
            raise self._unreachable(error) from error
        return object_of(answer.status, answer.headers, answer.data, request.kind)

    def _headers(self, request: _Request) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": self._manager}
        if request.content_type:
            headers["Content-Type"] = request.content_type
        if token := self._access.tokens.token():
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def _unreachable(self, error: HTTPError) -> Unreachable:
        if isinstance(error, urllib3.exceptions.SSLError):
            # The cluster's CA or our certificate may have been replaced: the next try reads the files anew.
            self._pool = self._connect()
        return Unreachable(f"API server {self._access.server} ({self._access.origin}): {self._reason(error)}")

    def _reason(self, error: HTTPError) -> str:
        match error:
            case NameResolutionError():
                return "its name cannot be resolved"
            case NewConnectionError() if isinstance(error.__cause__, OSError):
                return error.__cause__.strerror or str(error.__cause__)
            case ConnectTimeoutError():  # last: urllib3 derives the two above from it
                return f"no connection within {self._timeouts.connect:g} s"
            case ReadTimeoutError():
                return f"no answer within {self._timeouts.read:g} s"
            case _:
                return " ".join(str(_innermost(error)).split())

    def _connect(self) -> urllib3.PoolManager:
        trust = self._access.trust
        timeout = urllib3.Timeout(connect=self._timeouts.connect, read=self._timeouts.read)
        secure = self._access.server.startswith("https:")
        options: dict[str, Any] = {"timeout": timeout, "retries": False, "maxsize": _POOL_SIZE}
        if secure:
            options |= {"ssl_context": self._access.ssl_context(), "server_hostname": trust.server_name}
            options["assert_hostname"] = False if trust.insecure else trust.server_name
        if self._access.proxy:
            return urllib3.ProxyManager(self._access.proxy, **options)
        return urllib3.PoolManager(**options)


def _innermost(error: BaseException) -> BaseException:
    """urllib3 wraps the reason several times; the reason itself reads best."""
    reason = error.args[-1] if error.args and isinstance(error.args[-1], BaseException) else error.__cause__
    return error if reason is None or isinstance(reason, ssl.SSLZeroReturnError) else _innermost(reason)
