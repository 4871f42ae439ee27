"""`/healthz`, `/readyz` and `/metrics` over plain HTTP, in a thread of its own."""

import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Thread
from typing import Any, Self

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

Probe = Callable[[], Sequence[str]]
"""What is wrong now, a line each; nothing means well. Called from the server's threads; must not block."""

_MAX_REQUESTS_AT_ONCE = 16
_REQUEST_SECONDS = 5.0
_MAX_PORT = 65535

log = logging.getLogger(__name__)


class ListenError(ValueError):
    """The address cannot be listened on; the message names it and the remedy."""


@dataclass(frozen=True)
class Address:
    """Where to listen; an empty host means every address of the machine."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `host:port`, `:port` or `[v6]:port`; port 0 lets the system choose. Errors are ListenError."""
        host, colon, port = text.rpartition(":")
        if not colon or not port.isascii() or not port.isdigit() or _number(port) > _MAX_PORT:
            raise ListenError(f"{text!r} is no address: allowed are host:port, :port and [v6]:port, port 0 to 65535")
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        if ":" in bare and bare == host:
            raise ListenError(f"{text!r} is no address: an IPv6 address stands in brackets, as in [::1]:{port}")
        return cls(bare, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Probes:
    """`live`: does the program make progress (restart it if not); `ready`: is what it says true and fresh."""

    live: Probe
    ready: Probe


class HealthServer:
    """Serves until closed. Requests are bounded in number and time: a stuck scraper costs nobody anything."""

    def __init__(self, address: Address, probes: Probes, registry: CollectorRegistry) -> None:
        self._server = _listen(address)
        self._server.pages = {
            "/healthz": lambda: _verdict(probes.live()),
            "/readyz": lambda: _verdict(probes.ready()),
            "/metrics": lambda: (200, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(registry)),
        }
        self._thread = Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_port

    def start(self) -> Self:
        self._thread.start()
        return self

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _listen(address: Address) -> "_Server":
    try:
        return _Server(address)
    except (OSError, ValueError) as error:  # ValueError: the name cannot even be asked for
        reason = (isinstance(error, OSError) and error.strerror) or "no name of a host"
        raise ListenError(f"cannot listen on {address}: {reason}; choose another address, or '' for none") from error


def _number(digits: str) -> int:
    """Python refuses to read numbers of thousands of digits: what is too long is just too much."""
    return int(digits) if len(digits) <= len(str(_MAX_PORT)) else _MAX_PORT + 1


_Page = tuple[int, str, bytes]


def _verdict(complaints: Sequence[str]) -> _Page:
    text = "\n".join(complaints) or "ok"
    return 503 if complaints else 200, "text/plain; charset=utf-8", text.encode() + b"\n"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    pages: dict[str, Callable[[], _Page]]

    def __init__(self, address: Address) -> None:
        family, _, _, _, target = socket.getaddrinfo(
            address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        self.address_family = family
        self._room = BoundedSemaphore(_MAX_REQUESTS_AT_ONCE)
        super().__init__(target[:2], _Handler)  # type: ignore[arg-type]  # the stub knows IPv4 tuples only

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """A client that goes away in the middle is no event worth a stack trace on stderr."""
        log.debug("a health request broke off")


class _Handler(BaseHTTPRequestHandler):
    timeout = _REQUEST_SECONDS

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)  # noqa: S101  # the only server that uses this handler
        page = self.server.pages.get(self.path.partition("?")[0])
        status, kind, body = page() if page else (404, "text/plain; charset=utf-8", b"not found\n")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
        """Probes come every few seconds; they are no news."""
