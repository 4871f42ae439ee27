"""Probes and metrics over real HTTP."""

import re
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry, Counter

from hypertally.serving.health import Address, HealthServer, ListenError, Probes


@dataclass
class State:
    live: list[str] = field(default_factory=list)
    ready: list[str] = field(default_factory=list)
    port: int = 0

    def ask(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.fixture
def state() -> Iterator[State]:
    state = State()
    registry = CollectorRegistry()
    Counter("seen", "Help.", registry=registry).inc()
    probes = Probes(live=lambda: _copy(state.live), ready=lambda: _copy(state.ready))
    server = HealthServer(Address("127.0.0.1", 0), probes, registry).start()
    state.port = server.port
    yield state
    server.close()


def _copy(lines: Sequence[str]) -> Sequence[str]:
    return tuple(lines)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/readyz?verbose"])
def test_all_is_well(state: State, path: str) -> None:
    assert state.ask(path) == (200, "ok\n")


def test_not_ready_says_why_and_is_still_alive(state: State) -> None:
    state.ready += ["n1: no audit yet", "n2: too"]
    assert state.ask("/readyz") == (503, "n1: no audit yet\nn2: too\n")
    assert state.ask("/healthz")[0] == 200


def test_a_loop_that_stands_still_fails_the_liveness_probe(state: State) -> None:
    state.live.append("stuck")
    assert state.ask("/healthz") == (503, "stuck\n")


def test_metrics_are_served(state: State) -> None:
    code, text = state.ask("/metrics")
    assert code == 200
    assert "seen_total 1.0" in text


def test_other_pages_are_not_there(state: State) -> None:
    assert state.ask("/etc/passwd")[0] == 404


def test_a_client_that_says_nothing_does_not_keep_others_waiting(state: State) -> None:
    with socket.create_connection(("127.0.0.1", state.port)):
        assert state.ask("/healthz")[0] == 200


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":9178", Address("", 9178)),
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("[::1]:80", Address("::1", 80)),
    ],
)
def test_an_address_is_understood(text: str, address: Address) -> None:
    assert Address.parse(text) == address


@pytest.mark.parametrize("text", ["9178", "host:", ":70000", ":x", "::1:80", ":-1", ":٣", ":" + "9" * 5000])
def test_what_is_no_address_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ListenError, match=r"is no address: "):
        Address.parse(text)


@pytest.mark.parametrize("host", ["..", "a..b", "x" * 64, "no-such-host.invalid"])
def test_a_host_that_cannot_be_is_answered_with_the_remedy(host: str) -> None:
    with pytest.raises(ListenError, match=f"^cannot listen on {re.escape(host)}:80: .+; choose another address"):
        HealthServer(Address.parse(f"{host}:80"), Probes(tuple, tuple), CollectorRegistry())


def test_a_taken_port_is_answered_with_the_remedy(state: State) -> None:
    with pytest.raises(ListenError, match=f"cannot listen on 127.0.0.1:{state.port}: Address already in use; choose"):
        HealthServer(Address("127.0.0.1", state.port), Probes(tuple, tuple), CollectorRegistry())
