"""What is seen of a connection's end, on a real TLS connection whose other side is slow to say goodbye."""

import asyncio
import gc
import socket
import ssl
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from devcluster.certificates import write_certificate
from devcluster.loops import PatientLoop
from devcluster.ports import HOST

SLOW_SECONDS = 0.3


@pytest.fixture
def slow_server(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Port and authority of a server that reads nothing for a while after the first byte."""
    certificate = tmp_path / "tls" / "server.crt"
    write_certificate(certificate, HOST)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    with socket.create_server((HOST, 0)) as listening:
        listening.settimeout(10)  # a test that fails before it connects leaves nobody waiting
        thread = Thread(target=answer, args=(listening, context))
        thread.start()
        yield listening.getsockname()[1], certificate
        thread.join()


def answer(listening: socket.socket, context: ssl.SSLContext) -> None:
    with suppress(TimeoutError):
        accepted, _ = listening.accept()
        say_goodbye_late(accepted, context)


def say_goodbye_late(accepted: socket.socket, context: ssl.SSLContext) -> None:
    with context.wrap_socket(accepted, server_side=True) as talking, suppress(OSError):
        talking.recv(1)
        Event().wait(SLOW_SECONDS)
        talking.unwrap()


def left_open(port: int, authority: Path, patience: float) -> list[str]:
    """What the garbage collector had to close after a connection was closed and its loop ended."""

    async def talk() -> None:
        _, writer = await asyncio.open_connection(HOST, port, ssl=ssl.create_default_context(cafile=str(authority)))
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


def test_a_loop_that_waits_leaves_nothing_open(slow_server: tuple[int, Path]) -> None:
    assert left_open(*slow_server, patience=20) == []


def test_one_that_does_not_leaves_the_socket(slow_server: tuple[int, Path]) -> None:
    assert any("unclosed" in said for said in left_open(*slow_server, patience=0))
