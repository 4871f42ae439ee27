"""A scripted HTTP server: for the faults that a healthy API server does not show."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import msgspec
import pytest

Answer = tuple[int, dict[str, str], bytes]
Serve = Callable[..., "Scripted"]


@dataclass
class Scripted:
    """Gives the answers in order, the last one for ever; remembers what was asked."""

    answers: list[Answer]
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def status(code: int, message: str = "said so", headers: dict[str, str] | None = None, **details: Any) -> Answer:
    body = {"kind": "Status", "status": "Failure", "message": message, "details": details, "code": code}
    return code, headers or {}, msgspec.json.encode(body)


def obj(**fields: Any) -> Answer:
    return 200, {}, msgspec.json.encode(fields)


@contextmanager
def _served(script: Scripted) -> Iterator[Scripted]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            script.requests.append((self.command, self.path, dict(self.headers), body))
            code, headers, answer = script.next()
            self.send_response(code)
            for name, value in {**headers, "Content-Length": str(len(answer)), "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_PATCH = answer  # noqa: N815

        def log_message(self, *_: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        script.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield script
        server.shutdown()
        thread.join(5)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda *answers: stack.enter_context(_served(Scripted(list(answers))))
