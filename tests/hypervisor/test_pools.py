"""Asking libvirt for its storage pools, where something of it is missing or goes away meanwhile."""

from typing import Any, NoReturn

import libvirt
import pytest

from hypertally.hypervisor.connection import Connection
from hypertally.hypervisor.errors import HypervisorError, HypervisorUnavailable, PoolGone
from hypertally.hypervisor.facts import PoolFacts, Unread
from hypertally.hypervisor.pools import ListedPool, look_at_pools
from hypertally.hypervisor.spec import parse_connection

NO_DAEMON = "Failed to connect socket to '/run/libvirt/virtstoraged-sock-ro': No such file or directory"


@pytest.fixture
def connection() -> Connection:
    return Connection.open(parse_connection("test:///default"))


def failing(monkeypatch: pytest.MonkeyPatch, connection: Connection, error: HypervisorError) -> None:
    def fail(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(connection, "ask", fail)


def test_the_pool_of_the_test_driver_is_listed(connection: Connection) -> None:
    seen = look_at_pools(connection)
    assert isinstance(seen, tuple)
    assert [(pool.name, pool.active) for pool in seen] == [("default-pool", True)]


def test_a_host_without_storage_daemon_has_no_pools(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, connection, HypervisorUnavailable(NO_DAEMON))
    assert look_at_pools(connection) is None


def test_a_storage_daemon_that_fails_costs_the_pools(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, connection, HypervisorUnavailable("broken pipe"))
    assert look_at_pools(connection) == Unread("broken pipe")


def test_a_connection_that_is_lost_is_no_matter_of_pools(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, connection, HypervisorUnavailable("gone"))
    monkeypatch.setattr(connection, "is_alive", lambda: False)
    with pytest.raises(HypervisorUnavailable, match="gone"):
        look_at_pools(connection)


class Handle:
    def __init__(self, code: int) -> None:
        self._code = code

    def XMLDesc(self, _: int) -> NoReturn:  # noqa: N802 libvirt's name
        error = libvirt.libvirtError("no")
        error.err = (self._code, libvirt.VIR_FROM_STORAGE, "no", 2, None, None, None, -1, -1)
        raise error


def test_a_pool_that_vanishes_meanwhile_is_left_out_and_one_that_fails_is_named(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: dict[str, Any] = {"gone": libvirt.VIR_ERR_NO_STORAGE_POOL, "sick": libvirt.VIR_ERR_INTERNAL_ERROR}
    listed = [ListedPool(name, name, active=True, handle=Handle(code)) for name, code in codes.items()]
    monkeypatch.setattr("hypertally.hypervisor.pools.list_pools", lambda _: listed)
    assert look_at_pools(connection) == (PoolFacts("sick", "sick", active=True, document=Unread("no")),)
    with pytest.raises(PoolGone):
        connection.ask(listed[0].handle.XMLDesc, 0)
