"""What is seen of a connection's end, on a real TLS connection whose other side is slow to say goodbye."""

import asyncio
import gc
import socket
import ssl
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread, Timer

import pytest

from devcluster.certificates import write_certificate
from devcluster.loops import PatientLoop
from devcluster.ports import HOST

SLOW_SECONDS = 0.3
LONG = 30.0
"""Seconds; nothing waits for so long unless a test fails."""


@dataclass(frozen=True)
class SlowServer:
    """Reads nothing after the first byte until it `may_go_on`."""

    port: int
    authority: Path
    may_go_on: Event


@pytest.fixture
def slow_server(tmp_path: Path) -> Iterator[SlowServer]:
    certificate = tmp_path / "tls" / "server.crt"
    write_certificate(certificate, HOST)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    with socket.create_server((HOST, 0)) as listening:
        listening.settimeout(LONG)  # a test that fails before it connects leaves nobody waiting
        may_go_on = Event()
        thread = Thread(target=answer, args=(listening, context, may_go_on))
        thread.start()
        yield SlowServer(listening.getsockname()[1], certificate, may_go_on)
        may_go_on.set()
        thread.join()


def answer(listening: socket.socket, context: ssl.SSLContext, may_go_on: Event) -> None:
    with suppress(TimeoutError):
        accepted, _ = listening.accept()
        say_goodbye_late(accepted, context, may_go_on)


def say_goodbye_late(accepted: socket.socket, context: ssl.SSLContext, may_go_on: Event) -> None:
    with context.wrap_socket(accepted, server_side=True) as talking, suppress(OSError):
        talking.recv(1)
        may_go_on.wait(LONG)
        talking.unwrap()


def left_open(server: SlowServer, patience: float) -> list[str]:
    """What the garbage collector had to close after a connection was closed and its loop ended."""

    async def talk() -> None:
        trust = ssl.create_default_context(cafile=str(server.authority))
        _, writer = await asyncio.open_connection(HOST, server.port, ssl=trust)
        writer.write(b"!")
        await writer.drain()
        writer.close()
        await loop.until_closed(patience)

    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loop = PatientLoop()
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(talk())
        gc.collect()
    return [str(warning.message) for warning in caught if warning.category is ResourceWarning]


def test_a_loop_that_waits_leaves_nothing_open(slow_server: SlowServer) -> None:
    Timer(SLOW_SECONDS, slow_server.may_go_on.set).start()
    assert left_open(slow_server, patience=LONG) == []


def test_one_that_does_not_leaves_the_socket(slow_server: SlowServer) -> None:
    assert any("unclosed" in said for said in left_open(slow_server, patience=0))
