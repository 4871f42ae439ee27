"""The asynchronous port to the API server: what the controller asks, with typed errors and a deadline on everything."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec

from .access import Access
from .answers import object_of
from .errors import ServerError, Unreachable
from .kinds import COMPUTE_NODE, Kind, Ref
from .schema import SCHEMA_PATH

Object = dict[str, Any]

_JSON_PATCH = "application/json-patch+json"
_NAMES_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_UNAUTHORIZED = 401
_FIRST_FAILURE = 400
_READ_BUFFER = 2**20


@dataclass(frozen=True)
class Listing:
    """Every object of a kind at one moment, and where a watch goes on from."""

    items: list[Object]
    resource_version: str


@dataclass(frozen=True)
class Event:
    """One line of a watch: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."""

    type: str
    object: Object


@dataclass(frozen=True)
class Deadlines:
    """Seconds. A watch is ended by the server after `watch`, and a bookmark comes about once a minute: longer `silence`
    is a dead connection."""

    connect: float = 3.0
    answer: float = 30.0
    watch: int = 240
    silence: float = 90.0


class AsyncKubeClient:
    """One for a program, in one event loop. Every method may raise any KubeError, and nothing else."""

    def __init__(self, access: Access, session: aiohttp.ClientSession, manager: str, deadlines: Deadlines) -> None:
        self._access = access
        self._session = session
        self._manager = manager
        self._deadlines = deadlines

    async def get(self, ref: Ref, since: str = "") -> Object:
        """The newest; or one that is no older than the resourceVersion `since`, which the server has in its cache: to
        find the newest takes it as long as to decode it once more."""
        query = {"resourceVersion": since} if since else None
        return await self._ask("GET", ref.kind, ref.path(), query=query)

    async def schema(self) -> Object:
        """Of our kinds, as the server publishes it."""
        return await self._ask("GET", COMPUTE_NODE, SCHEMA_PATH)

    async def list(
        self, kind: Kind, *, namespace: str = "", field_selector: str = "", names_only: bool = False
    ) -> Listing:
        """All pages as one: for lists that are small, or of names. `names_only` leaves out everything but metadata."""
        items: list[Object] = []
        version = ""
        async for page in self.pages(kind, namespace=namespace, field_selector=field_selector, names_only=names_only):
            items.extend(page.items)
            version = page.resource_version
        return Listing(items, version)

    async def pages(
        self, kind: Kind, *, namespace: str = "", field_selector: str = "", names_only: bool = False
    ) -> AsyncIterator[Listing]:
        """One list of one moment, in parts: undecoded, the objects of a fleet are many times what is kept of them."""
        query = {"limit": str(kind.page)} | ({"fieldSelector": field_selector} if field_selector else {})
        headers = {"Accept": _NAMES_ONLY} if names_only else {}
        while True:
            page = await self._ask("GET", kind, kind.path(namespace), query=query, headers=headers)
            metadata = page.get("metadata") or {}
            yield Listing(page.get("items") or [], str(metadata.get("resourceVersion") or ""))
            if not metadata.get("continue"):
                return
            query["continue"] = metadata["continue"]

    async def create(self, kind: Kind, body: Mapping[str, Any], namespace: str = "") -> Object:
        full = {"apiVersion": kind.api_version, "kind": kind.kind, **body}
        return await self._ask(
            "POST", kind, kind.path(namespace), body=full, headers={"Content-Type": "application/json"}
        )

    async def replace(self, ref: Ref, body: Mapping[str, Any]) -> Object:
        """The whole object. Conflict if it is no longer in the resourceVersion that the body names."""
        query, headers = {"fieldManager": self._manager}, {"Content-Type": "application/json"}
        return await self._ask("PUT", ref.kind, ref.path(), query=query, body=body, headers=headers)

    async def patch(self, ref: Ref, operations: Sequence[Mapping[str, Any]], subresource: str = "") -> Object:
        """A JSON patch, all or nothing. A `test` operation that fails is Invalid: read again."""
        query, headers = {"fieldManager": self._manager}, {"Content-Type": _JSON_PATCH}
        path = ref.path(subresource)
        return await self._ask("PATCH", ref.kind, path, query=query, body=operations, headers=headers)

    async def delete(self, ref: Ref, *, uid: str, resource_version: str) -> None:
        """That object in that very version, or Conflict."""
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": preconditions}
        await self._ask("DELETE", ref.kind, ref.path(), body=body, headers={"Content-Type": "application/json"})

    async def watch(self, kind: Kind, resource_version: str, *, namespace: str = "") -> AsyncIterator[Event]:
        """Until the server ends it, which is ordinary. Objects that are gone from history are a line of type ERROR."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(self._deadlines.watch),
        }
        timeout = aiohttp.ClientTimeout(sock_connect=self._deadlines.connect, sock_read=self._deadlines.silence)
        async with self._open("GET", kind.path(namespace), query=query, timeout=timeout) as answer:
            if answer.status >= _FIRST_FAILURE:
                object_of(answer.status, answer.headers, await answer.read(), kind)
            async for line in _lines(answer.content):
                yield Event(line["type"], line["object"])

    async def _ask(
        self,
        method: str,
        kind: Kind,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Object:
        data = None if body is None else msgspec.json.encode(body)
        timeout = aiohttp.ClientTimeout(total=self._deadlines.answer, sock_connect=self._deadlines.connect)
        async with self._open(method, path, query=query, data=data, headers=headers, timeout=timeout) as answer:
            return object_of(answer.status, answer.headers, await answer.read(), kind)

    @asynccontextmanager
    async def _open(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url = f"{self._access.server}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            async with self._session.request(
                method, url, server_hostname=self._access.trust.server_name, **options
            ) as answer:
                yield answer
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            reason = " ".join(str(error).split()) or "no answer in time"
            raise Unreachable(f"API server {self._access.server} ({self._access.origin}): {reason}") from error


@asynccontextmanager
async def open_session(
    access: Access, user_agent: str, *around: aiohttp.ClientMiddlewareType
) -> AsyncIterator[aiohttp.ClientSession]:
    """A session whose every request carries the present token: a rotated one breaks no watch, and costs no 401.

    `around`: further middlewares, which see the answer last.
    """

    async def authorize(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        _put_token(request, access)
        answer = await handler(request)
        if answer.status != _UNAUTHORIZED:
            return answer
        answer.release()
        access.tokens.refused()
        _put_token(request, access)
        return await handler(request)

    secure = access.server.startswith("https:")
    connector = aiohttp.TCPConnector(limit=64, ssl=access.ssl_context() if secure else True)
    headers = {"Accept": "application/json", "User-Agent": user_agent}
    async with aiohttp.ClientSession(
        connector=connector,
        headers=headers,
        middlewares=(*around, authorize),
        proxy=access.proxy,
        read_bufsize=_READ_BUFFER,
    ) as session:
        yield session


def _put_token(request: aiohttp.ClientRequest, access: Access) -> None:
    if token := access.tokens.token():
        request.headers["Authorization"] = f"Bearer {token}"


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[Object]:
    """Objects of a watch, one a line, however long the line is (aiohttp's readline is bounded by its buffer)."""
    rest = b""
    async for chunk in content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line:
                yield _decoded(line)


def _decoded(line: bytes) -> Object:
    try:
        event: Object = msgspec.json.decode(line)
        return {"type": str(event["type"]), "object": dict(event["object"])}
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise ServerError(f"a line of a watch is no event: {line[:100]!r}") from error
