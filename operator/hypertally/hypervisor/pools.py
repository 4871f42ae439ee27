"""Asks libvirt for its storage pools, which may hang while libvirt refreshes a pool on a dead server."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import libvirt

from .connection import Connection
from .errors import CallFailed, CallUnsupported, HypervisorUnavailable, PoolGone
from .facts import PoolFacts, Unread

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE_SECONDS = 5.0

_STORAGE_DAEMON = "virtstoraged-sock"
"""Part of the path of the socket that libvirt looks for where its daemons are modular, and of its complaint."""


@dataclass(frozen=True)
class ListedPool:
    uuid: str
    name: str
    active: bool
    handle: Any


def look_at_pools(connection: Connection) -> tuple[PoolFacts, ...] | Unread | None:
    """None where there is no storage driver. Raises HypervisorUnavailable."""
    return connection.storage_pools.look(
        "libvirt's storage pools", lambda: _pools(connection), patience=PATIENCE_SECONDS
    )


def _pools(connection: Connection) -> tuple[PoolFacts, ...] | Unread | None:
    try:
        listed = list_pools(connection)
    except CallUnsupported:
        return None
    except CallFailed as error:
        return Unread(str(error))
    found = (_pool(connection, pool) for pool in listed)
    return tuple(pool for pool in found if pool)


def _pool(connection: Connection, pool: ListedPool) -> PoolFacts | None:
    """None for a pool that vanished between the two questions."""
    try:
        return PoolFacts(pool.uuid, pool.name, pool.active, str(ask_storage(connection, pool.handle.XMLDesc, 0)))
    except PoolGone:
        return None
    except CallFailed as error:
        return PoolFacts(pool.uuid, pool.name, pool.active, Unread(str(error)))


def list_pools(connection: Connection) -> list[ListedPool]:
    """Those that are not started as well."""
    active: int = libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE
    inactive: int = libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE
    return [
        ListedPool(str(pool.UUIDString()).lower(), str(pool.name()), is_active, pool)
        for flags, is_active in ((active, True), (inactive, False))
        for pool in ask_storage(connection, connection.handle.listAllStoragePools, flags)
    ]


def ask_storage(connection: Connection, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Of modular daemons another one answers than for guests, and its absence is no loss of the connection."""
    try:
        return connection.ask(function, *arguments, **named)
    except HypervisorUnavailable as error:
        if not connection.is_alive():
            raise
        raise (CallUnsupported if _STORAGE_DAEMON in str(error) else CallFailed)(str(error)) from None
