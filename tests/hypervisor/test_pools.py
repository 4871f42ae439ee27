"""Asking libvirt for its storage pools, where something of it is missing or goes away meanwhile."""

import os
from errno import EACCES, ECONNREFUSED
from typing import Any, NoReturn

import libvirt
import pytest

from hypertally.hypervisor.connection import Connection
from hypertally.hypervisor.errors import CallUnsupported, HypervisorUnavailable, PoolGone
from hypertally.hypervisor.facts import Absent, PoolFacts, Unread
from hypertally.hypervisor.pools import ListedPool, look_at_pools
from hypertally.hypervisor.spec import parse_connection
from tests.support.modular import STORAGE, connection_without


@pytest.fixture
def connection() -> Connection:
    return Connection.open(parse_connection("test:///default"))


def test_the_pool_of_the_test_driver_is_listed(connection: Connection) -> None:
    seen = look_at_pools(connection)
    assert isinstance(seen, tuple)
    assert [(pool.name, pool.active) for pool in seen] == [("default-pool", True)]


def test_a_driver_without_storage_has_no_pools(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise CallUnsupported

    monkeypatch.setattr(connection, "ask_beside", refuse)
    assert look_at_pools(connection) is None


def test_a_storage_daemon_that_is_not_there_is_told_apart_from_one_that_fails() -> None:
    seen = look_at_pools(connection_without(STORAGE))
    assert seen == Absent("Failed to connect socket to '/run/libvirt/virtstoraged-sock-ro': No such file or directory")


@pytest.mark.parametrize("number", [ECONNREFUSED, EACCES])
def test_a_storage_daemon_that_does_not_answer_costs_the_pools(number: int) -> None:
    seen = look_at_pools(connection_without(STORAGE, number))
    assert type(seen) is Unread
    assert seen.reason.endswith(os.strerror(number))


def test_a_storage_daemon_in_another_language_is_absent_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.strerror", lambda _: "Datei oder Verzeichnis nicht gefunden")
    assert isinstance(look_at_pools(connection_without(STORAGE)), Absent)


def test_a_connection_that_is_lost_is_no_matter_of_pools() -> None:
    connection = connection_without(STORAGE)
    connection.close()
    with pytest.raises(HypervisorUnavailable, match="virtstoraged"):
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
